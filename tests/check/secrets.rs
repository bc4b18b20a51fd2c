//! Secrets are read from where they are, and shown nowhere.

use std::fs;

use pulsewarden::config::SecretRef;
use secrecy::ExposeSecret as _;

use super::{Chance, settings_problems};

#[test]
fn secrets_are_read_from_where_they_are_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        SecretRef::File(path)
    };
    let good = file("good", b"geheim\n").read().unwrap();
    assert_eq!(good.expose_secret(), "geheim");
    let bad = [
        file("empty", b" \n"),
        file("lines", b"geheim\ngeheim\n"),
        file("binary", b"geheim\xff"),
        SecretRef::File(folder.path().join("missing")),
        SecretRef::Credential("pulsewarden-has-no-such-credential".to_owned()),
        SecretRef::Env("PULSEWARDEN_HAS_NO_SUCH_VARIABLE".to_owned()),
    ];
    for secret in bad {
        let error = secret.read().unwrap_err();
        assert!(!error.to_string().contains("geheim") && !format!("{error:?}").contains("geheim"), "{error}");
    }
    let literal = SecretRef::Literal("geheim".into());
    assert!(!format!("{literal:?} {literal}").contains("geheim"));
}

#[test]
fn a_secret_stays_hidden_whatever_is_wrong_around_it() {
    let templates = [
        "email:\n  smtp: smtps://mail.example:465\n  password: SECRET\n  from: a@b.example\n",
        "email: { smtp: x, password: SECRET, from: y }\n",
        "impilo:\n  webhook_secrets:\n    - SECRET\n    - { file: /a }\n  api_key: \"SECRET\"\n",
        "slack:\n  webhooks:\n    a: https://hooks.slack.com/services/SECRET\n    b: { env: x!SECRET }\n",
        "slack:\n  bot_token: |\n    SECRET\n",
        "self:\n  heartbeat: { url: { env: 'https://x.example/SECRET' } }\n",
    ];
    let pieces =
        ["\t", "\n", "\n    ", ": ", "\"", "'", "{", "}", "[", "]", "&a ", "!t ", "é", "---\n", " #", "- ", "?"];
    let mut chance = Chance(11);
    for round in 0..6_000 {
        let template = templates[round % templates.len()];
        let secret = template.rfind("SECRET").unwrap();
        // Whatever comes after the last secret may be wrong, and so may a first line; a key that is misspelt names no secret.
        let after: Vec<usize> = (secret + 6..=template.len()).collect();
        let mut text = template.to_owned();
        for _ in 0..=chance.below(2) {
            let at = after[chance.below(after.len())];
            if text.is_char_boundary(at) {
                text.insert_str(at, pieces[chance.below(pieces.len())]);
            }
        }
        if chance.below(2) == 0 {
            text.insert_str(0, ["a: b: c\n", "\"x\n", "[\n", "x: !t y\n", "password: 1\n"][chance.below(5)]);
        }
        let text = text.replace("SECRET", "geheim");
        let shown = settings_problems("a.yaml", &text);
        assert!(!shown.contains("geheim"), "{text}\n{shown}");
    }
}
