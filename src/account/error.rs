//! Why Impilo's API gave no answer that can be used.

use std::time::Duration;

use thiserror::Error;

/// Never holds a body, a key, or the address that was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApiError {
    #[error("Impilo cannot be reached: {0}; look at the network, and at `impilo.api`")]
    Unreachable(String),
    #[error(
        "Impilo refused the API key (HTTP {0}): it may be wrong, expired or deactivated; make a new one in Impilo's account \
         portal and put it where `impilo.api_key` refers to"
    )]
    Refused(u16),
    #[error("Impilo does not have what was asked for (HTTP 404); `impilo.api` may lead somewhere else")]
    NotFound,
    /// It asks to be left alone for a time, if it says for how long.
    #[error("Impilo is busy{}; ask again later", wait(.after.as_ref()))]
    Busy { after: Option<Duration> },
    #[error("Impilo answered HTTP {0}{more}", more = trouble(*.0))]
    Answered(u16),
    /// However little of it is asked for at once.
    #[error("an answer of Impilo's is longer than {} MiB, also where a single row is asked for; ask Impilo about it", .0 >> 20)]
    TooLong(usize),
    /// It is about something else than was asked for, or does not say what it is about.
    #[error("Impilo's answer is not about what was asked for; ask Impilo about it")]
    Another,
    #[error("Impilo's answer cannot be read: {0}; `impilo.api` may lead somewhere else")]
    Unreadable(&'static str),
}

fn wait(after: Option<&Duration>) -> String {
    after.map(|after| format!(" and asks to wait {} s", after.as_secs())).unwrap_or_default()
}

const fn trouble(status: u16) -> &'static str {
    if status >= 500 { ", so it has trouble of its own; ask again later" } else { "" }
}

impl ApiError {
    /// Whether the same may go well later without anybody doing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy { .. } => true,
            Self::Answered(status) => *status >= 500,
            Self::Refused(_) | Self::NotFound | Self::Unreadable(_) | Self::TooLong(_) | Self::Another => false,
        }
    }

    /// Whether it may be a matter of the one thing that was asked for: which errors Impilo has for what is not documented.
    #[must_use]
    pub fn may_concern_one(&self) -> bool {
        match self {
            Self::Refused(status) => *status == 403,
            Self::NotFound | Self::Answered(_) | Self::Unreadable(_) | Self::TooLong(_) | Self::Another => true,
            Self::Unreachable(_) | Self::Busy { .. } => false,
        }
    }
}
