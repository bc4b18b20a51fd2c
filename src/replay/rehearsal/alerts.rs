//! The alerts of a rule at one time, against those that are expected.

use super::difference::{Difference, FieldDifference, Mismatch, Part};
use super::{Run, Story};
use crate::config::{Expectation, ExpectedAlert, spell_duration};
use crate::engine::{Alert, AlertState, Pending, Phi, Rule, Severity, Slice, Subject, Timestamp};
use crate::notify;

/// What there is of one alert, whatever state it is in.
struct Found<'r> {
    subject: &'r Subject,
    severity: Severity,
    /// `None` of what is pending: there is no alert yet.
    alert: Option<&'r Alert>,
    because: String,
}

/// What is not as expected; `None` where everything is.
pub(super) fn compare(expected: &Expectation, start: Timestamp, run: &Run, story: &Story) -> Option<Mismatch> {
    let rule = run.rules().rule(&expected.alert)?;
    let look = Look { rule, start, run, story };
    let mut parts = Vec::new();
    for (name, wanted, found) in
        [("pending", &expected.pending, look.pending()), ("firing", &expected.firing, look.firing())]
    {
        parts.extend(look.part(name, wanted, found));
    }
    for (name, wanted) in expected.ended() {
        let state = AlertState::parse(name).unwrap_or(AlertState::Resolved);
        parts.extend(look.part(name, wanted, look.ended(state)));
    }
    if parts.is_empty() {
        return None;
    }
    Some(Mismatch { place: expected.place.clone(), at: expected.at, about: rule.name.to_string(), parts })
}

/// One rule at one time.
struct Look<'r> {
    rule: &'r Rule,
    start: Timestamp,
    run: &'r Run,
    story: &'r Story,
}

impl<'r> Look<'r> {
    /// What is known of subjects of the rule's kind, by subject.
    fn slices(&self) -> Vec<&'r Slice> {
        let kind = self.rule.subject;
        let mut slices: Vec<_> = self.run.slices().filter(|slice| slice.subject.kind == kind).collect();
        slices.sort_by(|one, other| one.subject.cmp(&other.subject));
        slices
    }

    fn pending(&self) -> Vec<Found<'r>> {
        let mut found = Vec::new();
        for slice in self.slices() {
            let pending = self.run.pending(slice).into_iter().find(|pending| pending.rule.name == self.rule.name);
            found.extend(pending.map(|Pending { severity, since, until, .. }| Found {
                subject: &slice.subject,
                severity,
                alert: None,
                because: format!("pending since {}, until {}", self.offset(since), self.offset(until)),
            }));
        }
        found
    }

    fn firing(&self) -> Vec<Found<'r>> {
        let alerts = self.slices().into_iter().flat_map(|slice| &slice.alerts);
        alerts.filter(|alert| alert.rule == self.rule.name).map(|alert| self.alert(alert)).collect()
    }

    fn ended(&self, state: AlertState) -> Vec<Found<'r>> {
        let alerts = self.story.ended.iter().filter(|alert| alert.state == state && alert.rule == self.rule.name);
        alerts.map(|alert| self.alert(alert)).collect()
    }

    fn alert(&self, alert: &'r Alert) -> Found<'r> {
        let because = match &alert.end {
            Some(end) => end.reason.to_string(),
            None => self.story.reasons.get(&alert.number).cloned().unwrap_or_default(),
        };
        Found { subject: &alert.subject, severity: alert.severity, alert: Some(alert), because }
    }

    /// A time of the case as its file would write it.
    fn offset(&self, at: Timestamp) -> String {
        if at < self.start {
            format!("{} before the start", spell_duration(self.start.since(at)))
        } else {
            spell_duration(at.since(self.start))
        }
    }

    fn part(&self, name: &'static str, wanted: &[ExpectedAlert], mut found: Vec<Found<'r>>) -> Option<Part> {
        let mut differences = Vec::new();
        for expected in wanted {
            // Of several alerts of one subject, the one that is nearest to what is expected.
            let of_subject = found.iter().enumerate().filter(|(_, one)| *one.subject == expected.subject);
            let nearest = of_subject.min_by_key(|(_, one)| fields(expected, one).len()).map(|(place, _)| place);
            let what = expected.subject.to_string();
            match nearest.map(|place| found.remove(place)) {
                None => differences.push(Difference::Missing { what, why: self.why_missing(name, &expected.subject) }),
                Some(one) => {
                    let fields = fields(expected, &one);
                    if !fields.is_empty() {
                        differences.push(Difference::Other { what, fields });
                    }
                }
            }
        }
        differences.extend(found.iter().map(|one| {
            let since = one.alert.map(|alert| format!(" since {}", self.offset(alert.noticed_at))).unwrap_or_default();
            let what = format!("{}, {}{since}", one.subject, one.severity);
            Difference::Surplus { what, why: Some(one.because.clone()).filter(|why| !why.is_empty()) }
        }));
        (!differences.is_empty()).then_some(Part { name, differences })
    }

    /// Where the alert is instead, or why there is none.
    fn why_missing(&self, name: &str, subject: &Subject) -> Option<String> {
        let Some(slice) = self.run.slice(subject) else { return Some(format!("nothing was heard of {subject}")) };
        let is_it = |one: &Found<'_>| one.subject == subject;
        if name != "firing" && self.firing().iter().any(is_it) {
            return Some("it is firing".to_owned());
        }
        if name != "pending"
            && let Some(pending) = self.pending().into_iter().find(is_it)
        {
            return Some(format!("it is {}", pending.because));
        }
        let mut ended = self.story.ended.iter().rev();
        let ended = ended.find(|alert| alert.rule == self.rule.name && alert.subject == *subject);
        if let Some((alert, end)) = ended.and_then(|alert| Some((alert, alert.end.as_ref()?))) {
            return Some(format!("it {} at {}: {}", alert.state, self.offset(end.noticed_at), end.reason));
        }
        Some(match self.run.why_not(slice, self.rule) {
            Some(why) => format!("it never fired: {why}"),
            None => "it never fired: no event of the rule's came".to_owned(),
        })
    }
}

/// What of one alert is other than expected.
fn fields(expected: &ExpectedAlert, found: &Found<'_>) -> Vec<FieldDifference> {
    let mut fields = Vec::new();
    let mut other = |name: String, expected: String, found: String| {
        if expected != found {
            fields.push(FieldDifference { name, expected, found });
        }
    };
    if let Some(severity) = expected.severity {
        other("severity".to_owned(), severity.to_string(), found.severity.to_string());
    }
    for (name, text) in &expected.labels {
        let label = found.alert.map(|alert| notify::label(alert, name, Phi::Full));
        other(format!("label {name}"), text.clone(), label.filter(|label| !label.is_empty()).unwrap_or_else(nothing));
    }
    for (name, text) in &expected.annotations {
        let annotation = found.alert.and_then(|alert| notify::annotation(alert, name, Phi::Full));
        other(name.clone(), text.clone(), annotation.unwrap_or_else(nothing));
    }
    if let Some(count) = expected.count {
        let counted = found.alert.map_or_else(nothing, |alert| alert.count.to_string());
        other("count".to_owned(), count.to_string(), counted);
    }
    if let Some(because) = expected.because.as_ref().filter(|because| !found.because.contains(because.as_str())) {
        other("because".to_owned(), format!("…{because}…"), found.because.clone());
    }
    fields
}

fn nothing() -> String {
    "nothing".to_owned()
}
