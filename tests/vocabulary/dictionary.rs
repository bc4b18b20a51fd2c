//! The journal's dictionary: what it is trained on, and that it earns its place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pulsewarden::engine::SubjectKind;
use pulsewarden::impilo::schema;
use pulsewarden::journal::codec;
use serde_json::Value;

use crate::fixtures;
use crate::mutations::Chance;

/// How many samples are written of each known type, and of those that come most often.
const SAMPLES: usize = 80;
const OFTEN: usize = 240;

/// Fields that say who somebody is or where they live: no letter of them stays.
const PERSONAL: [&str; 11] = [
    "firstName",
    "lastName",
    "email",
    "externalIdentifier",
    "externalOrderIds",
    "lineOne",
    "lineTwo",
    "city",
    "state",
    "note",
    "sku",
];

/// A body without the spaces between its parts; its keys keep their order.
fn minified(body: &[u8]) -> String {
    let (mut out, mut in_text, mut escaped) = (String::new(), false, false);
    for c in std::str::from_utf8(body).unwrap().chars() {
        if in_text || !c.is_whitespace() {
            out.push(c);
        }
        in_text ^= c == '"' && !escaped;
        escaped = in_text && c == '\\' && !escaped;
    }
    out
}

/// The same envelope of somebody else: other digits everywhere, other letters in names, another status now and then. What
/// differs from sample to sample finds no place in a dictionary; what stands twice in one body still does.
fn someone_else(body: &str, chance: &mut Chance) -> String {
    let mut known: BTreeMap<&str, String> = BTreeMap::new();
    let mut out = String::new();
    let (mut key, mut in_text) = ("", false);
    let mut pieces = body.split('"').peekable();
    while let Some(piece) = pieces.next() {
        let is_key = in_text && pieces.peek().is_some_and(|next| next.starts_with(':'));
        if is_key {
            key = piece;
            out.push_str(piece);
        } else {
            let other = known.entry(piece).or_insert_with(|| {
                if in_text { other_text(key, piece, chance) } else { with_other_digits(piece, chance) }
            });
            out.push_str(other);
        }
        if pieces.peek().is_some() {
            out.push('"');
        }
        in_text = !in_text;
    }
    out
}

fn other_text(key: &str, text: &str, chance: &mut Chance) -> String {
    if PERSONAL.contains(&key) || (key == "name" && text.starts_with(char::is_uppercase)) {
        return with_other_letters(&with_other_digits(text, chance), chance);
    }
    if key == "currentStatus" && chance.below(3) == 0 {
        let kinds = [SubjectKind::Device, SubjectKind::Order, SubjectKind::Return];
        let statuses: Vec<&str> = schema::statuses(kinds[chance.below(3)]).collect();
        return statuses[chance.below(statuses.len())].to_owned();
    }
    with_other_digits(text, chance)
}

fn with_other_digits(text: &str, chance: &mut Chance) -> String {
    let other = |c: char| if c.is_ascii_digit() { char::from(b'0' + chance.below(10) as u8) } else { c };
    text.chars().map(other).collect()
}

fn with_other_letters(text: &str, chance: &mut Chance) -> String {
    let mut other = |c: char| match c {
        'a'..='z' => char::from(b'a' + chance.below(26) as u8),
        'A'..='Z' => char::from(b'A' + chance.below(26) as u8),
        _ => c,
    };
    // The end of an invented address stays: every address has one.
    let (start, end) = text.split_once('@').unwrap_or((text, ""));
    let start: String = start.chars().map(&mut other).collect();
    if end.is_empty() { start } else { format!("{start}@{}", end.chars().map(other).collect::<String>()) }
}

/// Both orders of keys that Impilo's documents show: as declared, and alphabetical.
fn samples(each: usize, often: usize) -> Vec<String> {
    let mut chance = Chance(0x5EED_0004);
    let known: Vec<_> = fixtures().into_iter().filter(|fixture| !fixture.name.starts_with("odd/")).collect();
    let mut all = Vec::new();
    for fixture in &known {
        let declared = minified(&fixture.body);
        let alphabetical = serde_json::from_slice::<Value>(&fixture.body).unwrap().to_string();
        let frequent = fixture.name.starts_with("device.") || fixture.name.starts_with("reading.");
        for number in 0..if frequent { often } else { each } {
            let body = if number % 2 == 0 { &declared } else { &alphabetical };
            all.push(someone_else(body, &mut chance));
        }
    }
    all
}

/// Writes what a dictionary is trained on. A released dictionary can never change, so a new one takes the next number:
/// run `cargo test --test vocabulary -- --ignored write_samples`, then
/// `zstd --train-fastcover=k=1024,d=8 -r target/tmp/samples --maxdict=24576 -o src/journal/dictionary-N.zstd`.
#[test]
#[ignore = "writes thousands of files"]
fn write_samples() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples");
    fs::create_dir_all(&folder).unwrap();
    for (number, body) in samples(SAMPLES, OFTEN).iter().enumerate() {
        fs::write(folder.join(format!("{number:04}.json")), body).unwrap();
    }
}

#[test]
fn no_sample_names_whom_its_model_names() {
    for sample in samples(4, 4) {
        for name in ["Odalys", "Thornquist", "Bertil", "Marchetti", "Kestrel", "Juniper", "Philippa"] {
            assert!(!sample.contains(name), "{name}");
        }
    }
}

#[test]
fn events_of_other_people_take_a_third_of_their_room() {
    let (mut before, mut after) = (0, 0);
    for sample in samples(4, 4) {
        let packed = codec::encode(sample.as_bytes());
        assert_eq!(codec::decode(&packed).unwrap(), sample.as_bytes());
        before += sample.len();
        after += packed.len();
    }
    assert!(after * 3 < before, "{after} of {before} bytes");
}
