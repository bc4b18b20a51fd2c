//! The self-watch: what Pulsewarden says about itself, through a way that works when the rules are broken.

mod account;
mod look;
mod ready;
pub mod retention;
mod tell;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub use look::free_bytes;
pub use ready::check as ready;

use crate::config::{Heartbeat, Settings};
use crate::daemon::Shared;
use crate::engine::{RuleSet, SelfAlert, Timestamp};
use crate::store::{Told, Vitals};
use crate::telemetry;
use look::{Eyes, Finding, State};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(10);

/// Looks in a row that must be good before a watch says so.
const GOOD_LOOKS: u32 = 3;

/// What the self-watch sees now.
#[derive(Default)]
pub struct Watch {
    memory: Mutex<Memory>,
    look_now: Notify,
}

#[derive(Default)]
struct Memory {
    firing: BTreeMap<String, Firing>,
    /// Since when those had fired that fire no more.
    fired: BTreeMap<String, Timestamp>,
    /// The rule set that was last told of: its hash is the summary.
    rules: Option<Told>,
    /// Event types that this version does not know and has told.
    types: BTreeSet<String>,
    /// Whether what was told before this start is known.
    read: bool,
}

#[derive(Clone, Debug)]
struct Firing {
    since: Timestamp,
    summary: String,
    good_looks: u32,
    told: How,
    /// The summary that was told last.
    said: String,
    /// What was told of what is wrong, by words.
    known: BTreeSet<String>,
    /// Nothing is told before.
    quiet_until: Timestamp,
}

/// How it was told that a watch fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    NotYet,
    /// The store could not take it, and the mail went out without it.
    PastTheStore,
    ThroughTheStore,
}

/// What is to be done about a watch.
enum Step {
    Begin(Told),
    /// It was told, which the store does not know yet.
    Keep(Told),
    End(Told),
}

impl Watch {
    /// The watches that fire, with what they say.
    #[must_use]
    pub fn firing(&self) -> Vec<(String, Timestamp, String)> {
        let memory = self.memory();
        memory.firing.iter().map(|(name, firing)| (name.clone(), firing.since, firing.summary.clone())).collect()
    }

    /// Since when the rule set with this hash has been in force, where that is known.
    #[must_use]
    pub fn in_force_since(&self, hash: &str) -> Option<Timestamp> {
        self.memory().rules.as_ref().filter(|rules| rules.summary == hash).map(|rules| rules.since)
    }

