//! The parts of a running daemon, and how it is told that one of them has ended.

use std::fmt;

use tokio::sync::watch;

/// What must run as long as the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Journal,
    Process,
    Delivery,
    Digests,
    SelfWatch,
    Retention,
    Recovery,
    Reconciliation,
    LookingAhead,
    Rules,
    Files,
    Account,
    PublicPort,
    AdminSocket,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Journal => "the journal's writer",
            Self::Process => "processing",
            Self::Delivery => "delivery",
            Self::Digests => "digests",
            Self::SelfWatch => "the self-watch",
            Self::Retention => "retention",
            Self::Reconciliation => "reconciliation",
            Self::LookingAhead => "the reading back of devices before they are called silent",
            Self::Recovery => "recovery from Impilo's log",
            Self::Rules => "the bringing of rules into force",
            Self::Files => "the watching of files",
            Self::Account => "the looking after Impilo's account",
            Self::PublicPort => "the public port",
            Self::AdminSocket => "the admin socket",
        })
    }
}

/// The first part that has ended, if any.
pub(super) struct Ended(watch::Sender<Option<Part>>);

/// Tells of its part's end when it is dropped, also by a panic.
struct Runs {
    part: Part,
    ended: watch::Sender<Option<Part>>,
}

impl Ended {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Runs `work`, which is `part`, and tells when it ends, however that is.
    pub(super) fn told<F>(&self, part: Part, work: F) -> impl Future<Output = ()> + use<F>
    where
        F: Future<Output = ()>,
    {
        let runs = Runs { part, ended: self.0.clone() };
        async move {
            let _runs = runs;
            work.await;
        }
    }

    /// Returns once a part has ended.
    pub(super) async fn first(&self) -> Part {
        let mut ended = self.0.subscribe();
        loop {
            let first = *ended.borrow_and_update();
            if let Some(part) = first {
                return part;
            }
            if ended.changed().await.is_err() {
                // The sender is this one's own, so it outlives the wait.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        let part = self.part;
        self.ended.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(part);
            is_first
        });
    }
}
