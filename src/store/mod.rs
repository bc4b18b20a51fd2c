//! What is kept, in the domain's verbs: every method is one transaction, and blocks while it runs.
//!
//! [`sqlite`] is the engine behind it today; the verbs are coarse so that another database can stand behind them.

mod attachment;
mod digests;
mod figures;
mod filter;
mod ledger;
mod recovery;
mod retained;
mod room;
mod root;
pub mod sqlite;

use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};

pub use attachment::Attachment;
pub use digests::{DigestDue, Outline};
pub use figures::{Figures, NEVER, Telling, Told, Vitals};
pub use filter::{AlertFilter, AlertOrder};
pub use ledger::{
    Amended, Amendment, Attempt, AttemptOutcome, AttemptResult, AttemptRow, DeliveryFilter, LastDelivery, NotResent,
    Overdue, Resend, Resent, Rest,
};
pub use ledger::{is_rest, key_of_rest, whole};
pub use recovery::{
    Doubt, Logged, Placing, Print, RecoveryNotes, SIBLINGS_WITHIN, SteppedOver, TakenIn, Tally, meet, within,
};
pub use retained::{Pruned, Retention};
pub use room::{Limit, Room};
pub use root::Root;

use crate::engine::{
    Action, Alert, AlertState, Channel, Command, DeliveryFailure, Interval, Notification, Phi, Position, Records,
    Recovery, SilenceRecord, Slice, Source, Standing, Subject, SubjectKind, Suppression, Timestamp, Transition,
};

/// Why the store could not do what was asked. Carries no payload and no value.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No space, read-only, an I/O error, locked for too long: may pass by itself.
    #[error("the store at {place} cannot {doing} now: {cause}")]
    Unavailable { place: String, doing: &'static str, cause: String },
    /// Written by a newer version of Pulsewarden.
    #[error(
        "the store at {place} has schema {found}, and this version knows schema {known}: install a newer Pulsewarden or restore an older backup"
    )]
    TooNew { place: String, found: u32, known: u32 },
    /// What was read back makes no sense.
    #[error(
        "the store at {place} is damaged: {what}; run `pulsewarden store verify` on a copy and restore a backup if it confirms"
    )]
    Damaged { place: String, what: String },
}

/// A row of the journal before it has a position.
#[derive(Clone, Debug)]
pub struct NewRow {
    pub received_at: Timestamp,
    pub entry: Entry,
}

/// What a journal row holds: everything that can change a decision.
#[derive(Clone, Debug)]
pub enum Entry {
    Event(EventRow),
    Command(Command),
    /// From here on this rule set decides.
    RuleSet {
        hash: String,
    },
    DeliveryFailed(DeliveryFailure),
    /// In this stretch nothing could be heard. The row's `at` is where it begins, or as soon after as the journal allows.
    Blind(Interval),
    /// What became of such a stretch.
    Recovery(Recovery),
}

/// An event as the journal keeps it. `Debug` shows no body.
#[derive(Clone)]
pub struct EventRow {
    /// The envelope's `type`.
    pub kind: String,
    /// The envelope's `id` as text; for the `{event, data}` form a hash of its body. Unique with `kind`.
    pub envelope_id: Option<String>,
    /// The id of the row in Impilo's webhook log that it was recovered from. Unique with `kind`.
    pub log_id: Option<i64>,
    pub source: Source,
    /// The whole envelope, encoded by [`crate::journal::codec`]; `None` once retention has removed it.
    pub body: Option<Vec<u8>>,
}

impl std::fmt::Debug for EventRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventRow")
            .field("kind", &self.kind)
            .field("envelope_id", &self.envelope_id)
            .finish_non_exhaustive()
    }
}

/// What became of an appended row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    New {
        position: Position,
        at: Timestamp,
    },
    /// The journal has this event already.
    Known,
}

/// A row of the journal.
#[derive(Clone, Debug)]
pub struct JournalRow {
    pub position: Position,
    /// Never below the row before, nor below the frontier committed when it was appended.
    pub at: Timestamp,
    pub received_at: Timestamp,
    pub entry: Entry,
}

/// How far processing has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last journal row whose outcome is committed; 0 before the first.
    pub position: Position,
    /// Every wake-up due at or before this instant has run.
    pub frontier: Timestamp,
    /// The number that the next new alert takes; starts at 1.
    pub next_alert: u64,
    /// Hash of the rule set in force; empty before the first.
    pub rule_set: String,
    /// What decisions stand on besides subjects and rows.
    pub standing: Standing,
    /// The rule set in force has judged every subject up to this one, by kind and id, and has others to judge; `None` where
    /// all are judged.
    pub to_judge: Option<Subject>,
}

