//! Finding what must not be shown: secrets that somebody wrote into a file in spite of everything. It works on lines, since a
//! file that cannot be parsed is shown too, and rather hides too much.

use std::ops::Range;

/// Keys below which a secret belongs, by parts of their names.
const SECRET_KEYS: [&str; 6] = ["password", "passwd", "secret", "token", "api_key", "webhooks"];
/// What a reference to a secret begins with.
const REFERENCES: [&str; 3] = ["file", "credential", "env"];
/// What comes after these is a secret wherever it stands.
const SECRET_STARTS: [&str; 5] = ["hooks.slack.com/", "xoxb-", "xoxp-", "xapp-", "xoxe"];

/// The byte ranges of a configuration file that look like secrets.
#[must_use]
pub fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut hidden = anywhere(text);
    // The indentation of a secret key whose value stands below it.
    let mut below: Option<usize> = None;
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        let blank = content.is_empty() || content.trim_start().starts_with('#');
        if !blank && below.is_some_and(|outer| indent <= outer && !content.trim_start().starts_with("- ")) {
            below = None;
        }
        if !blank && below.is_some() && !refers(content.trim_start()) {
            let value = content.find(": ").map_or(indent, |colon| colon + 2);
            hide(&mut hidden, begin, content, value);
        }
        for value in after_secret_keys(content) {
            let rest = content[value..].trim_start();
            if rest.is_empty() || rest.starts_with(['#', '|', '>']) {
                below = Some(indent);
            } else if !refers(rest) {
                hide(&mut hidden, begin, content, value);
                below = Some(indent);
            }
        }
        begin += line.len();
    }
    hidden
}

/// The byte ranges of any file that are secrets by their own look.
#[must_use]
pub fn anywhere(text: &str) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    let ends = |from: usize| {
        let rest = &text[from..];
        from + rest.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | ']')).unwrap_or(rest.len())
    };
    for start in SECRET_STARTS {
        for (at, _) in text.match_indices(start) {
            hidden.push(at + start.len()..ends(at));
        }
    }
    // User name and password within an address.
    for (at, scheme) in text.match_indices("://") {
        let from = at + scheme.len();
        let authority = &text[from..ends(from)];
        let authority = authority.split('/').next().unwrap_or_default();
        if let Some(user) = authority.rfind('@') {
            hidden.push(from..from + user);
        }
    }
    hidden.retain(|range| !range.is_empty());
    hidden
}

fn hide(hidden: &mut Vec<Range<usize>>, begin: usize, content: &str, value: usize) {
    let value = value + (content[value..].len() - content[value..].trim_start().len());
    // An empty map or list hides nothing, and a number of its own is for the checks to refuse.
    if content[value..].trim_matches(['[', ']', '{', '}', ' ', ',']).is_empty() {
        return;
    }
    hidden.push(begin + value..begin + content.len());
}

/// Positions in `line` after each `key:` whose key names a secret.
fn after_secret_keys(line: &str) -> Vec<usize> {
    let lower = line.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let mut found = Vec::new();
    for (colon, _) in lower.match_indices(':') {
        let ends_key = bytes.get(colon + 1).is_none_or(|next| matches!(next, b' ' | b'\t'));
        let before = lower[..colon].trim_end_matches(['"', '\'', ' ']);
        let key_start = before.rfind([' ', '{', ',', '[', '"', '\'', '\t']).map_or(0, |at| at + 1);
        let key = &before[key_start..];
        let names_secret = SECRET_KEYS.iter().any(|part| key.contains(part));
        // `refused_secrets: 5` is a count.
        if ends_key && names_secret && !key.starts_with("refused_") {
            found.push(colon + 1);
        }
    }
    found
}

/// Whether this is a reference to a secret, or a list or map of such.
fn refers(text: &str) -> bool {
    let inner = text.trim_start_matches(['-', '[', '{', ' ', '"', '\'']);
    let reference = |text: &str| {
        let Some((key, value)) = text.split_once(':') else { return false };
        let value = value.trim().trim_end_matches([']', '}', ' ', ',']).trim_matches(['"', '\'']);
        let value = value.split(['}', ',', '#']).next().unwrap_or_default().trim();
        let fits = match key.trim() {
            "file" => value.starts_with('/'),
            _ => is_name(value),
        };
        REFERENCES.contains(&key.trim()) && fits
    };
    // `logistics: { env: NAME }` refers as well.
    reference(inner) || inner.split_once('{').is_some_and(|(_, map)| reference(map.trim_start()))
}

/// Whether this can be the name of an environment variable or a credential.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
