//! What unquoted scalars mean, and where YAML 1.1 and 1.2 disagree about it.

/// What an unquoted scalar is in YAML 1.2's core schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Bool,
    Null,
}

impl Kind {
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Null => "nothing",
        }
    }
}

pub fn kind(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kind::Bool,
        _ if is_number(text) => Kind::Number,
        _ => Kind::Text,
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    }
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, part)) => digits(whole) && digits(part) && !(whole.is_empty() && part.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    mantissa_fits && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

/// How YAML 1.1 reads a scalar that YAML 1.2 reads differently, and what to write to be understood by both.
#[derive(Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// As in "the number 750".
    pub older: String,
    /// As in "text".
    pub newer: &'static str,
    /// What to write where the text is meant.
    pub quoted: String,
    /// What to write where it is not, such as `true`.
    pub plain: Option<&'static str>,
}

/// Whether YAML 1.1 and 1.2 read this unquoted scalar as different values.
pub fn disagreement(text: &str) -> Option<Disagreement> {
    let quoted = format!("\"{text}\"");
    let found = |older: &str, newer, plain| Some(Disagreement { older: older.to_owned(), newer, quoted, plain });
    match text.to_ascii_lowercase().as_str() {
        "yes" | "on" | "y" if cased(text) => return found("true", "text", Some("true")),
        "no" | "off" | "n" if cased(text) => return found("false", "text", Some("false")),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_sexagesimal(unsigned) {
        return found("a number in base 60", "text", None);
    }
    if unsigned.starts_with("0o") && is_number(text) {
        return found("text", "an octal number", None);
    }
    if unsigned.strip_prefix("0b").is_some_and(|bits| !bits.is_empty() && bits.bytes().all(|b| b"01_".contains(&b))) {
        return found("a binary number", "text", None);
    }
    if unsigned.len() > 1 && unsigned.starts_with('0') && digits(unsigned) {
        return found("an octal number", "a decimal number", None);
    }
    if unsigned.contains('_') && digits(&unsigned.replace('_', "")) {
        return found("a number", "text", None);
    }
    if unsigned.contains(['e', 'E']) && is_number(text) {
        return found("text", "a number", None);
    }
    None
}

/// YAML 1.1 knows `yes`, `Yes` and `YES`, not `yEs`.
fn cased(text: &str) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    rest.bytes().all(|byte| byte.is_ascii_lowercase()) || text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether readers of YAML differ on this unquoted scalar.
pub fn is_doubtful(text: &str) -> bool {
    disagreement(text).is_some()
}

/// `true` for `yes` and `on`, `false` for `no` and `off`.
pub fn plain_truth(text: &str) -> Option<&'static str> {
    disagreement(text)?.plain
}

/// `12:30`, `1:30:00`: numbers of minutes and seconds to YAML 1.1.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let mut more = false;
    let rest_fits = parts.all(|part| {
        more = true;
        (1..=2).contains(&part.len()) && part.parse::<u8>().is_ok_and(|part| part < 60)
    });
    more && rest_fits && first.bytes().all(|byte| byte.is_ascii_digit())
}
