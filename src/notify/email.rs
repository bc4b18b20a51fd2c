//! Mail: settings, rendering, sending, and what replies mean.

use std::collections::BTreeMap;
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
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::page::{self, Page};
use super::templates::{Form, Templates};
use super::{Sender, Sent, delivered, misrendered, retry, shortened};
use crate::config::Email as EmailSettings;
use crate::engine::{Channel, Notification};
use crate::store::{Attachment, Delivery, Rendered, Root};

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
        let from = settings.from.parse().with_context(|| format!("email.from `{}` is not a mailbox", settings.from))?;
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

    /// Hands a message over to the server for every address of the envelope, or for none.
    async fn hand_over(&self, envelope: &Envelope, message: &[u8]) -> Sent {
        // A pooled connection that the server has closed meanwhile fails at once: the second try opens a fresh one.
        for last in [false, true] {
            let transport = match self.transport() {
                Ok(transport) => transport,
                Err(error) => return retry(&error),
            };
            match tokio::time::timeout(self.settings.timeout, transport.send_raw(envelope, message)).await {
                Ok(Ok(reply)) => return accepted(&reply),
                Ok(Err(error)) if error.status().is_none() && !last => {}
                Ok(Err(error)) => {
                    return match meaning(&error) {
                        // Whoever greets nobody says nothing of this message.
                        Sent::Rejected { error } if !self.greets(&transport).await => {
                            Sent::Retry { after: None, answered: false, error }
                        }
                        sent => sent,
                    };
                }
                Err(_) => {
                    // The connection goes back to its pool with a reply still to come, which the next mail would take for
                    // its own. So the pool goes.
                    self.transport.lock().unwrap_or_else(PoisonError::into_inner).take();
                    transport.shutdown().await;
                    let waited = self.settings.timeout.as_secs();
                    return retry(&format!("the mail server did not answer within {waited} s"));
                }
            }
        }
        retry("the connection to the mail server broke")
    }

    /// Whether the server takes connections at all.
    async fn greets(&self, transport: &Transport) -> bool {
        let tried = tokio::time::timeout(self.settings.timeout, transport.test_connection()).await;
        matches!(tried, Ok(Ok(true)))
    }

    /// The message to each address by itself. It counts as delivered where anybody got it: a new attempt would bring it
    /// twice.
    async fn to_each(&self, envelope: &Envelope, message: &[u8]) -> Sent {
        let (mut delivered, mut later, mut refused) = (None, None, Vec::new());
        for address in envelope.to() {
            let alone = Envelope::new(envelope.from().cloned(), vec![address.clone()]);
            let sent = match alone {
                Ok(alone) => self.hand_over(&alone, message).await,
                Err(error) => Sent::Rejected { error: error.to_string() },
            };
            match sent {
                Sent::Delivered { reply, .. } => delivered = Some(reply),
                Sent::Rejected { error } => refused.push(error),
                Sent::Retry { error, .. } => {
                    later = Some(error.clone());
                    refused.push(error);
                }
            }
        }
        match delivered {
            Some(reply) => {
                let (missing, of) = (refused.len(), envelope.to().len());
                let what = format!("{missing} of {of} addresses did not get it: {}", refused.join("; "));
                Sent::Delivered { reply, refused: (missing > 0).then(|| shortened(&what, 300)), root: None }
            }
            None => match later {
                Some(error) => retry(&error),
                None => Sent::Rejected { error: shortened(&refused.join("; "), 300) },
            },
        }
    }

    fn message(
        &self,
        delivery: &Delivery,
        to: &[String],
        subject: &str,
        text: &str,
        html: &str,
        attachments: &[Attachment],
    ) -> anyhow::Result<Message> {
        let (notification, domain) = (&delivery.notification, self.from.email.domain());
        let first = first_message(delivery);
        let subject = if first.is_some() { format!("Re: {subject}") } else { subject.to_owned() };
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(subject)
            .message_id(Some(self.message_id(notification)))
            .header(AutoSubmitted);
        for address in to {
            builder = builder.to(address.parse().with_context(|| format!("`{address}` is not a mailbox"))?);
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
        format!("<{}@{}>", notification.key, self.from.email.domain())
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
        let message = match self.message(delivery, to, subject, text, html, attachments) {
            Ok(message) => message,
            Err(error) => return Sent::Rejected { error: format!("{error:#}") },
        };
        let (envelope, bytes) = (message.envelope().clone(), message.formatted());
        let sent = match self.hand_over(&envelope, &bytes).await {
            // One address that is refused must not silence the others.
            Sent::Rejected { .. } if to.len() > 1 => self.to_each(&envelope, &bytes).await,
            // Nor must one that is refused for now, as with a full mailbox, once it has had the time to pass by itself.
            Sent::Retry { answered: true, .. } if to.len() > 1 && delivery.attempts >= PATIENT_ATTEMPTS => {
                self.to_each(&envelope, &bytes).await
            }
            sent => sent,
        };
        match sent {
            Sent::Delivered { reply, refused, .. } => {
                let (thread, shown) = (delivery.notification.thread(), delivery.notification.due);
                let begins = thread != 0 && first_message(delivery).is_none();
                let message = self.message_id(&delivery.notification);
                let root = Root { thread, message, place: String::new(), shown, open: BTreeMap::new() };
                Sent::Delivered { reply, refused, root: begins.then_some(root) }
            }
            sent => sent,
        }
    }
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
    let said = shortened(&format!("{} {}", reply.code(), reply.message().next().unwrap_or_default()), 120);
    match reply.code().severity {
        Severity::PositiveCompletion => delivered(said),
        _ => retry(&format!("the mail server answered {said} to the end of the message")),
    }
}

fn meaning(error: &lettre::transport::smtp::Error) -> Sent {
    let said = shortened(&chain(error), 300);
    let code = error.status().map(u16::from);
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
