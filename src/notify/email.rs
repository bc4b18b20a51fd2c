//! Mail: settings, rendering, sending, and what replies mean.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment as FilePart, Body, Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::response::{Response, Severity};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::known::known;
use super::page::{self, Page};
use super::templates::{Form, Templates};
use super::{Missed, Sender, Sent, delivered, misrendered, retry, shortened};
use crate::config::Email as EmailSettings;
use crate::engine::{Channel, Notification};
use crate::store::{Attachment, Delivery, Rendered, Root, whole};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Connections kept to the mail server. A message takes about 40 ms on a quick line, since its end is written apart and
/// waits for the other side's delayed acknowledgement, so some must be under way at once.
const CONNECTIONS: u32 = 16;

/// Attempts for all addresses together, before each that is not refused for now gets its mail by itself.
const PATIENT_ATTEMPTS: u32 = 3;

/// Replies that say that the settings or the server are wrong, not the message: the administrator can mend them. The first five
/// speak of commands and of the whole host (RFC 5321, RFC 7504), the others of who may send (RFC 4954).
const MENDABLE_REPLIES: [u16; 9] = [500, 502, 503, 504, 521, 530, 534, 535, 538];

/// Replies that say no to any message: the service closes, and no TLS or authentication for now (RFC 5321, 3207, 4954).
const UNAVAILABLE_REPLIES: [u16; 3] = [421, 432, 454];

/// What the ledger says of an address that no mail can be sent to.
const UNSENDABLE: &str = "an address has letters before its @ that mail servers do not take; write it in plain letters";

/// The sender of mail.
pub(super) struct Email {
    settings: EmailSettings,
    server: Server,
    from: Mailbox,
    /// The transport, and the password that it was made with.
    transport: Mutex<Option<(Option<SecretString>, Transport)>>,
}

struct Server {
    host: String,
    port: u16,
    implicit_tls: bool,
    loopback: bool,
}

impl Email {
    pub(super) fn new(settings: EmailSettings) -> anyhow::Result<Self> {
        let url = Url::parse(&settings.smtp).with_context(|| format!("email.smtp `{}` is not a URL", settings.smtp))?;
        let host = url.host_str().context("email.smtp names no host")?.trim_matches(['[', ']']).to_owned();
        let implicit_tls = url.scheme() == "smtps";
        let port = url.port().unwrap_or(if implicit_tls { 465 } else { 587 });
        let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let from = settings.from.parse().ok().and_then(in_ascii);
        let from = from.with_context(|| format!("email.from `{}` is not a mailbox in plain letters", settings.from))?;
        let server = Server { host, port, implicit_tls, loopback };
        Ok(Self { settings, server, from, transport: Mutex::new(None) })
    }

    /// The transport for the present password: made anew only when that has changed.
    fn transport(&self) -> Result<Transport, String> {
        let password = match &self.settings.password {
            Some(reference) => Some(reference.read().map_err(|error| error.to_string())?),
            None => None,
        };
        let mut slot = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((with, transport)) = &*slot
            && with.as_ref().map(ExposeSecret::expose_secret) == password.as_ref().map(ExposeSecret::expose_secret)
        {
            return Ok(transport.clone());
        }
        let transport = self.connect(password.as_ref()).map_err(|error| format!("{error:#}"))?;
        *slot = Some((password, transport.clone()));
        Ok(transport)
    }

    fn connect(&self, password: Option<&SecretString>) -> anyhow::Result<Transport> {
        let Server { host, port, implicit_tls, loopback } = &self.server;
        let mut parameters = TlsParameters::builder(host.clone());
        if let Some(path) = &self.settings.ca_file {
            let pem =
                std::fs::read(path).with_context(|| format!("email.ca_file {} cannot be read", path.display()))?;
            let authority = Certificate::from_pem(&pem)
                .with_context(|| format!("email.ca_file {} holds no PEM certificate", path.display()))?;
            parameters = parameters.add_root_certificate(authority);
        }
        let parameters = parameters.build_rustls().context("TLS cannot be set up")?;
        let tls = match (implicit_tls, loopback) {
            (true, _) => Tls::Wrapper(parameters),
            (false, true) => Tls::Opportunistic(parameters),
            (false, false) => Tls::Required(parameters),
        };
        let pool = PoolConfig::new().max_size(CONNECTIONS).idle_timeout(std::time::Duration::from_secs(30));
        let mut builder = Transport::builder_dangerous(host)
            .port(*port)
            .tls(tls)
            .timeout(Some(self.settings.timeout))
            .pool_config(pool);
        if let (Some(username), Some(password)) = (&self.settings.username, password) {
            builder = builder.credentials(Credentials::new(username.clone(), password.expose_secret().to_owned()));
        }
        Ok(builder.build())
    }

