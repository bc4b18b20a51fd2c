//! Dotted names: what they can be, of which type, and how far their values may travel.

use std::collections::BTreeMap;

use super::super::suggest::nearest;
use crate::engine::{EventPattern, Field, FieldType, Protection, SubjectKind, Value};
use crate::impilo::schema::{self, EventType, Mark, PayloadField, Shape};

/// The type of a name or a part of a condition, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Number,
    Text,
    Time,
    Span,
    List,
    /// A number or a text.
    Id,
    /// Something with fields.
    Object,
    Any,
}

impl Kind {
    /// The type in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Number => "a number",
            Self::Text => "text",
            Self::Time => "a time",
            Self::Span => "a length of time",
            Self::List => "a list",
            Self::Id => "an identifier",
            Self::Object => "something with fields",
            Self::Any => "anything",
        }
    }

    /// Whether values of both types can be compared.
    pub fn fits(self, other: Self) -> bool {
        self == other
            || matches!((self, other), (Self::Any, _) | (_, Self::Any))
            || matches!((self, other), (Self::Id, Self::Number | Self::Text) | (Self::Number | Self::Text, Self::Id))
    }
}

/// A name that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub kind: Kind,
    pub protection: Protection,
    /// The subject whose status this is.
    pub status_of: Option<SubjectKind>,
}

/// A name that was not found: the step of the path that is wrong.
pub(super) struct Missing {
    pub step: usize,
    pub message: String,
    pub help: Option<String>,
    /// True where the shape is only inferred, so that the field may exist after all.
    pub perhaps: bool,
}

/// What can be named in one place of a rule.
pub(in crate::config) struct Known<'a> {
    pub subject: SubjectKind,
    /// The events at which it is tried; empty where there are none.
    pub events: &'a [EventPattern],
    /// It is about a state, so that events themselves cannot be read.
    pub state: bool,
    pub settings: BTreeMap<&'a str, &'a Value>,
    pub calendars: Vec<&'a str>,
    /// There may be settings and calendars beyond these.
    pub more: bool,
    /// Texts can also name `labels`, of which these exist, and `alert`.
    pub labels: Option<&'a [&'a str]>,
}

const ALERT_FIELDS: [(&str, Kind); 4] =
    [("number", Kind::Number), ("severity", Kind::Text), ("opened_at", Kind::Text), ("count", Kind::Number)];

const EVENT_FIELDS: [(&str, Kind); 4] =
    [("id", Kind::Text), ("type", Kind::Text), ("occurred_at", Kind::Time), ("received_at", Kind::Time)];

