//! No file, however broken, does harm.

use pulsewarden::config::{Bundle, parse_settings};

use super::{Chance, yaml_files};

#[test]
fn hostile_files_are_refused_quickly() {
    let deep = "[".repeat(5000);
    let wide = "- {a: b, c: [d, e]}\n".repeat(40_000);
    let odd =
        ["\u{0}", "a\rb", "\u{feff}\u{feff}", "? ? ? ?", "--- ---", "%TAG !e! x\n---\n!e!a b", "\"\\x\"", "|9\n x"];
    let keys: String = (0..5_000).map(|key| format!("key{key}: 1\n")).collect();
    for text in [&*deep, &*wide, &*keys].into_iter().chain(odd) {
        let _ = Bundle::of(&[("a.yaml", text)]).compile().map_err(|problems| problems.render(false));
        let _ = parse_settings("a.yaml", text).map_err(|problems| problems.render(true));
    }
}

/// Rule files whose keys have each other's values: everything is read, and little of it fits.
#[test]
fn no_key_panics_at_any_value() {
    let keys = [
        "alert",
        "was",
        "subject",
        "event",
        "where",
        "falls",
        "rises",
        "count",
        "share",
        "not_followed_by",
        "not_preceded_by",
        "silent",
        "while",
        "for",
        "each",
        "severity",
        "raise",
        "labels",
        "annotations",
        "resolve",
        "expire",
        "ends_with_relations",
        "calendar",
        "grace",
        "keep_firing_for",
        "repeat_backoff",
        "shadow",
        "disabled",
        "at_least",
        "within",
        "when",
        "summary",
        "from",
        "to",
        "file",
        "key",
        "columns",
        "days",
        "holidays",
    ];
    let values = [
        "72h",
        "2 business days",
        "0 business hours",
        "99999999999 business days",
        "settings.a",
        "settings.b",
        "settings.",
        "-1",
        "1e308",
        "0.5",
        "5%",
        "-5%",
        "1e999%",
        "never",
        "true",
        "~",
        "{}",
        "[]",
        "[[]]",
        "\"\"",
        "device",
        "order",
        "return",
        "group",
        "reading.*",
        "order.status",
        "[device.lowBattery, return.status]",
        "A",
        "B",
        "device.battery",
        "order.status == \"a\"",
        "\"!(!(device.battery < -5)) || device.battery > settings.a\"",
        "\"age(age(now))\"",
        "\"business_time(\\\"office\\\")\"",
        "\"event.type in [] // x\"",
        "{ at_least: 3, within: 24h, distinct: site }",
        "{ more_than: 5%, within: 7d }",
        "{ longer_than: 1 business day }",
        "{ event: return.status, same: order, within: 14d }",
        "{ field: device.battery, below: settings.a }",
        "{ field: order.status, above: 9999999999999999999999 }",
        "{ to: critical, where: \"true\" }",
        "{ count: { below: 2, within: 24h } }",
        "{ summary: \"{{ labels.team }}\" }",
        "mon-fri",
        "\"24:00\"",
        "office",
        "teams.csv",
        "../x.csv",
        "2026-02-30",
        "[site]",
    ];
    let tops = [
        "settings: {",
        "calendars: { office: {",
        "tables: [{",
        "rules: [{ alert: A,",
        "rules: [{ alert: A, silent: {",
        "rules: [{ alert: A, event: device.weakSignal, share: {",
        "override: [{ alert: A,",
        "override: [{ alert: B, count: {",
    ];
    let mut chance = Chance(23);
    for _ in 0..6_000 {
        let mut file = String::from("settings: { a: 20, b: 2 business days }\n");
        let mut used = Vec::new();
        for _ in 0..=chance.below(3) {
            let top = tops[chance.below(tops.len())];
            let word = top.split(':').next().unwrap();
            if used.contains(&word) {
                continue;
            }
            used.push(word);
            file.push_str(top);
            let first = chance.below(keys.len());
            for step in 0..=chance.below(5) {
                let key = keys[(first + 7 * step) % keys.len()];
                file.push_str(&format!(" {key}: {},", values[chance.below(values.len())]));
            }
            let open: Vec<char> = top.chars().filter(|c| "[{".contains(*c)).collect();
            file.extend(open.iter().rev().map(|open| if *open == '[' { ']' } else { '}' }));
            file.push('\n');
        }
        let files = [("a.yaml", file.as_str()), ("teams.csv", "site,team\nNorth,red\n")];
        let _ = Bundle::of(&files).compile().map_err(|problems| problems.render(false));
    }
}

#[test]
fn no_mutation_of_a_file_panics() {
    let mut files: Vec<String> = yaml_files("tests/bad-rules").into_iter().map(|(_, text)| text).collect();
    for folder in ["rules", "docs/examples", "tests/bad-settings"] {
        files.extend(yaml_files(folder).into_iter().map(|(_, text)| text));
    }
    let pieces = [
        "\t", "\r", "\n", "\n  ", "- ", ": ", "\"", "'", "{", "}", "[", "]", "|", ">-", "#", "&a ", "*a", "!t ", "é",
        "😀", "\u{0}", "\u{feff}", "---\n", "...", "{{", "}}", "\\", "<<: ", "~", "?", "%", "@", "\u{85}", "\u{2028}",
    ];
    let mut chance = Chance(7);
    for _ in 0..4_000 {
        let mut text: Vec<char> = files[chance.below(files.len())].chars().collect();
        for _ in 0..=chance.below(4) {
            let at = chance.below(text.len() + 1);
            match chance.below(4) {
                0 if at < text.len() => {
                    text.remove(at);
                }
                1 => text.truncate(at),
                2 => {
                    let end = (at + chance.below(30)).min(text.len());
                    let part = text[at..end].to_vec();
                    let to = chance.below(text.len() + 1);
                    text.splice(to..to, part);
                }
                _ => {
                    let piece = pieces[chance.below(pieces.len())];
                    text.splice(at..at, piece.chars());
                }
            }
        }
        let text: String = text.into_iter().collect();
        let _ = Bundle::of(&[("a.yaml", &text)]).compile().map_err(|problems| problems.render(false));
        let _ = parse_settings("a.yaml", &text).map_err(|problems| problems.render(false));
    }
}
