//! Lengths of time and sizes as people write them.

use std::time::Duration;

use crate::engine::BusinessTime;

/// A hundred years; what is longer is a slip of the finger.
const MAX_DAYS: u64 = 36_500;

/// Why a text is no length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDuration {
    /// Digits alone.
    NoUnit,
    UnknownUnit,
    NotNumber,
    Negative,
    TooLong,
}

impl NotDuration {
    pub fn message(self, text: &str) -> String {
        match self {
            Self::NoUnit => format!("`{text}` has no unit"),
            Self::UnknownUnit | Self::NotNumber => format!("`{text}` is not a length of time"),
            Self::Negative => format!("`{text}` is less than nothing"),
            Self::TooLong => format!("`{text}` is longer than {MAX_DAYS} days"),
        }
    }

    /// What to write, of `least` or more.
    pub fn help(self, text: &str, example: &str, least: Duration) -> String {
        match self {
            Self::NoUnit => {
                let written = ["s", "m", "h", "d", "w"].map(|unit| format!("{text}{unit}"));
                let fit: Vec<&str> = written
                    .iter()
                    .map(String::as_str)
                    .filter(|written| duration(written).is_ok_and(|length| length >= least))
                    .collect();
                match fit.split_last() {
                    Some((last, [])) => format!("write {last}"),
                    Some((last, first)) => format!("write {} or {last}", first.join(", ")),
                    None => format!("write a number with s, m, h, d or w, as in {example}"),
                }
            }
            Self::TooLong => "write a shorter one".to_owned(),
            Self::UnknownUnit | Self::NotNumber if meant_decimal(text).is_some() => {
                format!("write {}", meant_decimal(text).unwrap_or_default())
            }
            Self::UnknownUnit if meant_duration(text).is_some() => {
                format!("write {}", meant_duration(text).unwrap_or_default())
            }
            _ => format!("write a number with s, m, h, d or w, as in {example}"),
        }
    }
}

/// Reads `500ms`, `30s`, `15m`, `2h`, `3d`, `1w`, and several of them as in `1h30m`.
pub fn duration(text: &str) -> Result<Duration, NotDuration> {
    let mut total: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(NotDuration::NotNumber);
    }
    if rest.strip_prefix('-').is_some_and(|length| !length.starts_with('-') && duration(length).is_ok()) {
        return Err(NotDuration::Negative);
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().map_err(|_| NotDuration::NotNumber)?;
        rest = &rest[digits..];
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit: u64 = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "" if rest.is_empty() => return Err(NotDuration::NoUnit),
            _ => return Err(NotDuration::UnknownUnit),
        };
        rest = &rest[letters..];
        total = number.checked_mul(unit).and_then(|more| total.checked_add(more)).ok_or(NotDuration::TooLong)?;
    }
    if total > MAX_DAYS * 86_400_000 {
        return Err(NotDuration::TooLong);
    }
    Ok(Duration::from_millis(total))
}

/// As [`duration`], where nobody asks what is wrong.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    duration(text).ok()
}

