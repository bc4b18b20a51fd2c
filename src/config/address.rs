//! Checks of addresses: sockets, URLs, mailboxes.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use lettre::message::Mailbox;
use reqwest::Url;

use super::walk::Walk;
use super::yaml::Node;

/// An IP address with a port.
pub fn socket(walk: &Walk, node: &Node) -> Option<SocketAddr> {
    let example = "127.0.0.1:8080";
    let text = &*walk.scalar(node, "an IP address with a port", example)?.text;
    if let Ok(found) = text.parse() {
        return Some(found);
    }
    let help =
        if let Some(port) = Some(text.strip_prefix(':').unwrap_or(text)).filter(|port| port.parse::<u16>().is_ok()) {
            format!("write 127.0.0.1:{port} for this machine alone, or 0.0.0.0:{port} for every address")
        } else if let Ok(ip) = text.parse::<IpAddr>() {
            format!("add a port: {}", SocketAddr::new(ip, 8080))
        } else {
            format!("write an IP address with a port, as in {example}; host names are not looked up here")
        };
    let text = walk.quotable(node, text);
    walk.error(node, format!("`{text}` is not an IP address with a port"), help);
    None
}

/// The base of links, without a trailing slash.
pub fn public_url(walk: &Walk, node: &Node) -> Option<String> {
    let example = "https://alerts.clinic.example";
    let text = walk.text(node, example)?;
    let url = http_url(walk, node, text, example)?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        walk.error(
            node,
            "the base of links has no user name, no `?` and no `#`",
            format!("write something like {example}"),
        );
        return None;
    }
    let base = text.trim_end_matches('/');
    if let Some(base) = base.strip_suffix("/webhooks/impilo") {
        let base = walk.quotable(node, base);
        walk.error(
            node,
            "the base of links goes on with the path for webhooks, which is added to it",
            format!("write {base}"),
        );
        return None;
    }
    Some(base.to_owned())
}

/// An address that begins with `http://` or `https://`. The text itself is never repeated: it may hold a token.
pub fn http_url(walk: &Walk, node: &Node, text: &str, example: &str) -> Option<Url> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Some(url),
        _ => {
            let help = match text.contains("://") || walk.quotable(node, text) != text {
                true => format!("write something like {example}"),
                false => format!("write https://{text}"),
            };
            walk.error(node, "this is not a web address", help);
            None
        }
    }
}

/// Whether what goes to this address is read by nobody on the way: it goes by TLS, or stays on this machine.
#[must_use]
pub fn is_guarded(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    url.scheme() == "https" || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A mail server.
pub fn smtp(walk: &Walk, node: &Node) -> Option<String> {
    let example = "smtps://mail.clinic.example:465";
    let text = walk.text(node, example)?;
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "smtp" | "smtps") && url.has_host() => url,
        _ => {
            let host = text.split(':').next().filter(|_| !text.contains("://")).unwrap_or("HOST");
            let host = walk.quotable(node, host);
            let help = format!("write smtps://{host}:465 (TLS from the start) or smtp://{host}:587 (STARTTLS)");
            walk.error(node, "this is not the address of a mail server", help);
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        let help = "write `username:` and `password:` as keys of their own, the password as { credential: … }";
        walk.error(node, "the mail server's address holds a user name or password", help);
        return None;
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        walk.error(node, "the mail server's address goes on after the port", format!("write it as in {example}"));
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

/// A mailbox, with or without a name before it.
pub fn mailbox(walk: &Walk, node: &Node, example: &str) -> Option<String> {
    let text = walk.text(node, example)?;
    if let Ok(mailbox) = Mailbox::from_str(text) {
        if mailbox.email.user().is_ascii() {
            return Some(text.to_owned());
        }
        let quoted = walk.quotable(node, text);
        let help = format!("ask for the address in plain letters, and write that, as in {example}");
        walk.error(node, format!("few mail servers take the letters before the `@` of `{quoted}`"), help);
        return None;
    }
    let several: Vec<&str> = text.split([',', ';', ' ']).filter(|part| part.contains('@')).collect();
    let help = if several.len() > 1 && walk.quotable(node, text) == text {
        format!("several addresses make a list: write [{}]", several.join(", "))
    } else if text.contains('@') {
        format!("write it as in {example}")
    } else {
        format!("it has no `@`; write something like {example}")
    };
    walk.error(node, format!("`{}` is not a mail address", walk.quotable(node, text)), help);
    None
}
