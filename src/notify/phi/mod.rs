//! What a receiver may see. Messages are made of [`Told`] alone, and here is the only way from an alert, a value or an
//! event to one: what is above the receiver's class becomes [`HIDDEN`].

mod text;
mod words;

use std::fmt;

use minijinja::value::Value as Shown;
use serde::Serialize;

pub(super) use text::Texts;
pub(super) use words::{
    Tell, account, by_site, day, digest, ended_by_rule, in_words, instant, link, local, of_itself, open_by_rule,
    proven, receiver, repeated, rule, split, stands_in,
};

use crate::engine::{Alert, Labels, Phi, Reason, Seen, Subject, SubjectKind, Timestamp, Value};

/// What stands for a value that a receiver may not see.
pub(super) const HIDDEN: &str = "[hidden]";

/// What the engine writes where a label has no value.
const UNKNOWN: &str = "unknown";

/// Characters of one value.
const LONGEST: usize = 500;

/// Marks over one letter: names in any script have fewer.
const MOST_MARKS: usize = 4;

/// Text that its receiver may see. Only this module makes one from what Impilo sent or people wrote: everything else can but
/// put such texts together, with words of the program and with numbers, by `told!`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(super) struct Told(String);

impl Told {
    /// The parts of a text, one after the other.
    pub(super) fn of<const N: usize>(parts: [Self; N]) -> Self {
        Self(parts.into_iter().map(|part| part.0).collect())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it says that something is not known.
    pub(super) fn is_unknown(&self) -> bool {
        self.0 == UNKNOWN
    }

    /// Whether it tells something: neither that it is not known, nor that it may not be seen.
    pub(super) fn is_known(&self) -> bool {
        !self.0.is_empty() && !self.is_unknown() && self.0 != HIDDEN
    }

    /// How many characters it has.
    pub(super) fn length(&self) -> usize {
        self.0.chars().count()
    }

    pub(super) fn upper(&self) -> Self {
        Self(self.0.to_uppercase())
    }

    /// The texts with `between` them.
    pub(super) fn join(parts: &[Self], between: &'static str) -> Self {
        let parts: Vec<&str> = parts.iter().map(Self::as_str).collect();
        Self(parts.join(between))
    }

    /// A headline that a template made of a page for `none`.
    pub(super) const fn headline(made: String) -> Self {
        Self(made)
    }

    /// The paragraphs of a text, which blank lines part.
    pub(super) fn paragraphs(&self) -> Vec<Self> {
        self.0.split("\n\n").map(|part| Self(part.to_owned())).collect()
    }
}

/// Senders write it as any text.
impl std::ops::Deref for Told {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Told {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts a text together from [`Tell`]s: `told!("Open now: ", count, ".")`.
macro_rules! told {
    ($($part:expr),+ $(,)?) => {
        $crate::notify::phi::Told::of([$($crate::notify::phi::Tell::tell($part)),+])
    };
}
pub(super) use told;

/// A value for a text of a rule, or [`HIDDEN`].
fn shown(seen: &Seen, phi: Phi) -> Shown {
    if seen.protection > phi { Shown::from(HIDDEN) } else { plain(&seen.value) }
}

/// A value as text, or [`HIDDEN`].
pub(super) fn text(seen: &Seen, phi: Phi) -> Told {
    Told(shown(seen, phi).to_string())
}

/// A label, empty where the alert has none of that name.
pub(super) fn label(alert: &Alert, name: &str, phi: Phi) -> Told {
    alert.labels.get(name).map(|seen| text(seen, phi)).unwrap_or_default()
}

/// A label that the receiver may see whole and whose value is known.
pub(super) fn open_label(labels: &Labels, name: &str, phi: Phi) -> Option<Told> {
    let seen = labels.get(name).filter(|seen| seen.protection <= phi)?;
    Some(text(seen, phi)).filter(Told::is_known)
}

/// A value where the receiver may see it, with times in a zone of its own.
pub(super) fn open_value(seen: &Seen, phi: Phi, time_zone: &str) -> Option<Told> {
    match &seen.value {
        _ if seen.protection > phi => None,
        Value::Time(at) => Some(local(*at, time_zone)),
        _ => Some(text(seen, phi)),
    }
}

/// A value of the evidence that the receiver may see.
pub(super) fn evidence(alert: &Alert, name: &str, phi: Phi) -> Option<Told> {
    alert.evidence.values.get(name).filter(|seen| seen.protection <= phi).map(|seen| text(seen, phi))
}

/// Whom or what something is about. Sites and items may be named under every class, as their labels are.
pub(super) fn subject_id(subject: &Subject, phi: Phi) -> Told {
    let open = matches!(subject.kind, SubjectKind::Site | SubjectKind::Item);
    Told(if open || phi >= Phi::Ids { printable(&subject.id) } else { HIDDEN.to_owned() })
}

/// Why an alert moved. Under `none` a reason tells neither a status nor what became of device and patient: both are
/// identifier-class facts.
pub(super) fn reason(reason: &Reason, phi: Phi) -> Told {
    Told(match reason {
        Reason::Disassociated | Reason::Reassigned | Reason::PatientArchived | Reason::Returned if phi == Phi::None => {
            "the watch ended".to_owned()
        }
        Reason::StatusReached { .. } if phi == Phi::None => "its status ended the watch".to_owned(),
        Reason::NoLonger { .. } if phi == Phi::None => "it is no longer so".to_owned(),
        Reason::HeardAgain { .. } if phi == Phi::None => "it was heard again".to_owned(),
        Reason::QuietSince { last_match } => format!("heard from, with nothing new since {}", instant(*last_match)),
        Reason::NoNews { since } => format!("no news since {}; not known to be well", instant(*since)),
        _ => printable(&reason.to_string()),
    })
}

/// Who has taken an alert on: a name of the staff, which every receiver may see.
pub(super) fn acknowledged(alert: &Alert) -> Option<(Told, Timestamp, Option<Timestamp>)> {
    alert.acknowledged.as_ref().map(|taken| (Told(printable(&taken.by)), taken.at, taken.until))
}

/// Who is to see to an alert, and what people wrote about it: both may name a patient.
pub(super) fn assignee(alert: &Alert, phi: Phi) -> Option<Told> {
    alert.assignee.as_ref().filter(|_| phi == Phi::Full).map(|name| Told(printable(name)))
}

/// The newest note, with its author, and how many there are before it.
pub(super) fn last_note(alert: &Alert, phi: Phi) -> Option<(Told, usize)> {
    let note = alert.notes.last().filter(|_| phi == Phi::Full)?;
    let told = Told(format!("{} ({}, {})", printable(&note.text), printable(&note.by), instant(note.at)));
    Some((told, alert.notes.len() - 1))
}

fn plain(value: &Value) -> Shown {
    match value {
        Value::Bool(flag) => Shown::from(*flag),
        Value::Int(number) => Shown::from(*number),
        Value::Float(number) => Shown::from(*number),
        Value::Text(text) => Shown::from(printable(text)),
        Value::Time(at) => Shown::from(instant(*at).0),
        Value::Span(millis) => Shown::from(span(*millis)),
        Value::List(values) => {
            let items: Vec<String> = values.iter().map(|value| plain(value).to_string()).collect();
            Shown::from(items.join(", "))
        }
    }
}

fn span(millis: i64) -> String {
    let seconds = millis / 1000;
    match seconds {
        _ if seconds != 0 && seconds % 86_400 == 0 => format!("{} d", seconds / 86_400),
        _ if seconds != 0 && seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        _ if seconds != 0 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// Text without control characters, without what turns the direction of the text around it, and without towers of marks over one
/// letter: payloads may hold any.
fn printable(text: &str) -> String {
    let mut piled = 0;
    let stays = |c: &char| {
        piled = if is_mark(*c) { piled + 1 } else { 0 };
        piled <= MOST_MARKS && !is_direction(*c)
    };
    text.chars().filter(stays).map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

/// The controls of Unicode's bidirectional algorithm (UAX 9).
const fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Marks that combine with the letter before them, as far as no script needs many of them.
const fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{591}'..='\u{5bd}'
            | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}'
            | '\u{e34}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

#[cfg(test)]
mod tests {
    use super::{printable, reason};
    use crate::engine::{Phi, Reason};

    #[test]
    fn no_name_turns_the_text_around_it_or_grows_over_it() {
        assert_eq!(printable("Ann\u{202e}gro.live\u{2066}\u{200f} Lee\r\n"), "Anngro.live Lee  ");
        assert_eq!(printable("Nguye\u{302}\u{303}n, Jose\u{301}"), "Nguye\u{302}\u{303}n, Jose\u{301}");
        assert_eq!(printable(&format!("a{}b", "\u{336}".repeat(90))), format!("a{}b", "\u{336}".repeat(4)));
    }

    #[test]
    fn without_identifiers_no_reason_tells_what_became_of_somebody() {
        for told in [Reason::Disassociated, Reason::Reassigned, Reason::PatientArchived, Reason::Returned] {
            assert_eq!(reason(&told, Phi::None).as_str(), "the watch ended");
            assert_eq!(reason(&told, Phi::Ids).as_str(), told.to_string());
        }
        let status = Reason::StatusReached { status: "delivered".to_owned() };
        assert_eq!(reason(&status, Phi::None).as_str(), "its status ended the watch");
        assert_eq!(reason(&Reason::LateEvent, Phi::None).as_str(), Reason::LateEvent.to_string());
    }
}
