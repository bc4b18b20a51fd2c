//! JSON that its grammar allows and its readers refuse: halves of surrogate pairs (as JavaScript writes a cut emoji), numbers
//! beyond any float, endless nesting. One such value must not take the rest of an event with it.

/// How deep what is kept may nest; everything documented lies below ten.
const DEEPEST: usize = 100;

/// The same JSON without what cannot be read: half a pair becomes U+FFFD, what is too large or too deep becomes null.
pub(super) fn mended(json: &str) -> String {
    let mut kept = String::with_capacity(json.len());
    let mut rest = json;
    let mut depth = 0_usize;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => string(rest, depth <= DEEPEST, &mut kept),
            '-' | '0'..='9' => number(rest, depth <= DEEPEST, &mut kept),
            _ => {
                let opens = matches!(first, '{' | '[');
                let closes = matches!(first, '}' | ']');
                depth += usize::from(opens);
                if depth <= DEEPEST {
                    kept.push(first);
                } else if opens && depth == DEEPEST + 1 {
                    kept.push_str("null");
                }
                depth = depth.saturating_sub(usize::from(closes));
                first.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    kept
}

/// Takes a string from the front; returns its length.
fn string(json: &str, keeps: bool, kept: &mut String) -> usize {
    let mut at = 1;
    let mut begin = 0;
    let mut keep = |text: &str| {
        if keeps {
            kept.push_str(text);
        }
    };
    let unit =
        |at: usize| json.get(at..at + 6).and_then(|escape| u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok());
    while let Some(byte) = json.as_bytes().get(at) {
        match (byte, unit(at)) {
            (b'"', _) => {
                at += 1;
                break;
            }
            (b'\\', Some(0xD800..=0xDBFF)) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            (b'\\', Some(0xD800..=0xDFFF)) => {
                keep(json.get(begin..at).unwrap_or_default());
                keep("\\ufffd");
                at += 6;
                begin = at;
            }
            (b'\\', _) => at += 2,
            _ => at += 1,
        }
    }
    keep(json.get(begin..at).unwrap_or_default());
    at
}

/// Takes a number from the front; returns its length.
fn number(json: &str, keeps: bool, kept: &mut String) -> usize {
    let end = json.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(json.len());
    let text = &json[..end];
    if keeps {
        let finite = text.parse::<f64>().is_ok_and(f64::is_finite);
        kept.push_str(if finite { text } else { "null" });
    }
    end
}

#[cfg(test)]
mod tests {
    use super::mended;

    #[test]
    fn only_what_cannot_be_read_is_changed() {
        let deep = format!("{}1{}", "[".repeat(130), "]".repeat(130));
        let cut = format!("{}null{}", "[".repeat(100), "]".repeat(100));
        let digits = "9".repeat(400);
        for (json, kept) in [
            (r#"{"a":"Mari \ud83d","b":1}"#, r#"{"a":"Mari \ufffd","b":1}"#),
            (
                r#"{"a":"\ud83d\ude00 \\ud83d \"","b":[-1.5e3,true,null]}"#,
                r#"{"a":"\ud83d\ude00 \\ud83d \"","b":[-1.5e3,true,null]}"#,
            ),
            (r#"["\ude00\ud83dx"]"#, r#"["\ufffd\ufffdx"]"#),
            (r#"{"a":1e999,"b":2}"#, r#"{"a":null,"b":2}"#),
            (&format!("[{digits}]"), "[null]"),
            (&deep, &cut),
        ] {
            assert_eq!(mended(json), kept);
            assert!(serde_json::from_str::<serde_json::Value>(&mended(json)).is_ok(), "{json}");
        }
        for broken in ["\"", "\"\\", "\"\\u12", "{\"é\\ud83", "]]]]", "-"] {
            let _ = mended(broken);
        }
    }
}
