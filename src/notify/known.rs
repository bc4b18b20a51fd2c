//! What another side said, without whatever may have come from the message: some say all of it back. What is left are codes and
//! words that such answers are made of.

/// Words kept of one answer.
const MOST_WORDS: usize = 24;

/// Words of mail servers, Slack, PagerDuty and web servers, none of them a name. Sorted.
#[rustfmt::skip]
const WORDS: [&str; 330] = [
    "a", "abuse", "accept", "accepted", "access", "account", "action", "active", "added", "address", "addresses",
    "administrative", "administratively", "again", "alias", "all", "already", "an", "and", "api", "arch", "archived",
    "are", "arg", "argument", "arguments", "array", "as", "at", "attachment", "attachments", "attempt", "attempts",
    "auth", "authed", "authentication", "authorization", "authorized", "automation", "bad", "be", "because", "been",
    "blacklisted", "block", "blocked", "blocks", "body", "busy", "but", "by", "can", "cannot", "cant", "cert",
    "certificate", "channel", "charset", "client", "closed", "closing", "command", "community", "config",
    "configuration", "configured", "conflict", "connect", "connection", "connections", "content", "could", "created",
    "data", "day", "deactivated", "deferred", "delayed", "deleted", "deliver", "delivered", "delivery", "denied",
    "denylisted", "deprecated", "did", "directory", "disabled", "disallowed", "disk", "dkim", "dmarc", "dns", "does",
    "domain", "down", "duplicate", "dynamic", "edit", "empty", "encrypted", "encryption", "enough", "enqueued",
    "entity", "error", "errors", "event", "exceed", "exceeded", "exceeds", "exist", "exists", "expired", "external",
    "failed", "failure", "fatal", "field", "fields", "file", "find", "for", "forbidden", "form", "format", "found",
    "from", "full", "gateway", "general", "go", "gone", "goodbye", "granted", "greeting", "greylisted", "greylisting",
    "has", "have", "header", "headers", "helo", "hooks", "hop", "host", "http", "id", "in", "inactive", "incorrect",
    "insufficient", "integration", "internal", "invalid", "ip", "is", "it", "json", "key", "large", "later", "length",
    "limit", "limited", "limiting", "list", "listed", "local", "long", "lookup", "loop", "mail", "mailbox", "many",
    "markdown", "maximum", "may", "me", "message", "messages", "metadata", "method", "mismatch", "missing", "mode",
    "moved", "msg", "must", "name", "named", "network", "new", "no", "not", "now", "null", "object", "of", "ok",
    "okay", "on", "only", "open", "or", "org", "over", "overloaded", "parameter", "parse", "parsing", "password",
    "payload", "perform", "permanent", "permanently", "permission", "please", "policy", "post", "posting", "present",
    "problem", "processed", "prohibited", "property", "protocol", "queue", "queued", "quota", "rate", "ratelimited",
    "read", "reason", "received", "recipient", "recipients", "refused", "reject", "rejected", "relay", "relaying",
    "reply", "request", "required", "requires", "resolve", "resource", "restricted", "retry", "revoked", "rollup",
    "routing", "schema", "scope", "security", "see", "send", "sender", "sending", "sent", "server", "service",
    "session", "size", "smtp", "some", "something", "spam", "spf", "start", "starttls", "status", "stopped",
    "storage", "such", "summary", "suspended", "syntax", "system", "team", "temporarily", "temporary", "text", "than",
    "that", "the", "there", "this", "thread", "throttled", "timed", "timeout", "tls", "to", "token", "too",
    "transaction", "try", "type", "unable", "unauthorized", "unavailable", "unexpected", "unknown", "unprocessable",
    "unreachable", "unsupported", "update", "url", "use", "user", "username", "using", "valid", "value",
    "verification", "verified", "verify", "version", "via", "was", "webhook", "were", "window", "with", "within",
    "wrong", "you", "your",
];

/// The codes and known words of an answer, on one line; everything else is left out.
pub(super) fn known(answer: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut gap = false;
    for token in answer.split(|c: char| c.is_whitespace() || "\"'<>{}[]():;,=/".contains(c)) {
        let token = token.trim_matches(|c: char| !c.is_alphanumeric());
        if token.is_empty() {
            continue;
        }
        if !is_enhanced_status(token) && !is_known(token) {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) {
            kept.push("…");
        }
        kept.push(token);
        if kept.len() >= MOST_WORDS {
            break;
        }
    }
    if gap {
        kept.push("…");
    }
    kept.join(" ")
}

/// Whether it is a word, or several joined, as in `channel_not_found`.
fn is_known(token: &str) -> bool {
    let word = |word: &str| WORDS.binary_search(&&*word.to_ascii_lowercase()).is_ok();
    token.split(['_', '-']).all(word)
}

/// A status of mail servers such as `5.1.1` (RFC 3463).
fn is_enhanced_status(token: &str) -> bool {
    let mut parts = token.split('.');
    let class = parts.next().is_some_and(|class| matches!(class, "2" | "4" | "5"));
    let mut detail = || parts.next().is_some_and(|part| (1..=3).contains(&part.len()) && part.parse::<u16>().is_ok());
    let details = detail() && detail();
    class && details && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::{WORDS, known};

    #[test]
    fn codes_and_the_words_of_servers_are_kept_and_nothing_else() {
        assert!(WORDS.is_sorted());
        for (said, kept) in [
            (
                "5.1.1 <ann@clinic.example>: Recipient address rejected: User unknown",
                "5.1.1 … Recipient address rejected User unknown",
            ),
            ("2.0.0 Ok: queued as 4F1A2B3C", "2.0.0 Ok queued as …"),
            ("channel_not_found", "channel_not_found"),
            ("anna_lindqvist", "…"),
            (r#"{"error":"invalid","got":{"firstName":"Anna","serial":"SN-4711"}}"#, "error invalid …"),
            ("Message rejected: Battery low for Anna Lindqvist 5.1.1987", "Message rejected … for …"),
            ("ok", "ok"),
            ("", ""),
        ] {
            assert_eq!(known(said), kept, "{said}");
        }
        assert!(known(&"no ".repeat(999)).len() < 100);
    }
}
