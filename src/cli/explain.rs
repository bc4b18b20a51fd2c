//! `explain`: why an alert fired and ended, and why a rule does not fire for a subject.
//!
//! What is told of an alert was recorded when it was decided; nothing is judged again. What is told of a rule that does not
//! fire is how the subject stands now, and the verdicts that were kept.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use clap::Args;
use serde_json::json as object;

use super::deliveries::deliveries_of;
use super::held;
use super::output::{audited, hide, instant, json, plain, printable, text};
use super::{FINE, WRONG, reader, words};
use crate::clock::Clock;
use crate::config::{Bundle, Settings};
use crate::engine::{
    Alert, Ground, Grounds, Names, Reason, Rule, RuleSet, Slice, Subject, SubjectKind, Timestamp, Transition, Value,
    Verdict, Why, why_not,
};
use crate::store::{Entry, Progress, Store};

#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// An alert's number; or a rule with the kind and the id of a subject; or a subject alone
    #[arg(required = true, num_args = 1..=3, value_names = ["ALERT|RULE", "KIND", "ID"])]
    what: Vec<String>,
    /// With an alert: show what leaves under `phi: full` alone, such as names; the log records who did
    #[arg(long)]
    phi: bool,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

pub(super) fn run(settings: &Settings, arguments: &ExplainArguments) -> anyhow::Result<u8> {
    let store = reader(settings)?;
    match arguments.what.as_slice() {
        [number] => match number.parse() {
            Ok(number) => alert(&store, number, arguments),
            Err(_) => refuse(
                "explain takes an alert's number, a subject as in `explain device 7`, or a rule and a subject as in \
                 `explain DeviceSilent device 7`",
            ),
        },
        [kind, id] => subject(&store, None, kind, id, arguments.json),
        [rule, kind, id] => subject(&store, Some(rule), kind, id, arguments.json),
        _ => refuse("explain takes at most a rule, a kind and an id"),
    }
}

fn refuse(why: &str) -> anyhow::Result<u8> {
    eprintln!("pulsewarden: {why}");
    Ok(WRONG)
}

/// Rule sets of the store, each compiled once.
struct RuleSets<'s> {
    store: &'s dyn Store,
    known: BTreeMap<String, Option<Arc<RuleSet>>>,
}

impl RuleSets<'_> {
    /// The rule set with this hash; `None` where it cannot be had any more.
    fn get(&mut self, hash: &str) -> Option<Arc<RuleSet>> {
        if let Some(known) = self.known.get(hash) {
            return known.clone();
        }
        let bytes = self.store.rule_set(hash).ok().flatten();
        let bundle = bytes.and_then(|bytes| Bundle::from_bytes(&bytes).ok());
        let set = bundle.and_then(|bundle| bundle.compile().ok()).map(|(set, _)| Arc::new(set));
        self.known.insert(hash.to_owned(), set.clone());
        set
    }
}

fn alert(store: &dyn Store, number: u64, arguments: &ExplainArguments) -> anyhow::Result<u8> {
    let Some(alert) = store.alert(number)? else {
        return refuse(&format!("there is no alert {number}; `pulsewarden alerts --all` lists them"));
    };
    let mut moves = store.transitions(number)?;
    if arguments.phi {
        audited("explain", &number.to_string());
    } else {
        moves.iter_mut().flat_map(|moved| moved.evidence.values.values_mut()).for_each(hide);
    }
    let messages = deliveries_of(store, number)?;
    let mut sets = RuleSets { store, known: BTreeMap::new() };
    if arguments.json {
        let told: Vec<_> = moves.iter().map(|moved| move_json(moved, &alert, &mut sets)).collect();
        json(&object!({
            "alert": number, "rule": alert.rule, "subject": alert.subject, "moves": told, "messages": messages,
            "held_back": store.suppressions(number)?
        }))?;
    } else {
        let told: String = moves.iter().map(|moved| tell_move(moved, &alert, &mut sets)).collect();
        let head =
            format!("Alert {number}: {} on {}, {} {}\n", alert.rule, subject_of(&alert), alert.severity, alert.state);
        let mut foot = held::in_words(store, &alert)?;
        foot.push_str("\nMessages\n");
        if messages.is_empty() {
            foot.push_str("  none: no route, or its group still waits\n");
        }
        messages.iter().rev().for_each(|message| message.in_words(&mut foot));
        text(&[head, told, foot].concat())?;
    }
    Ok(FINE)
}

fn subject_of(alert: &Alert) -> String {
    printable(&alert.subject.to_string())
}

/// What a move is called.
fn heading(moved: &Transition) -> &'static str {
    match moved.reason {
        Reason::Raised { .. } => "Raised",
        _ if moved.to == crate::engine::AlertState::Firing => "Fired",
        _ => "Ended",
    }
}

