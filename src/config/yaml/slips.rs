//! Slips of the hand that the parser meets late, or not at all: they are looked for in the lines themselves.

use std::ops::Range;
use std::sync::Arc;

use super::syntax::{line_end, quote};
use crate::config::problem::{Place, Problem};
use crate::config::source::Source;

/// Quotes that word processors make of plain ones.
pub const TYPOGRAPHIC: [char; 10] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»'];

/// What makes a file unreadable whatever stands around it.
pub fn everywhere(source: &Arc<Source>) -> Option<Problem> {
    let mut begin = 0;
    for line in source.text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        let place = |range: Range<usize>| Place { source: source.clone(), at: begin + range.start..begin + range.end };
        if content.starts_with("<<<<<<< ") || content.starts_with(">>>>>>> ") {
            let problem = Problem::error(place(0..7), "a merge conflict that is not resolved");
            return Some(problem.help(
                "keep one of the two sides, and delete the lines that begin with `<<<<<<<`, `=======` and `>>>>>>>`",
            ));
        }
        let plain = content.len() - content.trim_start_matches([' ', '\t']).len();
        if let Some(space) = content[plain..].chars().next().filter(|char| char.is_whitespace() && !char.is_control()) {
            let problem =
                Problem::error(place(plain..plain + space.len_utf8()), "a space of another kind in the indentation");
            return Some(problem.label("this is a no-break space, or one like it").help("indent with plain spaces"));
        }
        begin += line.len();
    }
    None
}

/// What is wrong with the line of a parser's complaint, or the one before it, where the parser stumbles over what
/// follows.
pub fn at_line(source: &Arc<Source>, at: usize) -> Option<Problem> {
    let begin = line_begin(&source.text, at);
    quotes_in_quotes(source, begin)
}

/// A line that lacks its colon, or the space after it: the one at `at`, where something stands before that, or the one
/// above.
pub fn without_colon(source: &Arc<Source>, at: usize) -> Option<Problem> {
    let text = &*source.text;
    let mut begin = line_begin(text, at);
    let mut before = text[begin..at].trim_start_matches(['-', ' ']);
    while before.is_empty() || before.starts_with('#') {
        begin = line_begin(text, begin.checked_sub(1)?);
        before = text[begin..line_end(text, begin)].trim_start_matches(['-', ' ']);
    }
    let end = line_end(text, begin);
    let indent = text[begin..end].len() - text[begin..end].trim_start_matches(['-', ' ']).len();
    let (start, content) = (begin + indent, &text[begin + indent..end]);
    let word = content.len() - content.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    let (key, rest) = content.split_at(word);
    let hidden = source.quotable(&(start..start + word), key) != key;
    if key.is_empty() || hidden || rest.starts_with(": ") || rest == ":" {
        return None;
    }
    let value = rest.strip_prefix(':').unwrap_or(rest).trim();
    let value = source.quotable(&(start + word..end), value);
    let place = |range: Range<usize>| Place { source: source.clone(), at: range };
    let (at, message) = match rest.chars().nth(usize::from(rest.starts_with(':'))) {
        Some(space) if rest.starts_with(':') && space.is_whitespace() => {
            (start + word + 1..start + word + 1 + space.len_utf8(), format!("no plain space after `{key}:`"))
        }
        _ if rest.starts_with(':') => (start..start + word + 1, format!("no space after `{key}:`")),
        None | Some(' ') => (start..start + word, format!("no `:` after `{key}`")),
        Some(_) => return None,
    };
    Some(Problem::error(place(at), message).help(format!("write {key}: {value}").trim_end().to_owned()))
}

/// A quote of the same kind within a quoted value, which ends it.
fn quotes_in_quotes(source: &Arc<Source>, begin: usize) -> Option<Problem> {
    let line = &source.text[begin..line_end(&source.text, begin)];
    let (key, value) = line.split_once(": ")?;
    let value_at = begin + key.len() + 2 + (value.len() - value.trim_start().len());
    let value = value.trim();
    let mark = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let inner = value.strip_prefix(mark)?.strip_suffix(mark)?;
    let escaped = if mark == '"' { "\\\"" } else { "''" };
    let within = inner.replace(escaped, "").matches(mark).count();
    if within == 0 || !within.is_multiple_of(2) {
        return None;
    }
    let first = value_at + 1 + inner.find(mark)?;
    let place = Place { source: source.clone(), at: first..first + 1 };
    let shown = source.quotable(&(value_at..value_at + value.len()), inner);
    let key = source.quotable(&(begin..value_at), key.trim_start_matches(['-', ' ']));
    Some(
        Problem::error(place, format!("a `{mark}` inside text between `{mark}`"))
            .label("ends the text too soon")
            .help(format!("write {key}: {}", quote(shown))),
    )
}

fn line_begin(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |end| end + 1)
}
