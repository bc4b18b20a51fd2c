//! What the channels that speak HTTP have in common: one client, and what every answer means alike.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use super::known::known;
use super::{Sent, retry, shortened};

/// For one request, connection included.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Bytes of an answer that are read. Slack's hold the whole message again.
const LONGEST_ANSWER: usize = 256 * 1024;

/// The shortest and the longest wait that a `Retry-After` may ask for.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Answers that say that the settings are wrong, or the other side's: the administrator can mend them.
const MENDABLE: [StatusCode; 4] =
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::PROXY_AUTHENTICATION_REQUIRED];

/// Answers that say "not now" and are none of the server's errors.
const LATER: [StatusCode; 3] = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];

/// One client for all channels. It follows no redirect: what is sent is for one address alone.
pub(super) fn client() -> anyhow::Result<Client> {
    Client::builder()
        .timeout(TIMEOUT)
        .user_agent(concat!("pulsewarden/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("no HTTP client can be made")
}

/// What the other side said.
pub(super) struct Answer {
    pub status: StatusCode,
    /// How long it asked to be left alone.
    pub after: Option<Duration>,
    pub body: String,
}

impl Answer {
    /// The answer on one short line, without what it may hold of the message.
    pub fn short(&self) -> String {
        shortened(&format!("{} {}", self.status.as_u16(), known(&self.body)), 120)
    }

    /// Whether the same may be taken at another time: too many requests, redirects, the other side's own errors.
    pub fn is_temporary(&self) -> bool {
        LATER.contains(&self.status) || self.status.is_server_error() || self.status.is_redirection()
    }

    /// Whether the same may be taken once the administrator has mended a setting here or there.
    pub fn is_mendable(&self) -> bool {
        MENDABLE.contains(&self.status)
    }

    /// To be tried again, when the other side says or as usual.
    pub fn again(&self, who: &str) -> Sent {
        Sent::Retry { after: self.after, answered: true, error: format!("{who} answered {}", self.short()) }
    }
}

/// Sends a request with JSON; the error is what became of the attempt where there was no answer.
pub(super) async fn ask(request: RequestBuilder, body: String, who: &str) -> Result<Answer, Sent> {
    let request = request.header("Content-Type", "application/json; charset=utf-8").body(body);
    match request.send().await {
        Ok(response) => {
            let (status, after) = (response.status(), wait(response.headers(), Utc::now()));
            Ok(Answer { status, after, body: beginning(response).await })
        }
        Err(error) => Err(retry(&format!("{who} cannot be reached: {}", cause(error)))),
    }
}

/// What `Retry-After` asks for: seconds, or a date (RFC 9110), which is held against the other side's own clock.
pub(crate) fn wait(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let date = |text: &str| DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc());
    let asked = text(RETRY_AFTER)?;
    let wait = match asked.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        // Beyond any number.
        Err(_) if !asked.is_empty() && asked.bytes().all(|digit| digit.is_ascii_digit()) => LONGEST_WAIT,
        Err(_) => {
            let there = text(DATE).and_then(date).unwrap_or(now);
            (date(asked)? - there).to_std().unwrap_or_default()
        }
    };
    Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

/// The beginning of an answer: whatever stands behind it would only take room.
async fn beginning(mut response: Response) -> String {
    let mut said = Vec::new();
    while said.len() < LONGEST_ANSWER
        && let Ok(Some(piece)) = response.chunk().await
    {
        said.extend_from_slice(&piece);
    }
    said.truncate(LONGEST_ANSWER);
    String::from_utf8_lossy(&said).into_owned()
}

/// What went wrong, without the URL: it is a secret.
pub(crate) fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut inner = std::error::Error::source(&error);
    while let Some(next) = inner {
        text = format!("{text}: {next}");
        inner = next.source();
    }
    shortened(&text, 300)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_asked_for_in_seconds_or_by_a_date() {
        let now = DateTime::from_timestamp(1_000_000_000, 0).unwrap();
        let asked = |headers: &[(&'static str, &'static str)]| {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            wait(&headers.collect(), now).map(|wait| wait.as_secs())
        };
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&[("retry-after", "30")]), Some(30));
        assert_eq!(asked(&[("retry-after", "0")]), Some(1));
        assert_eq!(asked(&[("retry-after", "999999")]), Some(3600));
        assert_eq!(asked(&[("retry-after", "99999999999999999999999")]), Some(3600));
        assert_eq!(asked(&[("retry-after", "-3")]), None);
        assert_eq!(asked(&[("retry-after", "soon")]), None);
        assert_eq!(asked(&[("retry-after", "Sun, 09 Sep 2001 01:47:10 GMT")]), Some(30));
        assert_eq!(asked(&[("retry-after", "Sat, 08 Sep 2001 01:47:10 GMT")]), Some(1));
        let dates = [("date", "Sun, 09 Sep 2001 01:47:00 GMT"), ("retry-after", "Sun, 09 Sep 2001 01:47:10 GMT")];
        assert_eq!(asked(&dates), Some(10));
    }
}
