//! What the YAML parser cannot read, said so that people can mend it.

use std::ops::Range;
use std::sync::Arc;

use super::slips;
use crate::config::problem::{Place, Problem};
use crate::config::source::Source;

/// A parser's complaint at byte `at`, in words that say what to do.
pub fn explain(source: &Arc<Source>, at: usize, info: &str) -> Problem {
    let text = &*source.text;
    let at = at.min(text.len());
    let problem =
        |range: Range<usize>, message: &str| Problem::error(Place { source: source.clone(), at: range }, message);
    if let Some(tab) = tab_before(text, at) {
        return problem(tab..tab + 1, "a tab where YAML wants spaces")
            .label("this is a tab")
            .help("indent with spaces, the same number for each level");
    }
    if let Some(problem) = slips::at_line(source, at) {
        return problem;
    }
    if info.contains("quoted scalar") {
        return quoted(source, at, info);
    }
    if info.contains("mapping values are not allowed") {
        return colon(source, at);
    }
    if info.contains("anchor or alias") {
        let star = text[..at].len() - usize::from(text[..at].ends_with(['*', '&']));
        let value = line_rest(source.shown(), star);
        let first = value.get(..1).unwrap_or_default();
        return problem(star..star + 1, &format!("text that begins with `{first}` must stand in quotes"))
            .help(format!("write {}", quote(value)));
    }
    if info.contains("unknown anchor") {
        return problem(at..word_end(text, at), "aliases (`*name`) are not used in these files")
            .help("where the text itself begins with `*`, put quotes around it");
    }
    if info.contains("unexpected character") {
        let first = text[at..].chars().next().unwrap_or(' ');
        let value = line_rest(source.shown(), at);
        return problem(at..at + first.len_utf8(), &format!("text that begins with `{first}` must stand in quotes"))
            .help(format!("write {}", quote(value)));
    }
    if info.contains("recursion limit") {
        return problem(at..at, "nested too deeply").help("these files need a few levels only");
    }
    if let Some(open) = unclosed(text, at) {
        let (bracket, closing) = if text[open..].starts_with('[') { ("[", "]") } else { ("{", "}") };
        return problem(open..open + 1, &format!("this `{bracket}` is never closed"))
            .label(format!("needs a `{closing}`"))
            .help(format!(
                "add the missing `{closing}`, or a comma between two items; the reading stopped at line {}",
                source.line_column(at).0
            ));
    }
    if info.contains("simple key")
        && let Some(problem) = slips::without_colon(source, at)
    {
        return problem;
    }
    if info.contains("did not find expected key") || info.contains("did not find expected '-'") {
        let message = if info.contains("'-'") {
            "expected a list item (`- …`), as in the lines above"
        } else {
            "the indentation of this line fits none of the lines above it"
        };
        return problem(at..line_end(text, at), message)
            .help("items of one list and keys of one map begin in the same column");
    }
    if info.contains("expected node content") {
        return problem(at..word_end(text, at), "a value is missing before this");
    }
    problem(at..word_end(text, at), &format!("this is not YAML: {info}"))
}

/// The scanner points at the opening quote.
fn quoted(source: &Arc<Source>, at: usize, info: &str) -> Problem {
    let text = &*source.text;
    let problem =
        |range: Range<usize>, message: &str| Problem::error(Place { source: source.clone(), at: range }, message);
    if info.contains("escape") {
        let escape = bad_escape(text, at).unwrap_or(at..line_end(text, at));
        return problem(escape, "double-quoted text has no such escape")
            .help("write `\\\\` for a backslash, or use single quotes, in which a backslash is only that");
    }
    problem(at..line_end(text, at), "this quote is never closed")
        .label("begins here")
        .help("end it with the same quote; inside single quotes, a single quote is written twice")
}

/// The scanner points at a `:` that makes no sense where it is.
fn colon(source: &Arc<Source>, at: usize) -> Problem {
    let text = &*source.text;
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let shown = source.shown();
    let line = &shown[begin..line_end(shown, begin)];
    let before = &text[begin..at];
    let place = |range: Range<usize>| Place { source: source.clone(), at: range };
    if let Some((key, _)) = before.split_once(": ") {
        let value = line.split_once(": ").map_or("", |(_, value)| value.trim());
        let value_at = begin + key.len() + 2;
        let value_at = value_at + (text[value_at..].len() - text[value_at..].trim_start_matches(' ').len());
        return Problem::error(place(at..at + 1), "a `:` inside text that is not in quotes")
            .related(place(value_at..at), "the text begins here")
            .help(format!("write {}: {}", key.trim(), quote(source.quotable(&(value_at..line_end(text, at)), value))));
    }
    let key_at = begin + (before.len() - before.trim_start().len());
    if let Some(problem) = slips::without_colon(source, key_at) {
        return problem;
    }
    Problem::error(place(key_at..at.max(key_at)), "this key stands where the value above goes on")
        .label("indented deeper than the keys beside it, or the line above lacks its `:`")
        .help("keys of one map begin in the same column")
}

/// A tab within the white space that leads to `at`, or that begins its line or the next one.
fn tab_before(text: &str, at: usize) -> Option<usize> {
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let next = text[at..].find('\n').map(|end| at + end + 1);
    for begin in [Some(begin), next].into_iter().flatten() {
        let rest = &text[begin..];
        let indent = &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()];
        if let Some(tab) = indent.find('\t') {
            return Some(begin + tab);
        }
    }
    let space = text[..at].len() - text[..at].trim_end_matches([' ', '\t']).len();
    text[at - space..at].find('\t').map(|tab| at - space + tab)
}

/// The innermost bracket open at `at`; quotes and comments are skipped as far as one can without a parser.
fn unclosed(text: &str, at: usize) -> Option<usize> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut comment = false;
    let mut previous = '\n';
    for (position, char) in text[..at].char_indices() {
        match (quote, char) {
            _ if comment => comment = char != '\n',
            (Some(ends), _) if char == ends => quote = None,
            (Some(_), _) => {}
            (None, '#') if previous.is_whitespace() => comment = true,
            (None, '"' | '\'') if !previous.is_alphanumeric() => quote = Some(char),
            (None, '[' | '{') if !open.is_empty() || matches!(previous, ' ' | '\n') => open.push(position),
            (None, ']' | '}') => {
                open.pop();
            }
            _ => {}
        }
        previous = char;
    }
    open.pop()
}

fn bad_escape(text: &str, from: usize) -> Option<Range<usize>> {
    let mut chars = text[from..].char_indices();
    while let Some((at, char)) = chars.next() {
        if char == '\\' {
            let (_, escape) = chars.next()?;
            if !"0abt\tnvfre \"/\\N_LPxuU\n\r".contains(escape) {
                return Some(from + at..from + at + 1 + escape.len_utf8());
            }
        }
    }
    None
}

pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let line = rest.split('\n').next().unwrap_or_default();
    at + line.trim_end().len()
}

fn line_rest(text: &str, at: usize) -> &str {
    text[at..line_end(text, at)].split(" #").next().unwrap_or_default().trim_end()
}

fn word_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + rest.find([' ', '\t', '\n', '\r', ',', ']', '}']).unwrap_or(rest.len())
}

/// The text in quotes that need no escapes, where there are such.
pub fn quote(text: &str) -> String {
    if !text.contains(['"', '\\']) { format!("\"{text}\"") } else { format!("'{}'", text.replace('\'', "''")) }
}
