//! A mail server that keeps what it gets instead of passing it on: for the demo and for tests.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The largest message that is taken.
const LARGEST: usize = 4 << 20;

/// A message as it arrived.
#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    /// Headers and body, dot-unstuffed, lines ending in CRLF.
    pub raw: String,
}

/// What the catcher answers. What is not about a step is about the end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accept,
    /// 451: not now.
    NotNow,
    /// 550: never.
    Never,
    /// Nothing at all; the connection stays open.
    Silence,
    /// This code at that step.
    Code(Step, u16),
    /// Nothing at all from that step on; the connection stays open.
    SilenceAt(Step),
    /// The connection ends at that step.
    HangUpAt(Step),
}

/// What a client waits for an answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Banner,
    Ehlo,
    Mail,
    Rcpt,
    Data,
    End,
}

/// How a step is answered otherwise than well.
enum Trouble {
    Says(u16),
    Nothing,
    HangsUp,
}

impl Answer {
    fn at(self, step: Step) -> Option<Trouble> {
        match self {
            Self::Accept => None,
            Self::NotNow => (step == Step::End).then_some(Trouble::Says(451)),
            Self::Never => (step == Step::End).then_some(Trouble::Says(550)),
            Self::Silence => (step == Step::End).then_some(Trouble::Nothing),
            Self::Code(at, code) => (step == at).then_some(Trouble::Says(code)),
            Self::SilenceAt(at) => (step == at).then_some(Trouble::Nothing),
            Self::HangUpAt(at) => (step == at).then_some(Trouble::HangsUp),
        }
    }
}

/// A running mail catcher.
#[derive(Clone)]
pub struct MailCatcher {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    kept: Arc<Mutex<Vec<Mail>>>,
}

impl MailCatcher {
    /// Listens on a free port of the loopback. What arrives also comes through the receiver.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn start() -> io::Result<(Self, UnboundedReceiver<Mail>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (arrivals, arrived) = unbounded_channel();
        let catcher = Self {
            address: listener.local_addr()?,
            answer: Arc::new(Mutex::new(Answer::Accept)),
            kept: Arc::default(),
        };
        let serving = catcher.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (catcher, arrivals) = (serving.clone(), arrivals.clone());
                tokio::spawn(async move {
                    // A broken connection is the client's business; it comes again.
                    let _ = catcher.talk(stream, &arrivals).await;
                });
            }
        });
        Ok((catcher, arrived))
    }

    /// What `email.smtp` needs to be.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// What it answers from now on.
    pub fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// Everything accepted so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn talk(&self, stream: TcpStream, arrivals: &UnboundedSender<Mail>) -> io::Result<()> {
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        match self.answer_to(Step::Banner, b"220 pulsewarden mail catcher\r\n") {
            Some(reply) => writer.write_all(&reply).await?,
            None => return Ok(()),
        }
        let (mut from, mut to) = (String::new(), Vec::new());
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let said = line.trim_end();
            let verb = said.get(..4).unwrap_or(said).to_ascii_uppercase();
            let reply = match verb.as_str() {
                "EHLO" => {
                    let offers: &[u8] = b"250-catcher\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n";
                    self.answer_to(Step::Ehlo, offers)
                }
                "AUTH" => Some(b"235 welcome\r\n".to_vec()),
                "MAIL" => {
                    from = address(said);
                    to.clear();
                    self.answer_to(Step::Mail, b"250 ok\r\n")
                }
                "RCPT" => {
                    to.push(address(said));
                    self.answer_to(Step::Rcpt, b"250 ok\r\n")
                }
                "DATA" => {
                    let go_on = b"354 go on\r\n";
                    let Some(reply) = self.answer_to(Step::Data, go_on) else { return Ok(()) };
                    writer.write_all(&reply).await?;
                    if reply != go_on {
                        continue;
                    }
                    let Some(raw) = data(&mut reader).await? else { return Ok(()) };
                    let kept = b"250 kept\r\n";
                    let reply = self.answer_to(Step::End, kept);
                    if reply.as_deref() == Some(kept) {
                        let mail = Mail { from: from.clone(), to: to.clone(), raw };
                        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
                        // Nobody needs to listen.
                        let _ = arrivals.send(mail);
                    }
                    reply
                }
                "QUIT" => {
                    writer.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                "HELO" | "RSET" | "NOOP" => Some(b"250 ok\r\n".to_vec()),
                _ => Some(b"502 not known here\r\n".to_vec()),
            };
            match reply {
                Some(reply) => writer.write_all(&reply).await?,
                None => return Ok(()),
            }
        }
    }

    /// What a step is answered, where `well` is what it should be; `None` where the connection ends.
    fn answer_to(&self, step: Step, well: &[u8]) -> Option<Vec<u8>> {
        let answer = *self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        match answer.at(step) {
            None => Some(well.to_vec()),
            Some(Trouble::Says(code)) => Some(format!("{code} as told\r\n").into_bytes()),
            Some(Trouble::Nothing) => Some(Vec::new()),
            Some(Trouble::HangsUp) => None,
        }
    }
}

fn address(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(|| line.to_owned(), |(address, _)| address.to_owned())
}

async fn data(reader: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Option<String>> {
    let mut raw = Vec::new();
    loop {
        let start = raw.len();
        if reader.read_until(b'\n', &mut raw).await? == 0 || raw.len() > LARGEST {
            return Ok(None);
        }
        if &raw[start..] == b".\r\n" {
            raw.truncate(start);
            return Ok(Some(String::from_utf8_lossy(&raw).into_owned()));
        }
        if raw.get(start) == Some(&b'.') {
            raw.remove(start);
        }
    }
}

impl Mail {
    /// A header's value, unfolded and decoded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next()?;
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let line = unfolded.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })?;
        Some(decode_words(&line))
    }

    /// The decoded text part.
    #[must_use]
    pub fn text(&self) -> String {
        self.part("text/plain").unwrap_or_default()
    }

    /// The decoded HTML part.
    #[must_use]
    pub fn html(&self) -> String {
        self.part("text/html").unwrap_or_default()
    }

    fn part(&self, kind: &str) -> Option<String> {
        let at = self.raw.find(&format!("Content-Type: {kind}"))?;
        let part = self.raw.get(at..)?;
        let (head, body) = part.split_once("\r\n\r\n")?;
        let end = body.find("\r\n--").unwrap_or(body.len());
        let body = body.get(..end)?;
        let encoding = head.to_ascii_lowercase();
        let bytes = if encoding.contains("base64") {
            STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?
        } else if encoding.contains("quoted-printable") {
            quoted_printable(body)
        } else {
            body.as_bytes().to_vec()
        };
        Some(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
    }
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let bytes = joined.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = joined.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'=', Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// RFC 2047 words of the base64 kind, as lettre writes them.
fn decode_words(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some(start) = rest.find("=?utf-8?b?") {
        let (before, word) = rest.split_at(start);
        let Some((encoded, after)) = word[10..].split_once("?=") else { break };
        if !before.trim().is_empty() || text.is_empty() {
            text.push_str(before);
        }
        let bytes = STANDARD.decode(encoded).unwrap_or_default();
        text.push_str(&String::from_utf8_lossy(&bytes));
        rest = after;
    }
    text.push_str(rest);
    text
}
