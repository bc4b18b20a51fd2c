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

/// What the catcher answers to the end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Accept,
    /// 451: not now.
    NotNow,
    /// 550: never.
    Never,
    /// Nothing at all; the connection stays open.
    Silence,
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
        writer.write_all(b"220 pulsewarden mail catcher\r\n").await?;
        let (mut from, mut to) = (String::new(), Vec::new());
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let said = line.trim_end();
            let verb = said.get(..4).unwrap_or(said).to_ascii_uppercase();
            let reply: &[u8] = match verb.as_str() {
                "EHLO" => b"250-catcher\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n",
                "AUTH" => b"235 welcome\r\n",
                "MAIL" => {
                    from = address(said);
                    to.clear();
                    b"250 ok\r\n"
                }
                "RCPT" => {
                    to.push(address(said));
                    b"250 ok\r\n"
                }
                "DATA" => {
                    writer.write_all(b"354 go on\r\n").await?;
                    let Some(raw) = data(&mut reader).await? else { return Ok(()) };
                    let answer = *self.answer.lock().unwrap_or_else(PoisonError::into_inner);
                    match answer {
                        Answer::Accept => {
                            let mail = Mail { from: from.clone(), to: to.clone(), raw };
                            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
                            // Nobody needs to listen.
                            let _ = arrivals.send(mail);
                            b"250 kept\r\n"
                        }
                        Answer::NotNow => b"451 not now\r\n",
                        Answer::Never => b"550 never\r\n",
                        Answer::Silence => b"",
                    }
                }
                "QUIT" => {
                    writer.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                "HELO" | "RSET" | "NOOP" => b"250 ok\r\n",
                _ => b"502 not known here\r\n",
            };
            writer.write_all(reply).await?;
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
