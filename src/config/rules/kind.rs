//! The kinds of rule: which one a rule is, and which keys go together.

use crate::config::problem::{Place, Problem};
use crate::config::walk::{Fields, Walk};

/// What makes a rule fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    Count,
    Share,
    Silent,
    While,
    NotFollowedBy,
    NotPrecededBy,
}

impl Kind {
    /// Kinds with a key of their own that holds more keys.
    pub(super) const WITH_KEYS: [(&'static str, Self); 5] = [
        ("count", Self::Count),
        ("share", Self::Share),
        ("silent", Self::Silent),
        ("not_followed_by", Self::NotFollowedBy),
        ("not_preceded_by", Self::NotPrecededBy),
    ];

    /// The key that makes a rule one of this kind.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::While => "while",
            _ => Self::WITH_KEYS.iter().find(|(_, kind)| *kind == self).map_or("event", |(key, _)| key),
        }
    }

    /// An example of what stands below that key.
    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Count => "{ at_least: 3, within: 24h }",
            Self::Share => "{ at_least: 5%, within: 7d }",
            Self::Silent => "{ longer_than: 72h }",
            _ => "{ event: device.associationCreated, within: 14d }",
        }
    }

    /// Whether the rule's `event` says what it is about.
    pub(super) fn has_event(self) -> bool {
        !matches!(self, Self::Silent | Self::While)
    }

    /// Whether each matching event stands for itself, so that these can be counted.
    pub(super) fn counts_events(self) -> bool {
        matches!(self, Self::Event | Self::Count | Self::Share)
    }
}

/// Which keys go together.
const TOGETHER: &str = "a rule has `event`, alone or with one of `count`, `share`, `not_followed_by` and \
                        `not_preceded_by`; or `silent`; or `while`, mostly with `for`. `while` may also stand beside \
                        the others";

/// The kind of a rule; what does not go together is noted, and false stands beside the kind then.
pub(super) fn find(walk: &Walk, fields: &Fields<'_>) -> (Kind, bool) {
    let mut found = Kind::WITH_KEYS.into_iter().filter(|(key, _)| fields.has(key));
    let (first, second) = (found.next(), found.next());
    let wrong = |key: &str, message: String, help: &str| {
        let problem = Problem::error(key_place(fields, key), message);
        walk.add(problem.help(help));
        false
    };
    let mut fits = true;
    if let (Some((one, _)), Some((other, _))) = (first, second) {
        let problem = Problem::error(key_place(fields, other), format!("`{one}` and `{other}` in one rule"));
        let problem = problem.related(key_place(fields, one), "the other");
        walk.add(problem.help("write two rules").help(TOGETHER));
        fits = false;
    }
    let kind = match first {
        Some((_, kind)) => kind,
        None if fields.has("event") => Kind::Event,
        None if ["while", "for", "each"].iter().any(|key| fields.has(key)) => Kind::While,
        None if ["longer_than", "since"].iter().any(|key| fields.has(key)) => Kind::Silent,
        None => Kind::Event,
    };
    if kind == Kind::Silent && fields.has("event") {
        let help = "write the events that count as heard into it: silent: { event: […], longer_than: 72h }";
        fits = wrong("event", "`silent` has events of its own".to_owned(), help);
    }
    if !kind.has_event() {
        for key in ["where", "falls", "rises"].into_iter().filter(|key| fields.has(key)) {
            let help = match kind {
                Kind::While => "write what must hold into `while`, or add the `event` at which it is tried",
                _ => "write what must hold into `while`",
            };
            fits = wrong(key, format!("`{key}` tests an event, and this rule has none"), help);
        }
    }
    if fields.has("for") && kind != Kind::While {
        let (message, help) = match kind {
            Kind::Silent => ("`silent` has its length in it", "write silent: { longer_than: 72h }"),
            _ if fields.has("while") => (
                "`for` is how long a state holds, and this rule is about an event",
                "remove `event` for a rule about the state, or remove `for`",
            ),
            _ => (
                "`for` is how long a state holds, and this rule is about an event",
                "write the state into `while`, as in while: 'order.status == \"onHold\"', and remove `event`",
            ),
        };
        fits = wrong("for", message.to_owned(), help);
    }
    if fields.has("each") && !(kind == Kind::While && fields.has("for")) {
        let help = "`each` begins the length in `for` anew; it goes with `while` and `for`";
        fits = wrong("each", "there is no `for` that could begin anew".to_owned(), help);
    }
    (kind, fits)
}

/// Complains of keys that belong below the key of the rule's kind: mostly they are not indented far enough.
pub(super) fn misplaced(walk: &Walk, fields: &Fields<'_>, kind: Kind) {
    const INNER: [&str; 7] = ["at_least", "more_than", "and_at_least", "of", "within", "distinct", "same"];
    let owner = if matches!(kind, Kind::Event | Kind::While) { Kind::Count } else { kind };
    fields.elsewhere(walk, &["longer_than", "since"], "`silent`", "write silent: { longer_than: 72h }");
    let (key, example) = (owner.key(), owner.example());
    let help = format!("indent it further than `{key}:`, or write {key}: {example}");
    fields.elsewhere(walk, &INNER, &format!("`{key}`"), &help);
    let help = "write annotations: { summary: \"…\", action: \"…\" }";
    fields.elsewhere(walk, &["summary", "description", "action", "runbook"], "`annotations`", help);
    let help = "write falls: { field: device.battery, below: 20 } or rises: { field: device.battery, above: 80 }";
    fields.elsewhere(walk, &["field", "below", "above"], "`falls` or `rises`", help);
}

/// What other programs, and people, call the condition of a rule.
const OTHER_CONDITIONS: [&str; 5] = ["expr", "if", "when", "condition", "query"];

/// Complains of words of other programs, and says what they are here.
pub(super) fn foreign(walk: &Walk, fields: &Fields<'_>) {
    let help = "write what must hold of an event into `where`, and a state that must hold into `while`";
    fields.refuse(walk, &OTHER_CONDITIONS, help);
    fields.refuse(walk, &["then", "priority", "level", "urgency"], "write severity: info, warning or critical");
    let help = "remove the rule, or write shadow: true to record its alerts without telling anybody";
    fields.elsewhere(walk, &["disabled"], "an override", help);
    let help = "write `severity` and `raise` into the rule, and who is told into `route`";
    fields.refuse(walk, &["notify", "send_to"], help);
}

/// Whether what must hold stands under a name of another program.
pub(super) fn has_foreign_condition(fields: &Fields<'_>) -> bool {
    OTHER_CONDITIONS.iter().any(|key| fields.has(key))
}

/// Where a key of the rule stands.
pub(super) fn key_place(fields: &Fields<'_>, key: &str) -> Place {
    let entry = fields.all().iter().find(|entry| entry.key == key);
    entry.map_or(&fields.node.place, |entry| &entry.place).clone()
}
