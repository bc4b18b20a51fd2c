//! Finding what must not be shown: secrets that somebody wrote into a file in spite of everything. It works on lines, since a
//! file that cannot be parsed is shown too, and rather hides too much.

use std::ops::Range;

/// Keys below which a secret belongs, by parts of their names.
const SECRET_KEYS: [&str; 6] = ["passw", "secret", "token", "api_key", "apikey", "webhooks"];
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

/// Whether nothing but references to secrets stands here, as far as the brackets that open here are closed.
fn refers(text: &str) -> bool {
    let judged = &text[..balanced(text)];
    let mut any = false;
    // What is left between brackets and commas is `key: value`, perhaps after a name and its bracket.
    let fit =
        judged.split(['[', ']', '{', '}', ',']).map(str::trim).filter(|part| !matches!(*part, "" | "-")).all(|part| {
            let part = part.trim_start_matches("- ").trim_matches(['"', '\'']);
            let Some((key, value)) = part.split_once(':') else { return false };
            let (key, value) = (key.trim_matches(['"', '\'', ' ']), value.trim().trim_matches(['"', '\'']));
            match key {
                "file" if value.starts_with('/') => any = true,
                "credential" | "env" if is_name(value) => any = true,
                // The name of a webhook, before its reference.
                _ if value.is_empty() => {}
                _ => return false,
            }
            true
        });
    fit && any
}

/// How far a bracket at the beginning reaches; the whole text where there is none, or it stays open. A comment is left out.
fn balanced(text: &str) -> usize {
    let text = text.split(" #").next().unwrap_or_default();
    if !text.starts_with(['[', '{']) {
        return text.len();
    }
    let mut depth = 0_usize;
    for (at, char) in text.char_indices() {
        match char {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// Whether this can be the name of an environment variable or a credential.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