fn tell_move(moved: &Transition, alert: &Alert, sets: &mut RuleSets<'_>) -> String {
    let mut out = format!("\n{} {} ({}): {}\n", heading(moved), instant(moved.at), moved.severity, moved.reason);
    if moved.noticed_at != moved.at {
        let _ = writeln!(out, "  decided {}", instant(moved.noticed_at));
    }
    if let Some(event) = &moved.evidence.event {
        let _ = writeln!(
            out,
            "  by event {} ({}), happened {}, received {}, journal row {}",
            printable(&event.id),
            printable(&event.kind),
            instant(event.occurred_at),
            instant(event.received_at),
            event.position
        );
    }
    tell_grounds(&mut out, &moved.evidence.grounds);
    match sets.get(&moved.rule_set) {
        Some(set) => match set.rule(&alert.rule) {
            Some(rule) if heading(moved) == "Fired" => tell_rule(&mut out, rule),
            _ => {}
        },
        None => out.push_str("  the rule files of that time are not kept any more\n"),
    }
    for (name, seen) in &moved.evidence.values {
        let _ = writeln!(out, "    {name} = {}", plain(&seen.value));
    }
    let _ = writeln!(out, "  rules {}", short(&moved.rule_set));
    out
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn tell_grounds(out: &mut String, grounds: &Grounds) {
    let Grounds { since, due, counted, distinct, of } = grounds;
    if let Some(since) = since {
        let _ = writeln!(out, "  counted from {}", instant(*since));
    }
    if let Some(due) = due {
        let counts = !counted.is_empty() || distinct.is_some();
        let what = if counts { "counts for nothing from" } else { "the rule's time was over" };
        let _ = writeln!(out, "  {what} {}", instant(*due));
    }
    match (distinct, of) {
        (Some(count), Some(of)) => {
            let _ = writeln!(out, "  {count} of {of} devices with patients");
        }
        (Some(count), None) => {
            let _ = writeln!(out, "  {count} different ones");
        }
        (None, _) => {}
    }
    for hit in counted {
        let _ = writeln!(out, "  counted: journal row {}, {}", hit.position, instant(hit.at));
    }
}

fn tell_rule(out: &mut String, rule: &Rule) {
    for (key, said) in words::says(rule) {
        let _ = writeln!(out, "  {key}: {said}");
    }
}

fn move_json(moved: &Transition, alert: &Alert, sets: &mut RuleSets<'_>) -> serde_json::Value {
    let rule = sets.get(&moved.rule_set).and_then(|set| set.rule(&alert.rule).map(words::says));
    let rule: Option<BTreeMap<&str, String>> = rule.map(|said| said.into_iter().collect());
    object!({
        "what": heading(moved).to_lowercase(),
        "at": moved.at.to_string(),
        "decided_at": moved.noticed_at.to_string(),
        "severity": moved.severity,
        "because": moved.reason.to_string(),
        "evidence": moved.evidence,
        "rule": rule,
        "rule_set": moved.rule_set,
    })
}

fn subject(store: &dyn Store, rule: Option<&str>, kind: &str, id: &str, as_json: bool) -> anyhow::Result<u8> {
    let Some(kind) = SubjectKind::parse(kind).filter(|kind| kind.is_named()) else {
        let kinds: Vec<&str> = SubjectKind::NAMED.iter().map(|kind| kind.as_str()).collect();
        return refuse(&format!("`{}` is no kind of subject; there are {}", printable(kind), kinds.join(", ")));
    };
    let progress = store.progress()?;
    let mut sets = RuleSets { store, known: BTreeMap::new() };
    let Some(set) = sets.get(&progress.rule_set) else {
        return refuse("no rule set is in force; start the daemon once, and see `pulsewarden check`");
    };
    let found = store.load(&[Subject::new(kind, id)])?;
    let Some(slice) = found.first().filter(|slice| !slice.is_unknown()) else {
        return refuse(&format!("no event about {kind} {} has come", printable(id)));
    };
    let rules: Vec<&Rule> = match rule {
        Some(name) => match set.rule(name) {
            Some(rule) if rule.subject == kind => vec![rule],
            Some(rule) => return refuse(&format!("the rule `{name}` is about a {}, not about a {kind}", rule.subject)),
            None => {
                let names = set.rules.iter().map(|rule| rule.name.as_str());
                let near = crate::config::nearest(name, names);
                let help = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return refuse(&format!("no rule is named `{}`{help}", printable(name)));
            }
        },
        None => set.rules.iter().filter(|rule| rule.subject == kind).collect(),
    };
    let now = Clock::Wall.now();
    let stands: Vec<Stand<'_>> = rules.into_iter().map(|rule| Stand::of(&set, &progress, slice, rule, now)).collect();
    if as_json {
        let told: Vec<_> = stands.iter().map(Stand::as_json).collect();
        json(&object!({ "subject": slice.subject, "rules": told }))?;
    } else {
        let mut out = format!("{} {}\n", kind, printable(id));
        for stand in &stands {
            stand.tell(&mut out, store, rule.is_some())?;
        }
        if stands.is_empty() {
            let _ = writeln!(out, "\nNo rule is about a {kind}.");
        }
        text(&out)?;
    }
    Ok(FINE)
}

/// Where a subject stands with one rule.
struct Stand<'a> {
    rule: &'a Rule,
    why: Option<Why>,
    /// What the rule's condition of state reads, as it is now.
    values: Vec<(String, Option<Value>)>,
    verdicts: Vec<&'a Verdict>,
    slice: &'a Slice,
}