/// Everything that one batch of processing decided; committed together or not at all.
pub struct Outcome<'a> {
    pub progress: &'a Progress,
    /// Slices to write back: those that changed, with their changed alerts and members.
    pub slices: &'a [&'a Slice],
    pub ended: &'a [Alert],
    pub transitions: &'a [Transition],
    pub notifications: &'a [Notification],
    /// What people did, and what was held back.
    pub records: &'a Records,
    /// When it was decided by the wall clock, kept beside each transition.
    pub noticed_at: Timestamp,
}

/// A leased outbox row. `rendered` is fixed at its first lease.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub id: u64,
    pub notification: Notification,
    /// Attempts made before this one.
    pub attempts: u32,
    /// When the first attempt was made: the patience with its receiver counts from there.
    pub since: Timestamp,
    pub rendered: Rendered,
    /// What its group's messages hang on so far; it may be of an earlier thread.
    pub root: Option<Root>,
}

/// A message as it goes out. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum Rendered {
    Email {
        subject: String,
        text: String,
        html: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    /// The JSON of a message of Slack, without what says where it goes.
    Slack { body: String },
    /// The JSON body for an endpoint of somebody's own.
    Webhook { body: String },
    /// The JSON of PagerDuty's events, without the key of the integration.
    Pagerduty { events: Vec<String> },
    /// It could not be rendered even plainly; the delivery fails with this reason.
    Failed { error: String },
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Email { .. } => "Email(…)",
            Self::Slack { .. } => "Slack(…)",
            Self::Webhook { .. } => "Webhook(…)",
            Self::Pagerduty { .. } => "Pagerduty(…)",
            Self::Failed { .. } => "Failed(…)",
        })
    }
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Waiting,
    Delivered,
    Dead,
    /// It was not sent: a newer message of its group took its place, or its way has no use for it.
    Superseded,
}

/// An outbox row as people read it; holds no rendered text.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveryRow {
    pub id: u64,
    pub key: String,
    /// The notification group's id; empty for what belongs to none.
    pub group: String,
    pub receiver: String,
    pub channel: Channel,
    pub phi: Phi,
    /// The alerts that it speaks of.
    pub alerts: Vec<u64>,
    pub state: DeliveryState,
    pub attempts: u32,
    pub due: Timestamp,
    pub next_attempt_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub last_error: Option<String>,
    /// The delivery, given up then, that this one repeats.
    pub resent_from: Option<u64>,
    /// The delivery whose receiver could not be reached, in whose place this one tells a fallback.
    pub stands_in_for: Option<u64>,
    /// The delivery that tells what this one was to tell.
    pub superseded_by: Option<u64>,
}

/// A bad body that came with a right secret.
pub struct Quarantined {
    pub received_at: Timestamp,
    /// SHA-256 of the raw body, in hexadecimal; the same body is kept once.
    pub hash: String,
    pub reason: String,
    /// The raw body, encoded by [`crate::journal::codec`].
    pub body: Vec<u8>,
}

