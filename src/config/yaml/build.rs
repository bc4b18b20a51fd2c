//! From the parser's events to the tree.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::plain;
use super::slips;
use super::syntax;
use super::{Entry, Node, Scalar, Style, Value};
use crate::config::problem::{Place, Problem, Problems};
use crate::config::source::Source;

/// Maps and lists within each other.
const MAX_DEPTH: usize = 24;
/// Keys, scalars, lists and maps of one file.
const MAX_NODES: usize = 100_000;
/// Parse problems after which a file is given up.
const MAX_PROBLEMS: usize = 50;

/// Reads the one document of a file. `None` where it cannot be read to its end; the problems then say why. An empty
/// file is an empty node.
#[must_use]
pub fn parse(source: &Arc<Source>) -> (Option<Node>, Problems) {
    build(source, false)
}

/// As [`parse`], for a file in which `null` is a value: a scalar of that kind.
#[must_use]
pub fn parse_with_nulls(source: &Arc<Source>) -> (Option<Node>, Problems) {
    build(source, true)
}

fn build(source: &Arc<Source>, nulls: bool) -> (Option<Node>, Problems) {
    let mut problems = Problems::default();
    if let Some(problem) = stray(source).or_else(|| slips::everywhere(source)) {
        problems.push(problem);
        return (None, problems);
    }
    // A byte order mark is allowed, and is no part of the first key.
    let begin = if source.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let text = &source.text[begin..];
    let mut builder = Builder {
        source,
        problems,
        bytes: text.char_indices().map(|(at, _)| begin + at).chain([source.text.len()]).collect(),
        open: Vec::new(),
        root: None,
        previous: begin,
        nodes: 0,
        given_up: false,
        nulls,
    };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let at = builder.byte(error.marker().index());
                builder.problems.push(syntax::explain(source, at, error.info()));
                builder.given_up = true;
            }
        }
        if builder.given_up || builder.problems.len() > MAX_PROBLEMS {
            return (None, builder.problems);
        }
    }
    let nothing = || Node { place: Place { source: source.clone(), at: begin..begin }, value: Value::Empty };
    let root = builder.root.unwrap_or_else(nothing);
    (Some(root), builder.problems)
}

/// Characters that no YAML file may hold, or that editors and we would count as different lines.
fn stray(source: &Arc<Source>) -> Option<Problem> {
    let mut chars = source.text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        let place = || Place { source: source.clone(), at: at..at + char.len_utf8() };
        match char {
            '\r' if chars.peek().is_none_or(|(_, next)| *next != '\n') => {
                return Some(
                    Problem::error(place(), "a carriage return without a line feed")
                        .help("save the file with the line ends of Unix (LF) or Windows (CRLF)"),
                );
            }
            '\n' | '\r' | '\t' => {}
            '\u{feff}' if at == 0 => {}
            _ if char.is_control() || char == '\u{feff}' => {
                let code = u32::from(char);
                return Some(
                    Problem::error(place(), format!("an invisible character (U+{code:04X}) that YAML does not allow"))
                        .help("delete it; retyping the line is the surest way"),
                );
            }
            _ => {}
        }
    }
    None
}

struct Builder<'s> {
    source: &'s Arc<Source>,
    problems: Problems,
    /// The byte position of each character, since the parser counts characters.
    bytes: Vec<usize>,
    open: Vec<Open>,
    root: Option<Node>,
    /// Where the last event ended, so that tags and anchors between can be found.
    previous: usize,
    nodes: usize,
    given_up: bool,
    /// Whether `null` is a value.
    nulls: bool,
}

/// A list or map that has begun.
struct Open {
    start: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<Key>, keys: BTreeSet<String> },
}

/// A key that waits for its value.
struct Key {
    text: String,
    place: Place,
    /// False for a key that is reported already: its value is dropped.
    keep: bool,
}