impl<'a> Stand<'a> {
    fn of(set: &'a RuleSet, progress: &'a Progress, slice: &'a Slice, rule: &'a Rule, now: Timestamp) -> Self {
        let why = why_not(Ground { rules: set, standing: &progress.standing }, slice, rule, now);
        let (settings, calendars) = (&set.settings, &set.calendars);
        let names = Names { slice, previous: None, then: None, event: None, settings, calendars, now };
        let reads = rule.holds.as_ref().map(crate::engine::Condition::reads).unwrap_or_default();
        let values = reads.into_iter().map(|path| {
            let steps: Vec<&str> = path.iter().map(String::as_str).collect();
            let value = names.get(&steps);
            (path.join("."), value)
        });
        let verdicts = slice.projection.verdicts.iter().rev().filter(|verdict| verdict.rule == rule.name).collect();
        Self { rule, why, values: values.collect(), verdicts, slice }
    }

    fn verdict(&self) -> String {
        match &self.why {
            Some(Why::AlreadyOpen { alert }) => format!("fires: alert {alert}"),
            Some(Why::Waits { until }) => {
                format!("does not fire yet: it fires {}, unless something comes in between", instant(*until))
            }
            Some(why) => format!("does not fire: {why}"),
            None => "does not fire: no event has met it".to_owned(),
        }
    }

    fn tell(&self, out: &mut String, store: &dyn Store, whole: bool) -> anyhow::Result<()> {
        let _ = writeln!(out, "\n{} {}", self.rule.name, self.verdict());
        if !whole {
            return Ok(());
        }
        tell_rule(out, self.rule);
        for (name, value) in &self.values {
            let _ = writeln!(out, "    {name} = {}", value.as_ref().map_or("not known".to_owned(), plain));
        }
        self.tell_memory(out);
        for verdict in &self.verdicts {
            let _ = writeln!(out, "  tried {}: {}", tried_by(store, verdict)?, verdict.why);
        }
        Ok(())
    }

    fn tell_memory(&self, out: &mut String) {
        let Some(memory) = self.slice.projection.rules.get(&self.rule.name) else { return };
        let mut say = |what: &str, at: Option<Timestamp>| {
            if let Some(at) = at {
                let _ = writeln!(out, "  {what} {}", instant(at));
            }
        };
        say("heard", memory.heard_at);
        say("so since", memory.held_since);
        say("what is awaited last came", memory.awaited.last().map(|hit| hit.at));
        for hit in &memory.hits {
            let _ = writeln!(out, "  counted: journal row {}, {}", hit.position, instant(hit.at));
        }
        if !memory.members.is_empty() {
            let _ = writeln!(out, "  counted: {} different ones", memory.members.len());
        }
    }

    fn as_json(&self) -> serde_json::Value {
        let said: BTreeMap<&str, String> = words::says(self.rule).into_iter().collect();
        let values: BTreeMap<&str, Option<String>> =
            self.values.iter().map(|(name, value)| (name.as_str(), value.as_ref().map(plain))).collect();
        object!({
            "rule": self.rule.name,
            "verdict": self.verdict(),
            "why": self.why,
            "says": said,
            "values": values,
            "tried": self.verdicts,
        })
    }
}

/// The event behind a verdict, as far as the journal still has it.
fn tried_by(store: &dyn Store, verdict: &Verdict) -> anyhow::Result<String> {
    let rows = store.journal(verdict.position.saturating_sub(1), 1)?;
    let kind = rows.first().and_then(|row| match &row.entry {
        Entry::Event(event) if row.position == verdict.position => Some(printable(&event.kind)),
        _ => None,
    });
    let kind = kind.map_or(String::new(), |kind| format!(" ({kind})"));
    Ok(format!("{} with journal row {}{kind}", instant(verdict.at), verdict.position))
}