/// The kind with its article.
pub(in crate::config) fn article(kind: SubjectKind) -> String {
    match kind {
        SubjectKind::Order | SubjectKind::Item => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn found(kind: Kind, protection: Protection) -> Found {
    Found { kind, protection, status_of: None }
}

impl Known<'_> {
    /// Looks a dotted name up.
    pub(super) fn find(&self, path: &[&str]) -> Result<Found, Missing> {
        let Some((root, rest)) = path.split_first() else { return Ok(found(Kind::Any, Protection::Full)) };
        match *root {
            "event" | "payload" | "previous" if self.state => Err(self.of_an_event(root)),
            "event" => Self::listed(rest, &EVENT_FIELDS, "event", Protection::Ids),
            "payload" => self.payload(rest),
            "settings" => self.setting(rest),
            "now" => Ok(found(Kind::Time, Protection::None)),
            "previous" => Self::state(self.subject, "previous", rest),
            "labels" if self.labels.is_some() => self.label(rest),
            "alert" if self.labels.is_some() => Self::listed(rest, &ALERT_FIELDS, "alert", Protection::None),
            name => match SubjectKind::parse(name).filter(|kind| self.kinds().contains(kind)) {
                Some(kind) => Self::state(kind, name, rest),
                None => Err(self.unknown_root(name)),
            },
        }
    }

    /// The kinds of subject that can be read here: the rule's own, what it belongs to, and what its events name.
    fn kinds(&self) -> Vec<SubjectKind> {
        use SubjectKind::{Device, Item, Order, Patient, Return, Site};
        let related: &[SubjectKind] = match self.subject {
            Device => &[Patient, Site, Item],
            Order => &[Patient, Site],
            Return => &[Order, Patient, Site],
            Patient => &[Site],
            SubjectKind::Ticket => &[Device, Patient, Order],
            SubjectKind::PackedKit => &[Device],
            _ => &[],
        };
        let mut kinds = vec![self.subject];
        kinds.extend(related);
        let types = self.types();
        if types.is_empty() && !self.events.is_empty() {
            kinds.extend(SubjectKind::NAMED);
        }
        kinds.extend(types.iter().flat_map(|known| known.names));
        kinds
    }

    /// The known types among the events.
    fn types(&self) -> Vec<&'static EventType> {
        let known = schema::EVENT_TYPES.iter();
        known.filter(|known| self.events.iter().any(|pattern| pattern.matches(known.name))).collect()
    }

    fn unknown_root(&self, name: &str) -> Missing {
        let mut roots = vec!["event", "payload", "settings", "now", "previous"];
        roots.retain(|root| !self.state || matches!(*root, "settings" | "now"));
        roots.extend(self.kinds().into_iter().map(SubjectKind::as_str));
        if self.labels.is_some() {
            roots.extend(["labels", "alert"]);
        }
        let mut seen = Vec::new();
        roots.retain(|root| {
            !seen.contains(root) && {
                seen.push(*root);
                true
            }
        });
        let help = match nearest(name, roots.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a rule about {} can read {}", article(self.subject), roots.join(", ")),
        };
        Missing { step: 0, message: format!("nothing is named `{name}` here"), help: Some(help), perhaps: false }
    }

    /// What is said of a name that only events have, where a state is meant.
    fn of_an_event(&self, root: &str) -> Missing {
        let (message, help) = match (self.labels.is_some(), self.events.is_empty()) {
            (true, _) => {
                let help =
                    format!("a rule without `event` has no `{root}`; name what is known of the {}", self.subject);
                ("there is no event here".to_owned(), help)
            }
            (false, true) => {
                let status = Field::find(self.subject, "status").or_else(|| Field::of(self.subject).next());
                let example = status.map_or("id", |field| field.name);
                let help = format!("a state is what is known now, as in `{}.{example}`", self.subject);
                (format!("`while` is about a state, which has no `{root}`"), help)
            }
            (false, false) => {
                (format!("`while` is about a state, which has no `{root}`"), "test the event in `where`".to_owned())
            }
        };
        Missing { step: 0, message, help: Some(help), perhaps: false }
    }

    fn listed(
        rest: &[&str],
        fields: &[(&'static str, Kind)],
        root: &str,
        protection: Protection,
    ) -> Result<Found, Missing> {
        let Some(name) = rest.first() else { return Ok(found(Kind::Object, protection)) };
        match fields.iter().find(|(field, _)| field == name) {
            Some((_, kind)) => Ok(found(*kind, protection)),
            None => Err(no_field(1, root, name, fields.iter().map(|(field, _)| *field))),
        }
    }

    fn state(kind: SubjectKind, root: &str, rest: &[&str]) -> Result<Found, Missing> {
        let Some(name) = rest.first() else { return Ok(found(Kind::Object, Protection::Ids)) };
        if *name == "id" {
            let open = matches!(kind, SubjectKind::Site | SubjectKind::Item);
            return Ok(found(Kind::Text, if open { Protection::None } else { Protection::Ids }));
        }
        let Some(field) = Field::find(kind, name) else {
            return Err(no_field(1, root, name, Field::of(kind).map(|field| field.name).chain(["id"])));
        };
        let kind_of_value = match field.ty {
            FieldType::Text => Kind::Text,
            FieldType::Number => Kind::Number,
            FieldType::Bool => Kind::Bool,
            FieldType::Time => Kind::Time,
            FieldType::List => Kind::List,
        };
        let status_of = (field.name == "status").then_some(kind);
        Ok(Found { kind: kind_of_value, protection: field.protection, status_of })
    }

    fn label(&self, rest: &[&str]) -> Result<Found, Missing> {
        let labels = self.labels.unwrap_or_default();
        match rest.first() {
            Some(name) if !labels.contains(name) => {
                let mut missing = no_field(1, "labels", name, labels.iter().copied());
                missing.message = format!("alerts of this rule have no label `{name}`");
                Err(missing)
            }
            _ => Ok(found(Kind::Text, Protection::None)),
        }
    }

    fn setting(&self, rest: &[&str]) -> Result<Found, Missing> {
        let Some(name) = rest.first() else { return Ok(found(Kind::Object, Protection::None)) };
        let Some(value) = self.settings.get(name) else {
            if self.more {
                return Ok(found(Kind::Any, Protection::None));
            }
            let help = match nearest(name, self.settings.keys().copied()) {
                Some(near) => format!("did you mean `settings.{near}`?"),
                None => format!("add it: settings: {{ {name}: … }}"),
            };
            return Err(Missing {
                step: 1,
                message: format!("no setting is named `{name}`"),
                help: Some(help),
                perhaps: false,
            });
        };
        let kind = match value {
            Value::Bool(_) => Kind::Bool,
            Value::Int(_) | Value::Float(_) => Kind::Number,
            Value::Text(_) => Kind::Text,
            Value::Time(_) => Kind::Time,
            Value::Span(_) => Kind::Span,
            Value::List(_) => Kind::List,
        };
        Ok(found(kind, Protection::None))
    }

    fn payload(&self, rest: &[&str]) -> Result<Found, Missing> {
        let types = self.types();
        if types.is_empty() || rest.is_empty() {
            return Ok(found(if rest.is_empty() { Kind::Object } else { Kind::Any }, Protection::Full));
        }
        let mut deepest: Option<Missing> = None;
        let mut best: Option<Found> = None;
        for known in &types {
            match in_payload(known, rest) {
                Ok(field) => {
                    let kind = if best.is_some_and(|best| best.kind != field.kind) { Kind::Any } else { field.kind };
                    let protection = best.map_or(field.protection, |best| best.protection.max(field.protection));
                    best = Some(Found { kind, protection, status_of: None });
                }
                Err(missing) if deepest.as_ref().is_none_or(|deepest| missing.step > deepest.step) => {
                    deepest = Some(missing);
                }
                Err(_) => {}
            }
        }
        match (best, deepest) {
            (Some(best), _) => Ok(best),
            (None, Some(mut missing)) => {
                missing.perhaps = types.iter().all(|known| known.mark == Mark::Inferred) && missing.help.is_none();
                let names: Vec<&str> = types.iter().map(|known| known.name).collect();
                missing.message = format!("{} in {}", missing.message, names.join(", "));
                Err(missing)
            }
            (None, None) => Ok(found(Kind::Any, Protection::Full)),
        }
    }
}

fn in_payload(known: &EventType, rest: &[&str]) -> Result<Found, Missing> {
    let mut fields: &[PayloadField] = known.payload;
    // Some events bring the device itself instead of an object that holds it.
    let mut kind = found(Kind::Object, Protection::Full);
    for (at, name) in rest.iter().enumerate() {
        let Some(field) = fields.iter().find(|field| field.name == *name) else {
            let way = std::iter::once("payload").chain(rest[..at].iter().copied()).collect::<Vec<_>>().join(".");
            return Err(no_field(at + 1, &way, name, fields.iter().map(|field| field.name)));
        };
        let (inner, shape): (&[PayloadField], Kind) = match field.shape {
            Shape::Object(inner) => (inner, Kind::Object),
            Shape::Objects(_) | Shape::Texts => (&[], Kind::List),
            Shape::Text | Shape::Time => (&[], Kind::Text),
            Shape::Number => (&[], Kind::Number),
            Shape::Bool => (&[], Kind::Bool),
            Shape::Id => (&[], Kind::Id),
        };
        fields = inner;
        kind = found(shape, field.protection);
    }
    Ok(kind)
}

fn no_field<'n>(step: usize, of: &str, name: &str, fields: impl Iterator<Item = &'n str> + Clone) -> Missing {
    let help = nearest(name, fields.clone()).map(|near| format!("did you mean `{of}.{near}`?"));
    let help = help.or_else(|| {
        let all: Vec<&str> = fields.collect();
        (!all.is_empty() && all.len() <= 24 && step == 1 && of != "payload")
            .then(|| format!("`{of}` has {}", all.join(", ")))
    });
    Missing { step, message: format!("`{of}` has no field `{name}`"), help, perhaps: false }
}
