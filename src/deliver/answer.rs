//! What another side said, as it may be kept and shown.

/// Characters of an answer that are kept.
const LONGEST: usize = 300;

/// An answer without the addresses and links in it, which name people or open doors, on one line and not too long.
pub(super) fn kept(answer: &str) -> String {
    let word = |word: &str| {
        if word.contains("://") {
            "[link]".to_owned()
        } else if word.contains('@') {
            "[address]".to_owned()
        } else {
            word.chars().filter(|c| !c.is_control()).collect()
        }
    };
    let words: Vec<String> = answer.split_whitespace().map(word).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn neither_addresses_nor_links_are_kept() {
        assert_eq!(
            kept("permanent error (550): 5.1.1 <ann@clinic.example>: no such\r\nuser, see https://mail.example/x?t=1"),
            "permanent error (550): 5.1.1 [address] no such user, see [link]"
        );
        assert_eq!(kept(&"x".repeat(999)).len(), 300);
        assert_eq!(kept(""), "");
    }
}
