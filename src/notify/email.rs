//! Mail: settings, rendering, sending, and what replies mean.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use lettre::address::Envelope;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::response::{Response, Severity};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::page::Page;
use super::templates::{Form, Templates};
use super::{Sent, retry, shortened};
use crate::config::Email as EmailSettings;
use crate::engine::Notification;
use crate::store::{Delivery, Rendered};

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Connections kept to the mail server. A message takes about 40 ms on a quick line, since its end is written apart and
/// waits for the other side's delayed acknowledgement, so some must be under way at once.
const CONNECTIONS: u32 = 16;

/// Attempts for all addresses together, before each that is not refused for now gets its mail by itself.
const PATIENT_ATTEMPTS: u32 = 3;

/// Replies that say that the settings are wrong, not the message: the administrator can mend them.
const AUTHENTICATION_REPLIES: [u16; 4] = [530, 534, 535, 538];

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

    pub(super) async fn send(&self, delivery: &Delivery, to: &[String], subject: &str, text: &str, html: &str) -> Sent {
        let message = match self.message(&delivery.notification, to, subject, text, html) {
            Ok(message) => message,
            Err(error) => return Sent::Rejected { error: format!("{error:#}") },
        };
        let (envelope, bytes) = (message.envelope().clone(), message.formatted());
        match self.hand_over(&envelope, &bytes).await {
            // One address that is refused must not silence the others.
            Sent::Rejected { .. } if to.len() > 1 => self.to_each(&envelope, &bytes).await,
            // Nor must one that is refused for now, as with a full mailbox, once it has had the time to pass by itself.
            Sent::Retry { answered: true, .. } if to.len() > 1 && delivery.attempts >= PATIENT_ATTEMPTS => {
                self.to_each(&envelope, &bytes).await
            }
            sent => sent,
        }
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
                Ok(Err(error)) => return meaning(&error),
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
                Sent::Delivered { reply, refused: (missing > 0).then(|| shortened(&what, 300)) }
            }
            None => match later {
                Some(error) => retry(&error),
                None => Sent::Rejected { error: shortened(&refused.join("; "), 300) },
            },
        }
    }

    fn message(
        &self,
        notification: &Notification,
        to: &[String],
        subject: &str,
        text: &str,
        html: &str,
    ) -> anyhow::Result<Message> {
        let domain = self.from.email.domain();
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(subject)
            .message_id(Some(format!("<{}@{domain}>", notification.key)))
            .header(AutoSubmitted);
        for address in to {
            builder = builder.to(address.parse().with_context(|| format!("`{address}` is not a mailbox"))?);
        }
        if !notification.group.is_empty() {
            let thread = format!("<group-{}@{domain}>", notification.group);
            builder = builder.in_reply_to(thread.clone()).references(thread);
        }
        builder
            .multipart(MultiPart::alternative_plain_html(text.to_owned(), html.to_owned()))
            .context("the message cannot be put together")
    }
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
        Severity::PositiveCompletion => Sent::Delivered { reply: said, refused: None },
        _ => retry(&format!("the mail server answered {said} to the end of the message")),
    }
}

fn meaning(error: &lettre::transport::smtp::Error) -> Sent {
    let said = shortened(&chain(error), 300);
    let code = error.status().map(u16::from);
    if error.is_permanent() && !code.is_some_and(|code| AUTHENTICATION_REPLIES.contains(&code)) {
        return Sent::Rejected { error: said };
    }
    Sent::Retry { after: None, answered: code.is_some(), error: said }
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
pub(super) fn render(page: &Page, templates: &Templates) -> Result<Rendered, String> {
    let text = templates.page(Form::MailText, page)?;
    let html = templates.page(Form::MailHtml, page)?;
    Ok(Rendered::Email { subject: page.headline.to_string(), text, html })
}
