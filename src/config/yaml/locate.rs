//! From a place inside a scalar's text to the place in the file: quotes, escapes, folded lines and indentation lie
//! between.

use std::ops::Range;

use super::{Scalar, Style};

/// The bytes of `source` that stand for the bytes `wanted` of the scalar at `at`. `None` where the two cannot be laid
/// side by side.
pub fn inside(source: &str, at: &Range<usize>, scalar: &Scalar, wanted: Range<usize>) -> Option<Range<usize>> {
    let written = source.get(at.clone())?;
    let places = places(written, scalar)?;
    let first = places.partition_point(|(value, _)| *value < wanted.start);
    let start =
        places.get(first).map_or_else(|| places.last().map_or(0, |(_, last)| last.end), |(_, first)| first.start);
    let after = places.partition_point(|(value, _)| *value < wanted.end);
    let last = after.checked_sub(1).and_then(|last| places.get(last));
    let end = last.map_or(start, |(_, last)| last.end).max(start);
    Some(at.start + start..at.start + if wanted.is_empty() { start } else { end })
}

/// A character's byte position in the text, and its bytes in what was written.
type Written = (usize, Range<usize>);

fn places(written: &str, scalar: &Scalar) -> Option<Vec<Written>> {
    match scalar.style {
        Style::Plain => flow(written, &scalar.text, 0, written.len(), Style::Plain),
        style @ (Style::SingleQuoted | Style::DoubleQuoted) => {
            flow(written, &scalar.text, 1, written.len().checked_sub(1)?, style)
        }
        Style::Block => block(written, &scalar.text),
    }
}

fn flow(written: &str, text: &str, from: usize, to: usize, style: Style) -> Option<Vec<Written>> {
    let mut places = Vec::with_capacity(text.len());
    let mut at = from;
    let mut chars = text.char_indices().peekable();
    while let Some((value, wanted)) = chars.next() {
        let mut rest = written.get(at..to)?;
        if style == Style::DoubleQuoted {
            // An escaped line end stands for nothing.
            while let Some(joined) = rest.strip_prefix("\\\n").or_else(|| rest.strip_prefix("\\\r\n")) {
                rest = joined.trim_start_matches([' ', '\t']);
                at = to - rest.len();
            }
        }
        if let Some(folded) = fold(rest) {
            // One line end is a space; each further one is itself.
            places.push((value, at..at + folded.bytes));
            for _ in 1..folded.breaks.saturating_sub(1) {
                places.push((chars.next()?.0, at..at + folded.bytes));
            }
            at += folded.bytes;
            continue;
        }
        let length = match (style, rest.as_bytes()) {
            (Style::SingleQuoted, [b'\'', b'\'', ..]) => 2,
            (Style::DoubleQuoted, [b'\\', escape, ..]) => match escape {
                b'x' => 4,
                b'u' => 6,
                b'U' => 10,
                _ => 1 + rest.get(1..)?.chars().next()?.len_utf8(),
            },
            _ if rest.starts_with(wanted) => wanted.len_utf8(),
            _ => return None,
        };
        places.push((value, at..at + length));
        at += length;
    }
    Some(places)
}

struct Fold {
    bytes: usize,
    breaks: usize,
}

/// The line ends at the beginning of `rest`, with the white space around them.
fn fold(rest: &str) -> Option<Fold> {
    let after = rest.trim_start_matches([' ', '\t']);
    if !after.starts_with(['\n', '\r']) {
        return None;
    }
    let after = after.trim_start_matches([' ', '\t', '\r', '\n']);
    let bytes = rest.len() - after.len();
    Some(Fold { bytes, breaks: rest[..bytes].matches('\n').count() })
}

/// Block scalars: the characters other than line ends and indentation come in the same order on both sides.
fn block(written: &str, text: &str) -> Option<Vec<Written>> {
    let mut places = Vec::with_capacity(text.len());
    let mut at = 0;
    let mut line_begins = false;
    for (value, wanted) in text.char_indices() {
        let rest = written.get(at..)?;
        if wanted == '\n' || (wanted == ' ' && rest.starts_with(['\n', '\r'])) {
            places.push((value, at..at + 1));
            at += rest.find('\n').map_or(rest.len(), |end| end + 1);
            line_begins = true;
            continue;
        }
        if line_begins && wanted != ' ' {
            at += rest.len() - rest.trim_start().len();
        } else if line_begins {
            let indented = rest.len() - rest.trim_start_matches(' ').len();
            let kept = text[value..].len() - text[value..].trim_start_matches(' ').len();
            at += indented.checked_sub(kept)?;
        }
        line_begins = false;
        if !written.get(at..)?.starts_with(wanted) {
            return None;
        }
        places.push((value, at..at + wanted.len_utf8()));
        at += wanted.len_utf8();
    }
    Some(places)
}