    /// Hands a message over to the server for every address of the envelope, or for none. An answer that is lost is asked for
    /// by no second try here: the message may have arrived, and each try is an attempt of its own in the ledger. The pool
    /// asks a connection that has waited whether it still works before it gives it out.
    async fn hand_over(&self, envelope: &Envelope, message: &[u8]) -> Sent {
        let transport = match self.transport() {
            Ok(transport) => transport,
            Err(error) => return retry(&error),
        };
        match tokio::time::timeout(self.settings.timeout, transport.send_raw(envelope, message)).await {
            Ok(Ok(reply)) => accepted(&reply),
            Ok(Err(error)) => match meaning(&error) {
                // Whoever greets nobody says nothing of this message.
                Sent::Rejected { error } if !self.greets(&transport).await => {
                    Sent::Retry { after: None, answered: false, error }
                }
                sent => sent,
            },
            Err(_) => {
                // The connection goes back to its pool with a reply still to come, which the next mail would take for
                // its own. So the pool goes.
                self.transport.lock().unwrap_or_else(PoisonError::into_inner).take();
                transport.shutdown().await;
                let waited = self.settings.timeout.as_secs();
                retry(&format!("the mail server did not answer within {waited} s"))
            }
        }
    }

    /// Whether the server takes connections at all.
    async fn greets(&self, transport: &Transport) -> bool {
        let tried = tokio::time::timeout(self.settings.timeout, transport.test_connection()).await;
        matches!(tried, Ok(Ok(true)))
    }

    /// The message to each address by itself. Where anybody got it, only the others are tried again: the same message would
    /// come twice.
    async fn to_each(&self, envelope: &Envelope, message: &[u8]) -> Sent {
        let mut each = Each::default();
        for address in envelope.to() {
            let alone = Envelope::new(envelope.from().cloned(), vec![address.clone()]);
            let sent = match alone {
                Ok(_) if each.unanswered => retry("the mail server was not asked again"),
                Ok(alone) => self.hand_over(&alone, message).await,
                Err(error) => Sent::Rejected { error: error.to_string() },
            };
            each.add(address.to_string(), sent);
        }
        each.sum()
    }

    fn message(
        &self,
        delivery: &Delivery,
        to: Vec<Mailbox>,
        subject: &str,
        text: &str,
        html: &str,
        attachments: &[Attachment],
    ) -> anyhow::Result<Message> {
        let (notification, domain) = (&delivery.notification, self.from.email.domain());
        // What goes on to addresses that were put off is the same mail, also where it was the first one.
        let id = self.message_id(notification);
        let first = first_message(delivery).filter(|first| first.message != id);
        let subject = if first.is_some() { format!("Re: {subject}") } else { subject.to_owned() };
        let mut builder =
            Message::builder().from(self.from.clone()).subject(subject).message_id(Some(id)).header(AutoSubmitted);
        for mailbox in to {
            builder = builder.to(mailbox);
        }
        if !notification.group.is_empty() {
            // An id that no mail has holds the thread together where the first mail was lost, or is not known to be there.
            let thread = format!("<group-{}-{}@{domain}>", notification.group, notification.thread());
            builder = match first {
                Some(first) => {
                    builder.in_reply_to(first.message.clone()).references(format!("{thread} {}", first.message))
                }
                None => builder.references(thread),
            };
        }
        let texts = MultiPart::alternative_plain_html(text.to_owned(), html.to_owned());
        builder.multipart(with_files(texts, attachments)?).context("the message cannot be put together")
    }

    fn message_id(&self, notification: &Notification) -> String {
        format!("<{}@{}>", whole(&notification.key), self.from.email.domain())
    }
}

