//! Finding what must not be shown: secrets that somebody wrote into a file in spite of everything. It works on lines,
//! since a file that cannot be parsed is shown too, and rather hides too much.

use std::ops::Range;

/// Keys below which a secret belongs, by parts of their names.
const SECRET_KEYS: [&str; 10] = [
    "passw",
    "secret",
    "token",
    "api_key",
    "apikey",
    "webhooks",
    "endpoints",
    "integrations",
    "routing_key",
    "service_key",
];
/// Of these, the keys below which names come before the secrets.
const NAMED: [&str; 3] = ["webhooks", "endpoints", "integrations"];
/// What a reference to a secret says it by.
const REFERENCES: [&str; 3] = ["file", "credential", "env"];
/// What comes after these is a secret wherever it stands.
const SECRET_STARTS: [&str; 5] = ["hooks.slack.com/", "xoxb-", "xoxp-", "xapp-", "xoxe"];

/// The byte ranges of a configuration file that look like secrets.
#[must_use]
pub fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut hidden = anywhere(text);
    // A secret key whose value may stand below it: its indentation, and whether names come before the secrets.
    let mut below: Option<(usize, bool)> = None;
    let mut begin = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let start = content.trim_start();
        let indent = content.len() - start.len();
        let blank = start.is_empty() || start.starts_with('#');
        if !blank && below.is_some_and(|(outer, _)| indent <= outer && !start.starts_with("- ")) {
            below = None;
        }
        if let Some((_, named)) = below
            && !blank
            && !refers(start)
        {
            let value =
                keys(content).find(|(key, _)| named || REFERENCES.contains(key)).map_or(indent, |(_, value)| value);
            hide(&mut hidden, begin, content, value);
        }
        for value in bad_references(content).into_iter().chain(bare_heartbeat(content)) {
            hide(&mut hidden, begin, content, value);
        }
        for (key, value) in secret_keys(content) {
            let rest = content[value..].trim_start();
            let empty = rest.is_empty() || rest.starts_with(['#', '|', '>']);
            if !empty && !refers(rest) {
                hide(&mut hidden, begin, content, value);
            }
            if empty || !refers(rest) {
                below = Some((indent, NAMED.contains(&key) && !rest.starts_with(['|', '>'])));
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

/// The keys of a line, each with the position after its colon.
fn keys(line: &str) -> impl Iterator<Item = (&str, usize)> {
    line.match_indices(':').filter_map(move |(colon, _)| {
        let ends_key = line.as_bytes().get(colon + 1).is_none_or(|next| matches!(next, b' ' | b'\t'));
        let before = line[..colon].trim_end_matches(['"', '\'', ' ']);
        let start = before.rfind([' ', '{', ',', '[', '"', '\'', '\t']).map_or(0, |at| at + 1);
        ends_key.then_some((&before[start..], colon + 1))
    })
}

/// The keys of a line that name secrets, each with the position after its colon.
fn secret_keys(line: &str) -> Vec<(&str, usize)> {
    let names_secret = |key: &str| {
        let key = key.to_ascii_lowercase();
        // `url` alone is the heartbeat's, which holds a token; `public_url` is for everybody. `refused_secrets` is a
        // count.
        key == "url" || (!key.starts_with("refused_") && SECRET_KEYS.iter().any(|part| key.contains(part)))
    };
    keys(line).filter(|(key, _)| names_secret(key)).collect()
}

/// Positions in `line` after each `env:`, `credential:`, `file:` or name of something secret that is followed by no name: it
/// may be the secret itself.
fn bad_references(line: &str) -> Vec<usize> {
    let bad = |key: &str, value: usize| {
        let value = line[value..].split(['}', ',', ']']).next().unwrap_or_default();
        let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        match key {
            "env" | "credential" => !is_name(value),
            "file" => !value.starts_with('/'),
            "endpoint" | "webhook" | "integration" => is_secret(value),
            _ => false,
        }
    };
    keys(line).filter(|(key, value)| bad(key, *value)).map(|(_, value)| value).collect()
}

/// The position of an address that stands right after `heartbeat:`: like that under `url`, it holds a token.
fn bare_heartbeat(line: &str) -> Option<usize> {
    let bare = |value: usize| line[value..].trim_start().trim_start_matches(['"', '\'']).starts_with("http");
    keys(line).find(|(key, value)| *key == "heartbeat" && bare(*value)).map(|(_, value)| value)
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
                // The name of a webhook or the like, before its reference.
                _ if value.is_empty() => {}
                _ => return false,
            }
            true
        });
    fit && any
}

/// How far a bracket at the beginning reaches; the whole text where there is none, or it stays open. A comment is left
/// out.
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

/// Whether what should be a name is an address, or a key as PagerDuty makes them.
#[must_use]
pub fn is_secret(text: &str) -> bool {
    text.contains("://") || (text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Whether this can be the name of an environment variable or a credential.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
