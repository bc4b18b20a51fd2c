//! Slips of the hand in a file that was right before.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

/// Every place in a value, as a pointer to it.
pub fn places(value: &Json, at: &str, found: &mut Vec<String>) {
    let mut below = |key: &str, value| {
        found.push(format!("{at}/{key}"));
        places(value, &format!("{at}/{key}"), found);
    };
    match value {
        Json::Object(keys) => keys.iter().for_each(|(key, value)| below(key, value)),
        Json::Array(items) => items.iter().enumerate().for_each(|(number, value)| below(&number.to_string(), value)),
        _ => {}
    }
}

/// The way to a value without numbers, and its type.
fn kind_of_place(file: &Json, at: &str) -> String {
    let way = at.split('/').map(|part| if part.parse::<usize>().is_ok() { "*" } else { part });
    format!("{:?} {:?}", way.collect::<Vec<_>>(), std::mem::discriminant(file.pointer(at).unwrap()))
}

/// What a file becomes by one slip: something is left out, doubled, replaced by something else, or has a key too many. Places
/// that are like one that was `seen` before are passed over.
pub fn slips(file: &Json, seen: &mut BTreeSet<String>) -> Vec<Json> {
    let others = json!([
        null,
        true,
        3,
        2000,
        2.5,
        "",
        "two words",
        "72h",
        "2 business days",
        "5%",
        "never",
        "settings.patience",
        "site",
        "device.battery",
        "reading.*",
        "2026-12-25",
        "24:00",
        [],
        {}
    ]);
    let mut found = Vec::new();
    places(file, "", &mut found);
    let mut slips = Vec::new();
    for at in &found {
        let (above, key) = at.rsplit_once('/').unwrap();
        let mut slip = |change: &dyn Fn(&mut Json)| {
            let mut file = file.clone();
            change(&mut file);
            slips.push(file);
        };
        if seen.insert(kind_of_place(file, at)) {
            for other in others.as_array().unwrap() {
                slip(&|file| *file.pointer_mut(at).unwrap() = other.clone());
            }
            slip(&|file| {
                let value = file.pointer_mut(at).unwrap();
                *value = json!([value, value]);
            });
        }
        // What may be left out depends on what stands beside it.
        let beside = file.pointer(above).and_then(Json::as_object).map(|keys| keys.keys().collect::<Vec<_>>());
        if seen.insert(format!("{} {beside:?}", kind_of_place(file, at))) {
            slip(&|file| match file.pointer_mut(above).unwrap() {
                Json::Object(keys) => drop(keys.remove(key)),
                Json::Array(items) => drop(items.remove(key.parse().unwrap())),
                _ => {}
            });
            if file.pointer(at).unwrap().is_object() {
                slip(&|file| file.pointer_mut(at).unwrap()["nonsense"] = json!(1));
            }
        }
    }
    slips
}