/// The store. Shared by the threads and tasks of one daemon.
pub trait Store: Send + Sync + 'static {
    /// Appends rows durably, in order, and gives each its place. `clock` is the wall clock.
    ///
    /// # Errors
    /// When nothing was kept; then no row was.
    fn append(&self, rows: &[NewRow], clock: Timestamp) -> Result<Vec<Appended>, StoreError>;

    /// The same, where each row that has a print may be the webhook of an event that was recovered before: that row takes it
    /// in, and it is known.
    ///
    /// # Errors
    /// When nothing was kept; then no row was.
    fn append_printed(
        &self,
        rows: &[NewRow],
        prints: &[Option<Print>],
        clock: Timestamp,
    ) -> Result<Vec<Appended>, StoreError>;

    /// Whether a webhook received now may be one that was recovered before, so that its print is wanted.
    fn expects_copies(&self, now: Timestamp) -> bool;

    /// Takes in rows of Impilo's webhook log: what the journal has is paired with it, each row once, and the rest is new.
    /// `others` are rows that stand at given times beside them. `placed` is where they stand, and the wall clock. `print` reads
    /// the print of a kept body. `note` changes what is remembered, in the same commit; it is not asked where rows are placed
    /// nowhere.
    ///
    /// # Errors
    /// When nothing was kept.
    fn take_in(
        &self,
        logged: &[Logged],
        others: &[(Timestamp, NewRow)],
        placed: (Placing, Timestamp),
        print: &dyn Fn(&[u8]) -> Option<Print>,
        note: &mut dyn FnMut(&[TakenIn], &mut RecoveryNotes),
    ) -> Result<Vec<TakenIn>, StoreError>;

    /// How far Impilo's log has been read.
    fn recovery(&self) -> Result<RecoveryNotes, StoreError>;

    /// Remembers how far Impilo's log has been read.
    fn note_recovery(&self, notes: &RecoveryNotes) -> Result<(), StoreError>;

    /// Keeps a bad body for people to look at, once; true where it was new.
    fn quarantine(&self, bad: &Quarantined) -> Result<bool, StoreError>;

    /// The journal after `after`, oldest first.
    fn journal(&self, after: Position, limit: usize) -> Result<Vec<JournalRow>, StoreError>;

    /// Events before `before`, newest first; of one type where `kind` is given.
    fn events_before(&self, before: Position, kind: Option<&str>, limit: usize) -> Result<Vec<JournalRow>, StoreError>;

    /// How far processing has come.
    fn progress(&self) -> Result<Progress, StoreError>;

    /// The slices of these subjects, in the order asked; unknown subjects come new.
    fn load(&self, subjects: &[Subject]) -> Result<Vec<Slice>, StoreError>;

    /// Subjects that want to be woken at or before `until`, by due time, then kind, then id.
    fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<(Timestamp, Subject)>, StoreError>;

    /// Subjects with open alerts, in order; for a rule set that replaces another.
    fn subjects_with_open_alerts(&self) -> Result<Vec<Subject>, StoreError>;

    /// Lets no later row have an `at` below `at`, provided that `processed` is the journal's last row; false otherwise.
    fn hold_frontier(&self, at: Timestamp, processed: Position) -> Result<bool, StoreError>;

    /// Commits what a batch decided.
    fn commit(&self, outcome: &Outcome<'_>) -> Result<(), StoreError>;

    /// Leases deliveries that are due and for which there is room, until `until`; those not yet rendered are rendered in the
    /// same commit. What has waited for long is judged again before ([`judge_again`](crate::engine::judge_again)). One that
    /// cannot be read back is given up.
    fn lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        room: &Room,
        render: &mut dyn FnMut(&Notification) -> Rendered,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Makes due at once what was leased and got no result: the daemon that leased it has ended. Only for a daemon that
    /// has the store to itself.
    fn release(&self) -> Result<(), StoreError>;

    /// Records attempts; `clock` dates the journal rows of final failures.
    fn record(&self, attempts: &[Attempt], clock: Timestamp) -> Result<(), StoreError>;

    /// Amends leased deliveries that the rules in force do not let go as they are; no attempt was made of them. `rule_set` is the
    /// hash of the rules that say so: where others are in force by now, they wait a moment to be judged again.
    fn amend(&self, amendments: &[Amendment], rule_set: &str, now: Timestamp) -> Result<(), StoreError>;

    /// When the next delivery for which there is room is due.
    fn next_delivery(&self, room: &Room) -> Result<Option<Timestamp>, StoreError>;

    /// Adds notifications that no journal row decides: self-alerts. A key that exists is left alone.
    fn enqueue(&self, notifications: &[Notification]) -> Result<(), StoreError>;

    /// The stored next due time of a digest, with the end of what its last report covered.
    fn digest_due(&self, name: &str) -> Result<Option<DigestDue>, StoreError>;

    /// Sets a digest's next due time where it has none, or where its schedule changed.
    fn schedule_digest(&self, name: &str, due: &DigestDue) -> Result<(), StoreError>;

    /// Moves a digest from `due` to `next` and adds its notifications, together; false where another run did so already.
    fn run_digest(
        &self,
        name: &str,
        due: Timestamp,
        next: &DigestDue,
        notifications: &[Notification],
    ) -> Result<bool, StoreError>;

    /// Keeps the files of a rule set by hash.
    fn keep_rule_set(&self, hash: &str, bundle: &[u8]) -> Result<(), StoreError>;

    /// The files of a rule set.
    fn rule_set(&self, hash: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Alerts, in the filter's order.
    fn alerts(&self, filter: &AlertFilter) -> Result<Vec<Alert>, StoreError>;

    /// Alerts of one state in short, by the time at which they moved to it and by number: those behind `after`. Alerts of
    /// rules that are tried out are left out.
    fn outlines(&self, state: AlertState, after: (Timestamp, u64), limit: usize) -> Result<Vec<Outline>, StoreError>;

    /// The alert with this number.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn alert(&self, number: u64) -> Result<Option<Alert>, StoreError> {
        Ok(self.alerts(&AlertFilter { number: Some(number), limit: 1, ..AlertFilter::default() })?.pop())
    }

    /// How many alerts match, whatever `filter.limit` says.
    fn count_alerts(&self, filter: &AlertFilter) -> Result<u64, StoreError>;

    /// How many deliveries were given up between two instants.
    fn count_dead(&self, from: Timestamp, before: Timestamp) -> Result<u64, StoreError>;

    /// The moves of one alert, oldest first.
    fn transitions(&self, alert: u64) -> Result<Vec<Transition>, StoreError>;

    /// Subjects of one kind after the id `after`, by id.
    fn subjects(&self, kind: SubjectKind, after: Option<&str>, limit: usize) -> Result<Vec<Slice>, StoreError>;

    /// What people did, newest first; about one alert where given.
    fn actions(&self, alert: Option<u64>, limit: usize) -> Result<Vec<Action>, StoreError>;

    /// What was held back of one alert, oldest first.
    fn suppressions(&self, alert: u64) -> Result<Vec<Suppression>, StoreError>;

    /// Silences, newest first; with `over` those that have ended, too.
    fn silences(&self, over: bool, limit: usize) -> Result<Vec<SilenceRecord>, StoreError>;

    /// The secret key of this name, which is `new` where there was none.
    fn key(&self, name: &str, new: &[u8]) -> Result<SecretSlice<u8>, StoreError>;

    /// Outbox rows, newest first; of one alert where given.
    fn deliveries(
        &self,
        alert: Option<u64>,
        state: Option<DeliveryState>,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        self.find_deliveries(&DeliveryFilter { alert, state, limit, ..DeliveryFilter::default() })
    }

    /// Outbox rows that match, newest first.
    fn find_deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<DeliveryRow>, StoreError>;

    /// The attempts of one delivery, oldest first.
    fn attempts(&self, delivery: u64) -> Result<Vec<AttemptRow>, StoreError>;

    /// When each receiver was last reached over each of its ways out.
    fn last_delivery_by_receiver(&self) -> Result<Vec<LastDelivery>, StoreError>;

    /// Makes due what waits in a lane that has come back, whatever its own next attempt was to be.
    fn hasten(&self, lane: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Adds what fallbacks hear of messages that wait for too long, each message once. `make` gives it, or nothing where a
    /// message is not for a fallback. The number of messages handed over.
    fn hand_over(
        &self,
        overdue: &Overdue,
        make: &mut dyn FnMut(&Notification) -> Vec<Notification>,
    ) -> Result<u64, StoreError>;

    /// Adds messages that say once more what others could not deliver, all of them or none. `make` readdresses each, or says
    /// why it cannot be.
    fn resend(
        &self,
        resend: &Resend,
        now: Timestamp,
        make: &mut dyn FnMut(&Notification) -> Result<Notification, String>,
    ) -> Result<Result<Vec<Resent>, NotResent>, StoreError>;

    /// How the daemon is at this moment.
    fn vitals(&self) -> Result<Vitals, StoreError>;

    /// The figures of this moment.
    fn figures(&self) -> Result<Figures, StoreError>;

    /// What the self-watch has told and not taken back.
    fn told(&self) -> Result<Vec<Told>, StoreError>;

    /// Remembers that the self-watch tells something, and adds the notifications that tell it, together.
    fn tell(&self, telling: &Telling, notifications: &[Notification]) -> Result<(), StoreError>;

    /// Removes what has outlived its retention, a bounded number of rows a call.
    /// `reduce` turns the body of a reading into what may stay.
    fn prune(
        &self,
        retention: &Retention,
        reduce: &mut dyn FnMut(&EventRow) -> Option<Vec<u8>>,
    ) -> Result<Pruned, StoreError>;

    /// Writes and syncs one small row: proves that commits work.
    fn probe(&self, clock: Timestamp) -> Result<(), StoreError>;
}