impl Sender for Email {
    fn render(notification: &Notification, page: &Page, templates: &Templates) -> Result<Rendered, String> {
        let mut mail = render(page, templates)?;
        // Whoever wrote a headline of his own wants to read that.
        if !templates.has_own_for(Form::Headline, page)
            && let (Rendered::Email { subject, .. }, Some(of_thread)) = (&mut mail, page::subject(notification))
        {
            *subject = of_thread.to_string();
        }
        Ok(mail)
    }

    async fn send(&self, delivery: &Delivery) -> Sent {
        let (Rendered::Email { subject, text, html, attachments }, Channel::Email { to }) =
            (&delivery.rendered, &delivery.notification.channel)
        else {
            return misrendered();
        };
        let (mailboxes, unsendable) = mailboxes(to);
        let several = mailboxes.len() > 1;
        if mailboxes.is_empty() {
            return Sent::Unsendable { error: UNSENDABLE.to_owned() };
        }
        let message = match self.message(delivery, mailboxes, subject, text, html, attachments) {
            Ok(message) => message,
            Err(error) => return Sent::Unsendable { error: format!("{error:#}") },
        };
        let (envelope, bytes) = (message.envelope().clone(), message.formatted());
        let sent = match self.hand_over(&envelope, &bytes).await {
            // One address that is refused must not silence the others.
            Sent::Rejected { .. } if several => self.to_each(&envelope, &bytes).await,
            // Nor must one that is refused for now, as with a full mailbox, once it has had the time to pass by itself.
            Sent::Retry { answered: true, .. } if several && delivery.attempts >= PATIENT_ATTEMPTS => {
                self.to_each(&envelope, &bytes).await
            }
            sent => sent,
        };
        match sent {
            Sent::Delivered { reply, refused, mut missed, .. } => {
                let refused = refused.or((!unsendable.is_empty()).then(|| UNSENDABLE.to_owned()));
                if !unsendable.is_empty() {
                    missed.push(Missed { addresses: unsendable, error: UNSENDABLE.to_owned(), for_good: true });
                }
                let (thread, shown) = (delivery.notification.thread(), delivery.notification.due);
                let begins = thread != 0 && first_message(delivery).is_none();
                let message = self.message_id(&delivery.notification);
                let root = Root { thread, message, place: String::new(), shown, open: BTreeMap::new() };
                Sent::Delivered { reply, refused, missed, root: begins.then_some(root) }
            }
            sent => sent,
        }
    }
}

/// What comes of a message that goes to each of its addresses by itself.
#[derive(Default)]
struct Each {
    reply: Option<String>,
    put_off: Vec<String>,
    refused: Vec<String>,
    not_now: Vec<String>,
    never: Vec<String>,
    /// The server has stopped answering.
    unanswered: bool,
}

impl Each {
    fn add(&mut self, address: String, sent: Sent) {
        match sent {
            Sent::Delivered { reply, .. } => self.reply = Some(reply),
            Sent::Retry { error, answered, .. } => {
                self.unanswered |= !answered;
                self.put_off.push(address);
                self.not_now.push(error);
            }
            Sent::Rejected { error } | Sent::Unsendable { error } => {
                self.refused.push(address);
                self.never.push(error);
            }
            Sent::Needless { .. } => {}
        }
    }