    /// Asks for a look before the next one is due.
    pub fn look_now(&self) {
        self.look_now.notify_one();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a finding says; returns what is to be done about it, again and again until it is done.
    fn turn(&self, finding: &Finding, now: Timestamp) -> Option<Step> {
        let mut memory = self.memory();
        let spaced = memory.fired.get(finding.name).map_or(now, |before| before.plus(finding.news_spacing));
        let quiet_until = spaced.max(now.plus(finding.patience));
        let firing = match (&finding.state, memory.firing.get_mut(finding.name)) {
            (State::Wrong(summary), Some(firing)) => {
                firing.summary.clone_from(summary);
                firing.good_looks = 0;
                if finding.tells_anew(firing, now) {
                    (firing.since, firing.told) = (now, How::NotYet);
                }
                firing
            }
            (State::Wrong(summary), None) => {
                telemetry::watch_turned(&finding.begins(summary));
                let new = Firing::new(now, summary, quiet_until);
                memory.firing.entry(finding.name.to_owned()).or_insert(new)
            }
            (State::Well, Some(firing)) => {
                firing.good_looks = firing.good_looks.saturating_add(1);
                firing
            }
            (State::Unknown, Some(firing)) => firing,
            (State::Well | State::Unknown, None) => return None,
        };
        let told = Told { name: finding.name.to_owned(), since: firing.since, summary: firing.summary.clone() };
        match firing.told {
            How::NotYet if now < firing.quiet_until => {
                if firing.good_looks >= GOOD_LOOKS {
                    memory.firing.remove(finding.name);
                }
                None
            }
            How::NotYet => {
                if firing.known.is_superset(&finding.faults) {
                    firing.known.clear();
                }
                firing.known.extend(finding.faults.iter().cloned());
                firing.said.clone_from(&firing.summary);
                Some(Step::Begin(told))
            }
            How::PastTheStore => Some(Step::Keep(told)),
            How::ThroughTheStore => (firing.good_looks >= GOOD_LOOKS).then_some(Step::End(told)),
        }
    }

    fn set_told(&self, name: &str, how: How) {
        if let Some(firing) = self.memory().firing.get_mut(name) {
            firing.told = how;
        }
    }

    fn end(&self, name: &str) {
        let mut memory = self.memory();
        if let Some(firing) = memory.firing.remove(name) {
            memory.fired.insert(name.to_owned(), firing.since);
        }
    }

    /// Takes in what was told before this start.
    fn remember(&self, before: Vec<Told>) {
        let mut memory = self.memory();
        memory.read = true;
        for told in before {
            if told.name == tell::RULES {
                memory.rules = Some(told);
            } else if let Some(kind) = told.name.strip_prefix(tell::UNKNOWN_TYPE) {
                memory.types.insert(kind.to_owned());
            } else {
                let Told { name, since, summary } = told;
                let firing = memory.firing.entry(name).or_insert_with(|| Firing::new(since, &summary, since));
                firing.known = words(&summary);
                (firing.since, firing.told, firing.said) = (since, How::ThroughTheStore, summary);
            }
        }
    }
}

/// The words of a summary that was told before this start: of what was wrong then nothing else is kept.
fn words(summary: &str) -> BTreeSet<String> {
    let words = summary.split([' ', ',', ';', ':']).map(|word| word.trim_end_matches('.'));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl Firing {
    fn new(since: Timestamp, summary: &str, quiet_until: Timestamp) -> Self {
        let (summary, told, said) = (summary.to_owned(), How::NotYet, String::new());
        Self { since, summary, good_looks: 0, told, said, known: BTreeSet::new(), quiet_until }
    }
}

impl Finding {
    fn begins(&self, summary: &str) -> SelfAlert {
        let action = match &self.details {
            Some(details) => format!("{}\n\n{details}", self.action),
            None => self.action.to_owned(),
        };
        SelfAlert { watch: self.name.to_owned(), firing: true, summary: summary.to_owned(), action }
    }

    /// Whether it is another thing that is wrong now than what was told, which was long enough ago: soon where something
    /// was not told yet, so that a harmless fault hides no grave one, and late where only numbers changed, or less is wrong.
    fn tells_anew(&self, firing: &Firing, now: Timestamp) -> bool {
        let spacing = if firing.known.is_superset(&self.faults) { self.spacing } else { self.news_spacing };
        self.details.is_some()
            && firing.told == How::ThroughTheStore
            && firing.said != firing.summary
            && now.since(firing.since) >= spacing
    }
}

/// Looks until it is stopped; beats the heart while commits work and processing keeps up.
pub async fn run(
    shared: Arc<Shared>,
    outbox: Arc<Notify>,
    mut rule_sets: watch::Receiver<Arc<RuleSet>>,
    stop: CancellationToken,
) {
    let mut eyes = Eyes::new(&shared);
    let mut heart = Heart::new();
    loop {
        let turn = async {
            let settings = shared.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if turn(&shared, &settings, &mut eyes, &outbox).await {
                heart.beat(&settings, shared.clock.now()).await;
            }
            let new_rules = async {
                if rule_sets.changed().await.is_err() {
                    // Processing has ended, and soon everything does.
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = shared.watch.look_now.notified() => {}
                () = new_rules => {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = turn => {}
        }
    }
}

/// Looks once, and tells what is new; true where commits work and processing keeps up.
async fn turn(shared: &Arc<Shared>, settings: &Settings, eyes: &mut Eyes, outbox: &Notify) -> bool {
    let looking = {
        let (shared, settings) = (Arc::clone(shared), settings.clone());
        tokio::task::spawn_blocking(move || look::look(&shared, &settings))
    };
    let Ok(mut seen) = looking.await else { return false };
    if let Some(before) = seen.told.take() {
        shared.watch.remember(before);
    }
    let now = shared.clock.now();
    seen.findings.extend(account::findings(shared));
    let last_webhook = seen.vitals.as_ref().and_then(Vitals::last_webhook);
    seen.findings.push(eyes.refused(shared, settings, last_webhook));
    seen.findings.push(eyes.clock(seen.vitals.as_ref(), now));
    if let Some(vitals) = &seen.vitals {
        tell::new_rules(shared, settings, &vitals.progress.rule_set, outbox, now).await;
    }
    for finding in &seen.findings {
        if let Some(step) = shared.watch.turn(finding, now) {
            tell::carry_out(shared, settings, finding, step, outbox).await;
        }
    }
    if let Some(vitals) = &seen.vitals {
        tell::unknown_types(shared, settings, vitals, outbox, now).await;
    }
    seen.well
}

/// Tells the outside that this daemon lives.
struct Heart {
    client: Option<reqwest::Client>,
    beaten_at: Option<Timestamp>,
}

impl Heart {
    fn new() -> Self {
        Self { client: reqwest::Client::builder().timeout(Duration::from_secs(10)).build().ok(), beaten_at: None }
    }

    async fn beat(&mut self, settings: &Settings, now: Timestamp) {
        let (Some(heartbeat), Some(client)) = (&settings.own.heartbeat, &self.client) else { return };
        if self.beaten_at.is_none_or(|at| now.since(at) >= heartbeat.every || now < at) {
            self.beaten_at = Some(now);
            beat(client, heartbeat).await;
        }
    }
}

/// The URL holds a token, so no error quotes it.
async fn beat(client: &reqwest::Client, heartbeat: &Heartbeat) {
    let url = match heartbeat.url.read() {
        Ok(url) => url,
        Err(error) => return telemetry::heartbeat_failed(&error.to_string()),
    };
    match client.get(url.expose_secret()).send().await {
        Ok(response) if response.status().is_success() => {}
        Ok(response) => telemetry::heartbeat_failed(&format!("it answered {}", response.status().as_u16())),
        Err(error) => telemetry::heartbeat_failed(&error.without_url().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn of_files(state: State) -> Finding {
        let details = matches!(state, State::Wrong(_)).then(|| "own.yaml:3:1".to_owned());
        Finding {
            name: "rule_files",
            words: "rule_files",
            state,
            action: "Mend it.",
            details,
            patience: Duration::ZERO,
            faults: BTreeSet::new(),
            spacing: MINUTE * 10,
            news_spacing: MINUTE * 10,
        }
    }

    fn bad(what: &str) -> Finding {
        of_files(State::Wrong(what.to_owned()))
    }

    /// What a look at this minute leads to, which the store takes.
    fn look(watch: &Watch, finding: &Finding, minute: u32) -> Option<String> {
        match watch.turn(finding, Timestamp(0).plus(MINUTE * minute))? {
            Step::Begin(told) | Step::Keep(told) => {
                watch.set_told(&told.name, How::ThroughTheStore);
                Some(format!("{} since {}", told.summary, told.since.0 / 60_000))
            }
            Step::End(told) => {
                watch.end(&told.name);
                Some("well".to_owned())
            }
        }
    }

    #[test]
    fn the_same_fault_is_told_once_and_another_after_ten_minutes() {
        let watch = Watch::default();
        assert_eq!(look(&watch, &bad("a"), 0).as_deref(), Some("a since 0"));
        assert_eq!(look(&watch, &bad("a"), 60), None);
        assert_eq!(look(&watch, &bad("b"), 61).as_deref(), Some("b since 61"));
        for minute in 62..71 {
            assert_eq!(look(&watch, &bad("c"), minute), None);
        }
        assert_eq!(look(&watch, &bad("c"), 71).as_deref(), Some("c since 71"));
        let looks: Vec<_> = (72..75).map(|minute| look(&watch, &of_files(State::Well), minute)).collect();
        assert_eq!(looks, [None, None, Some("well".to_owned())]);
    }

    #[test]
    fn whoever_mends_and_breaks_again_within_ten_minutes_is_told_at_their_end() {
        let watch = Watch::default();
        let well = of_files(State::Well);
        assert!(look(&watch, &bad("a"), 0).is_some());
        let ends = |from: u32| (from..from + 3).filter_map(|minute| look(&watch, &well, minute)).count();
        assert_eq!(ends(1), 1);
        assert_eq!(look(&watch, &bad("b"), 4), None);
        assert_eq!(watch.firing().len(), 1, "status shows it all the same");
        assert_eq!(ends(5), 0, "what was not told is not taken back");
        assert!(watch.firing().is_empty());
        assert_eq!(look(&watch, &bad("c"), 9), None);
        assert_eq!(look(&watch, &bad("c"), 10).as_deref(), Some("c since 9"));
    }

    /// What a daily check found, with the words that name what is wrong.
    fn checked(what: &str, faults: &[&str]) -> Finding {
        let faults = faults.iter().map(|&fault| fault.to_owned()).collect();
        Finding { faults, spacing: MINUTE * 1440, news_spacing: MINUTE * 2, ..bad(what) }
    }

    #[test]
    fn what_is_news_is_told_soon_and_what_is_none_after_a_day() {
        let watch = Watch::default();
        let told = |finding: &Finding, minute| look(&watch, finding, minute).is_some();
        assert!(told(&checked("only the file holds it", &["only"]), 0));
        // A graver fault of the same check, once, and not more often than every two minutes.
        let refused = |count: u32| checked(&format!("{count} are refused"), &["refused"]);
        assert_eq!((told(&refused(1), 1), told(&refused(2), 2)), (false, true));
        assert!((3..100).all(|minute| !told(&refused(minute), minute)), "the number is no news");
        // Back and forth between what is known is none either, and a day later it is told how it stands.
        let back = |minute| if minute % 2 == 0 { checked("only the file", &["only"]) } else { refused(minute) };
        assert!((100..1442).all(|minute| !told(&back(minute), minute)));
        assert!(told(&back(1442), 1442));
        // More of the same kind is news, and less is not.
        let missing = |kinds: &[&str]| checked(&format!("missing: {}", kinds.join(", ")), kinds);
        assert!(told(&missing(&["a", "b"]), 1450) && !told(&missing(&["a"]), 1460));
        assert!(told(&missing(&["a", "b", "c"]), 1470));
        // After the end was told it is told again, however soon.
        let ends = (1471..1474).filter_map(|minute| look(&watch, &of_files(State::Well), minute)).count();
        assert_eq!(ends, 1);
        assert!(told(&missing(&["a"]), 1474));
        // What was told before a restart is known by its words.
        let anew = Watch::default();
        let before = "Missing: order.statusFull, b.".to_owned();
        anew.remember(vec![Told { name: "rule_files".to_owned(), since: Timestamp(0), summary: before }]);
        assert_eq!(look(&anew, &missing(&["b"]), 60), None);
        assert!(look(&anew, &missing(&["b", "order.status"]), 61).is_some());
    }

    #[test]
    fn what_is_over_soon_is_not_told_where_there_is_patience() {
        let watch = Watch::default();
        let patient = |state| Finding { patience: MINUTE * 5, ..of_files(state) };
        let wrong = || patient(State::Wrong("a".to_owned()));
        assert_eq!(look(&watch, &wrong(), 0), None);
        assert_eq!((1..4).filter_map(|minute| look(&watch, &patient(State::Well), minute)).count(), 0);
        assert_eq!((4..9).filter_map(|minute| look(&watch, &wrong(), minute)).count(), 0);
        assert_eq!(look(&watch, &wrong(), 9).as_deref(), Some("a since 4"));
    }

    #[test]
    fn a_restart_tells_another_fault_and_not_the_same() {
        let watch = Watch::default();
        let told = Told { name: "rule_files".to_owned(), since: Timestamp(0), summary: "a".to_owned() };
        let rules = Told { name: tell::RULES.to_owned(), since: Timestamp(7), summary: "hash".to_owned() };
        watch.remember(vec![told, rules]);
        assert_eq!(look(&watch, &bad("a"), 60), None);
        assert_eq!(look(&watch, &bad("b"), 60).as_deref(), Some("b since 60"));
        assert_eq!(watch.firing().len(), 1, "the rule set in force is no fault");
        assert_eq!((watch.in_force_since("hash"), watch.in_force_since("other")), (Some(Timestamp(7)), None));
    }
}