/// The length to the second as test cases have it, as in `1d2h`.
#[must_use]
pub fn spell_duration(length: Duration) -> String {
    let mut left = length.as_secs();
    let mut out = String::new();
    for (seconds, unit) in [(86_400, 'd'), (3600, 'h'), (60, 'm'), (1, 's')] {
        if left >= seconds {
            out.push_str(&(left / seconds).to_string());
            out.push(unit);
            left %= seconds;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// The length as one would write it, in the largest unit that leaves no rest.
#[must_use]
pub fn show_duration(length: Duration) -> String {
    let millis = length.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    match units.iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None if millis == 0 => "0s".to_owned(),
        None => format!("{millis}ms"),
    }
}

/// Reads `64KiB`, `1MiB`, `2GiB`, and plain bytes as in `100B`. Decimal units (`kB`, `MB`, `GB`) count thousands.
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: u64 = text[..digits].parse().ok()?;
    let unit: u64 = match text[digits..].trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// The size as one would write it, in the largest unit that leaves no rest.
fn show_size(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(unit, _)| bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// What somebody who wrote `6 hours` will have meant.
pub fn meant_duration(text: &str) -> Option<String> {
    let (number, word) = number_and_word(text)?;
    let unit = match word {
        "sec" | "secs" | "second" | "seconds" | "S" => "s",
        "min" | "mins" | "minute" | "minutes" => "m",
        "hr" | "hrs" | "hour" | "hours" | "H" => "h",
        "day" | "days" | "D" => "d",
        "week" | "weeks" | "W" => "w",
        "s" | "m" | "h" | "d" | "w" => word,
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

/// What somebody who wrote `1.5h` will have meant, in whole minutes.
fn meant_decimal(text: &str) -> Option<String> {
    let (number, unit) = text.trim().split_at_checked(text.trim().len().checked_sub(1)?)?;
    let (whole, part) = number.split_once(['.', ','])?;
    let minutes: u64 = match unit {
        "h" => 60,
        "d" => 24 * 60,
        "w" => 7 * 24 * 60,
        _ => return None,
    };
    let digit = part.parse::<u64>().ok().filter(|digit| part.len() == 1 && *digit < 10)?;
    let whole = whole.parse::<u64>().ok().filter(|whole| *whole < 10_000)?;
    Some(show_duration(Duration::from_secs((whole * minutes + minutes * digit / 10) * 60)))
}

/// What somebody who wrote `1M` will have meant.
#[must_use]
pub fn meant_size(text: &str) -> Option<String> {
    let (number, word) = number_and_word(text)?;
    let unit = match word.to_ascii_lowercase().as_str() {
        "" => {
            let bytes = number.parse().unwrap_or(0);
            return Some(if bytes < 1024 {
                format!("{number}B, {number}KiB or {number}MiB")
            } else {
                show_size(bytes)
            });
        }
        "b" | "byte" | "bytes" => "B",
        "k" | "kb" | "kib" => "KiB",
        "m" | "mb" | "mib" => "MiB",
        "g" | "gb" | "gib" => "GiB",
        "t" | "tb" | "tib" => "TiB",
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

fn number_and_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (digits > 0).then(|| (&text[..digits], text[digits..].trim()))
}

/// Why a text is no business time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotBusiness {
    /// Nothing in it speaks of business time.
    Plain,
    /// What to write instead.
    Meant(String),
    TooLong,
}

/// Words that people use for business time.
const BUSINESS: [&str; 6] = ["business", "busines", "bussiness", "buisness", "working", "work"];

/// Reads `2 business days`, `8 business hours` and `90 business minutes`.
pub fn business(text: &str) -> Result<BusinessTime, NotBusiness> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let speaks_of_it = words.iter().any(|word| BUSINESS.contains(&&*word.to_ascii_lowercase()));
    if !speaks_of_it {
        return Err(NotBusiness::Plain);
    }
    let meant = |number: &str, unit: &str| NotBusiness::Meant(format!("write {number} business {unit}"));
    let shape =
        || NotBusiness::Meant("write a whole number and its unit, as in 2 business days or 8 business hours".into());
    let [number, business, unit] = words.as_slice() else { return Err(shape()) };
    let Ok(count) = number.parse::<u32>() else { return Err(shape()) };
    let (unit, minutes) = match unit.to_ascii_lowercase().trim_end_matches('s') {
        "day" | "d" => (if count == 1 { "day" } else { "days" }, None),
        "hour" | "hr" | "h" => (if count == 1 { "hour" } else { "hours" }, Some(60)),
        "minute" | "min" | "m" => (if count == 1 { "minute" } else { "minutes" }, Some(1)),
        "week" | "w" => return Err(meant(&count.saturating_mul(5).to_string(), "days")),
        _ => return Err(shape()),
    };
    let written = words.get(2).copied().unwrap_or_default();
    if *business != "business" || written.trim_end_matches('s') != unit.trim_end_matches('s') {
        return Err(meant(number, unit));
    }
    match minutes {
        None if u64::from(count) <= MAX_DAYS => Ok(BusinessTime::Days(count)),
        Some(minutes) if u64::from(count) * minutes <= MAX_DAYS * 24 * 60 => {
            Ok(BusinessTime::Open(Duration::from_secs(u64::from(count) * minutes * 60)))
        }
        _ => Err(NotBusiness::TooLong),
    }
}

/// Reads `5%` and `2.5%`, as a part of one; what to write instead where it is something else.
pub fn percentage(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    match text.strip_suffix('%') {
        Some(before) => {
            number(before).map(|percent| percent / 100.0).ok_or_else(|| "write a number with %, as in 5%".to_owned())
        }
        None => Err(match number(text) {
            Some(part) if part > 0.0 && part < 1.0 => format!("write {}%", (part * 10_000.0).round() / 100.0),
            Some(percent) if percent <= 100.0 => format!("write {percent}%"),
            _ => "write a number with %, as in 5%".to_owned(),
        }),
    }
}