impl Builder<'_> {
    fn byte(&self, char: usize) -> usize {
        self.bytes.get(char).copied().unwrap_or(self.source.text.len())
    }

    fn error(&mut self, at: Range<usize>, message: impl Into<String>) -> &mut Problem {
        let place = Place { source: self.source.clone(), at };
        self.problems.add(Problem::error(place, message))
    }

    fn take(&mut self, event: Event<'_>, span: Span) {
        let at = self.byte(span.start.index())..self.byte(span.end.index());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let at = self.written(at, style);
                self.refuse_extras(at.start, anchor, tag.as_deref());
                self.scalar(&text, style, at.clone(), anchor != 0 || tag.is_some());
                self.previous = at.end;
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(at.start, anchor, tag.as_deref());
                self.begin(at.start, OpenKind::List(Vec::new()));
                self.previous = at.end;
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(at.start, anchor, tag.as_deref());
                self.begin(at.start, OpenKind::Map { entries: Vec::new(), key: None, keys: BTreeSet::new() });
                self.previous = at.end;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end(at.end);
                self.previous = at.end;
            }
            Event::Alias(_) => {
                self.error(at.clone(), "aliases (`*name`) are not used in these files")
                    .help
                    .push("write the value again; where the text itself begins with `*`, put quotes around it".into());
                let alias = Scalar { text: String::new(), style: Style::Plain, faulty: true };
                self.value(at, Value::Scalar(alias));
            }
            Event::DocumentStart(_) if self.root.is_some() => {
                self.error(at, "a second document in one file").help.push(
                    "keep one document to a file: remove the `---`, or move what follows to a file of its own".into(),
                );
                self.given_up = true;
            }
            _ => {}
        }
    }

    /// The bytes of a scalar itself: the parser counts what follows a quoted or block one to it.
    fn written(&self, at: Range<usize>, style: ScalarStyle) -> Range<usize> {
        let Some(written) = self.source.text.get(at.clone()) else { return at };
        let length = match style {
            ScalarStyle::Plain => written.len(),
            ScalarStyle::SingleQuoted => closing(written, '\'').unwrap_or(written.len()),
            ScalarStyle::DoubleQuoted => closing(written, '"').unwrap_or(written.len()),
            ScalarStyle::Literal | ScalarStyle::Folded => written.trim_end().len(),
        };
        at.start..at.start + length
    }

    /// Tags and anchors stand between the last event and this one.
    fn refuse_extras(&mut self, start: usize, anchor: usize, tag: Option<&Tag>) {
        let (source, previous) = (self.source, self.previous);
        let between = source.text.get(previous..start).unwrap_or_default();
        let found = |sign: char| between.find(sign).map(|at| previous + at);
        let range = |from: usize| {
            let rest = &source.text[from..];
            from..from + rest.find([' ', '\t', '\n', '\r', ',']).unwrap_or(rest.len())
        };
        if tag.is_some() {
            let at = found('!').map_or(start..start, range);
            let line = source.shown()[at.start..].lines().next().unwrap_or_default();
            let help =
                format!("where the text itself begins with `!`, put quotes around it: {}", syntax::quote(line.trim()));
            self.error(at, "tags (`!name`) are not used in these files").help.push(help);
        }
        if anchor != 0 {
            let at = found('&').map_or(start..start, range);
            self.error(at, "anchors (`&name`) are not used in these files")
                .help
                .push("remove it; where the text itself begins with `&`, put quotes around it".into());
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, at: Range<usize>, refused: bool) {
        let written = self.source.text.get(at.clone()).unwrap_or_default();
        // The parser makes `~` of what was left out.
        if !refused && style == ScalarStyle::Plain && (text.is_empty() || (text == "~" && written != "~")) {
            return self.value(at.start..at.start, Value::Empty);
        }
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        let faulty = refused || (style == Style::Plain && self.doubtful(text, &at));
        self.value(at, Value::Scalar(Scalar { text: text.to_owned(), style, faulty }));
    }

    /// Reports an unquoted scalar that readers of YAML understand differently.
    fn doubtful(&mut self, text: &str, at: &Range<usize>) -> bool {
        if self.source.quotable(at, text) != text {
            return false;
        }
        if plain::kind(text) == plain::Kind::Null {
            if self.nulls {
                return false;
            }
            self.error(at.clone(), format!("`{text}` stands for no value at all"))
                .help
                .push(format!("remove the key, or write \"{text}\" where the text is meant"));
            return true;
        }
        if text.starts_with(slips::TYPOGRAPHIC) {
            let inner = text.trim_matches(slips::TYPOGRAPHIC).replace(slips::TYPOGRAPHIC, "'");
            self.error(at.clone(), "typographic quotes put nothing into quotes")
                .help
                .push(format!("write {}", syntax::quote(&inner)));
            return true;
        }
        let Some(differs) = plain::disagreement(text) else { return false };
        let instead = differs.plain.map_or_else(String::new, |plain| format!(", or {plain}"));
        let message = format!("`{text}` reads as {} in YAML 1.1 and as {} in YAML 1.2", differs.older, differs.newer);
        let help = match (differs.plain, differs.newer) {
            (None, "a decimal number") => {
                let decimal = text.trim_start_matches('0');
                let decimal = if decimal.is_empty() { "0" } else { decimal };
                format!("write {} for the text, or {decimal} for the number", differs.quoted)
            }
            _ => format!("write {} for the text{instead}", differs.quoted),
        };
        self.error(at.clone(), message).help.push(help);
        true
    }

    fn begin(&mut self, start: usize, kind: OpenKind) {
        if self.open.len() >= MAX_DEPTH {
            self.error(start..start, format!("nested more than {MAX_DEPTH} levels deep"));
            self.given_up = true;
        }
        self.open.push(Open { start, kind });
    }

    fn end(&mut self, end: usize) {
        let Some(open) = self.open.pop() else { return };
        // Block collections end where the next thing begins: the white space between is not theirs.
        let text = self.source.text.get(open.start..end).unwrap_or_default();
        let value = match open.kind {
            OpenKind::List(items) => Value::List(items),
            OpenKind::Map { entries, .. } => Value::Map(entries),
        };
        self.value(open.start..open.start + text.trim_end().len(), value);
    }

    /// Puts a finished node where it belongs.
    fn value(&mut self, at: Range<usize>, value: Value) {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.error(at.start..at.start, format!("more than {MAX_NODES} values in one file"));
            self.given_up = true;
            return;
        }
        let mut refused = None;
        let place = Place { source: self.source.clone(), at };
        let node = Node { place, value };
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.root = Some(node),
            Some(OpenKind::List(items)) => items.push(node),
            Some(OpenKind::Map { entries, key, keys }) => match key.take() {
                Some(Key { text, place, keep: true }) => entries.push(Entry { key: text, place, value: node }),
                Some(_) => {}
                None => {
                    let (text, fault) = match node.value {
                        Value::Scalar(scalar) => (scalar.text, None),
                        _ => (String::new(), Some(KeyFault::NotText)),
                    };
                    let twice = fault.is_none() && !keys.insert(text.clone());
                    let first =
                        entries.iter().find(|entry| twice && entry.key == text).map(|entry| entry.place.clone());
                    let fault = match (fault, first) {
                        (Some(fault), _) => Some(fault),
                        (None, Some(first)) => Some(KeyFault::Twice(first)),
                        (None, None) if text == "<<" => Some(KeyFault::Merge),
                        (None, None) => None,
                    };
                    *key = Some(Key { text: text.clone(), place: node.place.clone(), keep: fault.is_none() });
                    refused = fault.map(|fault| (fault, text, node.place.at));
                }
            },
        }
        if let Some((fault, key, at)) = refused {
            self.refuse_key(fault, &key, at);
        }
    }

    fn refuse_key(&mut self, fault: KeyFault, key: &str, at: Range<usize>) {
        match fault {
            KeyFault::NotText => {
                let text = &self.source.text;
                let outer = text[..at.start].ends_with('{') && text[at.end..].starts_with('}');
                if outer && text[at.clone()].starts_with('{') {
                    let problem =
                        self.error(at.start - 1..at.end + 1, "text that begins with `{{` must stand in quotes");
                    problem.help.push("write \"{{ … }}\"".to_owned());
                } else {
                    self.error(at, "a key must be text").help.push("write `key: value`".to_owned());
                }
            }
            KeyFault::Merge => {
                self.error(at, "merges (`<<`) are not used in these files").help.push("write the keys again".into());
            }
            KeyFault::Twice(first) => {
                let key = self.source.quotable(&at, key);
                let problem = self.error(at, format!("the key `{key}` stands here twice"));
                problem.related.push((first, "first here".to_owned()));
                problem.help.push("keep one of the two; put several values into one list".into());
            }
        }
    }
}

enum KeyFault {
    NotText,
    Merge,
    /// Where the key stands first.
    Twice(Place),
}

/// How many bytes a quoted scalar takes, its quotes included.
fn closing(written: &str, quote: char) -> Option<usize> {
    let mut chars = written.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if char == '\\' && quote == '"' {
            chars.next();
        } else if char == quote {
            let twice = quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'');
            if !twice {
                return Some(at + 1);
            }
            chars.next();
        }
    }
    None
}