    fn sum(self) -> Sent {
        let Self { reply, put_off, refused, not_now, never, unanswered } = self;
        let all = shortened(&[&*not_now, &*never].concat().join("; "), 300);
        let Some(reply) = reply else {
            return match put_off.is_empty() {
                true => Sent::Rejected { error: all },
                false => Sent::Retry { after: None, answered: !unanswered, error: all },
            };
        };
        let missing = |count: usize, what: &str| (count > 0).then(|| format!("{count} {what}"));
        let what: Vec<String> = [
            missing(refused.len(), "of its addresses refused it for good"),
            missing(put_off.len(), "put it off and are tried again by a message of their own"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let told = (!what.is_empty()).then(|| shortened(&format!("{}: {all}", what.join(", ")), 300));
        let one = |addresses: Vec<String>, errors: &[String], for_good| {
            let error = shortened(&errors.join("; "), 300);
            (!addresses.is_empty()).then_some(Missed { addresses, error, for_good })
        };
        let missed = one(put_off, &not_now, false).into_iter().chain(one(refused, &never, true)).collect();
        Sent::Delivered { reply, refused: told, missed, root: None }
    }
}

/// The mailboxes of a channel as a mail server takes them, each once, and the addresses that none takes.
fn mailboxes(to: &[String]) -> (Vec<Mailbox>, Vec<String>) {
    let (mut known, mut unsendable) = (BTreeSet::new(), Vec::new());
    let mut sendable = Vec::new();
    for address in to {
        match address.parse().ok().and_then(in_ascii) {
            Some(mailbox) if known.insert(mailbox.email.to_string().to_ascii_lowercase()) => sendable.push(mailbox),
            Some(_) => {}
            None => unsendable.push(address.clone()),
        }
    }
    (sendable, unsendable)
}

/// A mailbox whose domain is written as the DNS has it; `None` where what stands before the `@` is more than ASCII, which few
/// mail servers take.
fn in_ascii(mailbox: Mailbox) -> Option<Mailbox> {
    let Mailbox { name, email } = mailbox;
    if !email.user().is_ascii() {
        return None;
    }
    if email.domain().is_ascii() {
        return Some(Mailbox::new(name, email));
    }
    let url = Url::parse(&format!("http://{}/", email.domain())).ok()?;
    Some(Mailbox::new(name, Address::new(email.user(), url.host_str()?).ok()?))
}

/// The mail that this one answers to.
fn first_message(delivery: &Delivery) -> Option<&Root> {
    delivery.root.as_ref().filter(|root| root.thread == delivery.notification.thread())
}

/// The texts with the files that stand beside them, which travel as they are to the byte.
fn with_files(texts: MultiPart, attachments: &[Attachment]) -> anyhow::Result<MultiPart> {
    if attachments.is_empty() {
        return Ok(texts);
    }
    let mut parts = MultiPart::mixed().multipart(texts);
    for file in attachments {
        let kind = ContentType::parse(&file.media_type).context("the type of an attachment cannot be read")?;
        let content = file.content.clone().into_bytes();
        let body = Body::new_with_encoding(content, ContentTransferEncoding::Base64)
            .map_err(|_| anyhow::anyhow!("an attachment cannot be encoded"))?;
        parts = parts.singlepart(FilePart::new(file.name.clone()).body(body, kind));
    }
    Ok(parts)
}

/// Tells other programs not to answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// What the server says to the end of a message. Anything but a 2xx is no promise to deliver it.
fn accepted(reply: &Response) -> Sent {
    let words: Vec<&str> = reply.message().collect();
    let said = shortened(&format!("{} {}", reply.code(), known(&words.join(" "))), 120);
    match reply.code().severity {
        Severity::PositiveCompletion => delivered(said),
        _ => retry(&format!("the mail server answered {said} to the end of the message")),
    }
}

fn meaning(error: &lettre::transport::smtp::Error) -> Sent {
    let code = error.status().map(u16::from);
    // What the server said stands behind an error that knows its code.
    let said = match (code, std::error::Error::source(error)) {
        (Some(code), Some(words)) => format!("the mail server answered {code} {}", known(&words.to_string())),
        (Some(code), None) => format!("the mail server answered {code}"),
        (None, _) if error.is_response() => "the answer of the mail server cannot be read".to_owned(),
        (None, _) => chain(error),
    };
    let said = shortened(&said, 300);
    let of_the_server =
        code.is_some_and(|code| MENDABLE_REPLIES.contains(&code) || UNAVAILABLE_REPLIES.contains(&code));
    if error.is_permanent() && !of_the_server {
        return Sent::Rejected { error: said };
    }
    Sent::Retry { after: None, answered: code.is_some() && !of_the_server, error: said }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// The mail of a page.
fn render(page: &Page, templates: &Templates) -> Result<Rendered, String> {
    let text = templates.page(Form::MailText, page)?;
    let html = templates.page(Form::MailHtml, page)?;
    Ok(Rendered::Email { subject: page.headline.to_string(), text, html, attachments: Vec::new() })
}
