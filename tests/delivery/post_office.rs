//! A mail server that answers each address in a way of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A message as it was taken: for whom, and its lines.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: Vec<String>,
    pub text: String,
}

impl Letter {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[derive(Default)]
struct Ways {
    /// What is said to an address, where it is not `250 ok`.
    answers: BTreeMap<String, String>,
    /// Messages are taken, and the connection ends before that is said.
    forgets_to_say: bool,
    letters: Vec<Letter>,
}

#[derive(Clone)]
pub struct PostOffice {
    address: SocketAddr,
    ways: Arc<Mutex<Ways>>,
}

impl PostOffice {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let office = Self { address: listener.local_addr().unwrap(), ways: Arc::default() };
        let serving = office.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let office = serving.clone();
                tokio::spawn(async move { office.talk(BufReader::new(stream)).await });
            }
        });
        office
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// What is said to this address from now on.
    pub fn answer(&self, address: &str, says: &str) {
        self.ways.lock().unwrap().answers.insert(address.to_owned(), says.to_owned());
    }

    /// Its mail is taken from now on.
    pub fn take(&self, address: &str) {
        self.ways.lock().unwrap().answers.remove(address);
    }

    pub fn forget_to_say(&self, forgets: bool) {
        self.ways.lock().unwrap().forgets_to_say = forgets;
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.ways.lock().unwrap().letters.clone()
    }

    /// How many letters came to an address.
    pub fn count(&self, address: &str) -> usize {
        self.letters().iter().filter(|letter| letter.to.iter().any(|to| to == address)).count()
    }

    async fn talk(&self, mut stream: BufReader<TcpStream>) -> Option<()> {
        let mut to = Vec::new();
        let mut says = "220 here".to_owned();
        loop {
            stream.write_all(format!("{says}\r\n").as_bytes()).await.ok()?;
            let line = line(&mut stream).await?;
            says = "250 ok".to_owned();
            if let Some(rest) = line.strip_prefix("RCPT TO:<") {
                let address = rest.split('>').next()?.to_owned();
                match self.ways.lock().unwrap().answers.get(&address) {
                    Some(other) => other.clone_into(&mut says),
                    None => to.push(address),
                }
            } else if line == "DATA" {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = String::new();
                loop {
                    let line = self::line(&mut stream).await?;
                    if line == "." {
                        break;
                    }
                    text.push_str(&line);
                    text.push('\n');
                }
                let mut ways = self.ways.lock().unwrap();
                ways.letters.push(Letter { to: std::mem::take(&mut to), text });
                if ways.forgets_to_say {
                    return None;
                }
            } else if line == "RSET" || line.starts_with("MAIL") {
                to.clear();
            }
        }
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}
