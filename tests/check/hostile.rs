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
