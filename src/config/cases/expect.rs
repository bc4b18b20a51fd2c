//! What a case expects.

use std::collections::BTreeMap;

use super::{Expectation, ExpectedAlert, ExpectedMessage, Id, Reader, listed};
use crate::config::problem::{Place, Problem};
use crate::config::rules::SEVERITIES;
use crate::config::suggest::nearest;
use crate::config::walk::Fields;
use crate::config::yaml::Node;
use crate::engine::{Subject, SubjectKind};

impl Reader<'_> {
    pub(super) fn expectation(self, node: &Node) -> Option<Expectation> {
        let walk = self.walk;
        let fields =
            walk.fields(node, "an expectation", "{ at: 1h, alert: DeviceBatteryLow, firing: [{ device: 7 }] }")?;
        let at = self.at(&fields, "an expectation");
        let alert = fields.need(walk, "alert", "an expectation", "name the rule: alert: DeviceBatteryLow");
        let alert = alert.and_then(|node| self.alert(node));
        let kind = alert.as_ref().and_then(|(_, kind)| *kind);
        let alerts = |key: &'static str| {
            let node = fields.get(key)?;
            Some(walk.items(node).iter().filter_map(|node| self.expected_alert(node, kind)).collect::<Vec<_>>())
        };
        let (pending, firing) = (alerts("pending").unwrap_or_default(), alerts("firing").unwrap_or_default());
        let (resolved, expired, closed) = (alerts("resolved"), alerts("expired"), alerts("closed"));
        let place = fields.head();
        fields.done(walk, "an expectation", &[]);
        Some(Expectation { place, at: at?, alert: alert?.0, pending, firing, resolved, expired, closed })
    }

    fn at(self, fields: &Fields<'_>, what: &str) -> Option<std::time::Duration> {
        let node = fields.need(self.walk, "at", what, "say when: at: 30m, counted from the start")?;
        self.offset(node)
    }

    fn expected_alert(self, node: &Node, kind: Option<SubjectKind>) -> Option<ExpectedAlert> {
        let walk = self.walk;
        let own = kind.map_or("device", SubjectKind::as_str);
        let fields = walk.fields(node, "an alert", &format!("{{ {own}: 7, severity: warning }}"))?;
        let mut subject = None;
        for named in SubjectKind::NAMED {
            let Some(id_node) = fields.get(named.as_str()) else { continue };
            if let Some(wanted) = kind.filter(|kind| *kind != named) {
                let help = format!("the rule is about something else: write {wanted}: 7");
                walk.error(id_node, format!("expected `{wanted}` here, found `{named}`"), help);
                continue;
            }
            match self.id(id_node) {
                Some(Id::Number(number)) => subject = Some(Subject::new(named, number.to_string())),
                Some(Id::Text(text)) => subject = Some(Subject::new(named, text)),
                Some(Id::None) => {
                    walk.error(id_node, "an alert is always about something", format!("write `{named}: 7`"));
                }
                None => {}
            }
        }
        let names_one = SubjectKind::NAMED.iter().any(|kind| fields.has(kind.as_str()));
        if !names_one {
            let problem = Problem::error(fields.head(), "this does not say which alert is meant");
            walk.add(problem.help(format!("name its subject: {own}: 7")));
        }
        let severity = fields.get("severity").and_then(|node| walk.choice(node, "a severity", &SEVERITIES));
        let labels = fields.get("labels").map_or_else(BTreeMap::new, |node| self.texts(node, "labels", "site: Harbor"));
        let annotations = fields.get("annotations");
        let annotations =
            annotations.map_or_else(BTreeMap::new, |node| self.texts(node, "texts", "summary: Battery at 9%"));
        let count = fields.get("count").and_then(|node| walk.count(node, 1..=u64::from(u32::MAX)));
        let count = count.and_then(|count| u32::try_from(count).ok());
        let because = fields.get("because").and_then(|node| walk.full_text(node, "heard from")).map(str::to_owned);
        let place = fields.head();
        fields.done(walk, "an alert", &[]);
        Some(ExpectedAlert { place, subject: subject?, severity, labels, annotations, count, because })
    }

    /// Texts by name.
    fn texts(self, node: &Node, what: &str, example: &str) -> BTreeMap<String, String> {
        let Some(fields) = self.walk.fields(node, &format!("{what} by name"), &format!("{{ {example} }}")) else {
            return BTreeMap::new();
        };
        let texts =
            fields.all().iter().filter_map(|entry| Some((entry.key.clone(), self.words(&entry.value, "text")?)));
        texts.collect()
    }

    pub(super) fn message(self, node: &Node) -> Option<ExpectedMessage> {
        let walk = self.walk;
        let example = "{ at: 30m, receiver: logistics, firing: [DeviceBatteryLow] }";
        let fields = walk.fields(node, "a message", example)?;
        let at = self.at(&fields, "a message");
        let receiver = fields.need(walk, "receiver", "a message", "say who gets it: receiver: logistics");
        let receiver = receiver.and_then(|node| self.receiver(node));
        let names = |key: &'static str| {
            let nodes = fields.get(key).map_or(&[][..], |node| walk.items(node));
            nodes.iter().filter_map(|node| self.alert(node)).map(|(name, _)| name).collect::<Vec<_>>()
        };
        let (firing, resolved, expired, closed) =
            (names("firing"), names("resolved"), names("expired"), names("closed"));
        if !["firing", "resolved", "expired", "closed"].iter().any(|key| fields.has(key)) {
            let problem = Problem::error(fields.head(), "this does not say what the message tells");
            walk.add(
                problem.help("add `firing: [DeviceBatteryLow]`, or `firing: []` where there should be no message"),
            );
        }
        let place: Place = fields.head();
        fields.done(walk, "a message", &[]);
        Some(ExpectedMessage { place, at: at?, receiver: receiver?, firing, resolved, expired, closed })
    }

    fn receiver(self, node: &Node) -> Option<String> {
        let name = self.walk.full_text(node, "logistics")?;
        let Some(rules) = self.rules.filter(|rules| rules.receiver(name).is_none()) else {
            return Some(name.to_owned());
        };
        let names = rules.receivers.iter().map(|receiver| receiver.name.as_str());
        let help = match nearest(name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the receivers are: {}", listed(names)),
        };
        self.walk.error(node, format!("no receiver is named `{}`", self.walk.quotable(node, name)), help);
        None
    }
}
