//! A stand-in for the account at Impilo: subscriptions, the secret and the log, as its API documents them.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use super::harness::World;
use super::stand_in::{Answer, Asked, StandIn};

pub const KEY: &str = "the-key-of-the-tests";

/// What the account holds.
#[derive(Default)]
pub struct Account {
    pub webhooks: Vec<Value>,
    pub secret: Option<String>,
    pub log: Vec<Value>,
    pub devices: Vec<Value>,
    /// So many times it has trouble with its list of subscriptions.
    pub trouble: usize,
    /// Types that cannot be subscribed to.
    pub refused: Vec<String>,
    next: i64,
}

impl Account {
    pub fn add(&mut self, kind: &str, url: &str) -> i64 {
        self.next += 1;
        self.webhooks.push(json!({ "id": self.next, "type": kind, "url": url }));
        self.next
    }

    /// The types that come to an address, sorted.
    pub fn kinds(&self, url: &str) -> Vec<String> {
        let there = self.webhooks.iter().filter(|one| one["url"] == url);
        let mut kinds: Vec<String> = there.map(|one| one["type"].as_str().unwrap().to_owned()).collect();
        kinds.sort();
        kinds
    }

    pub fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.headers.get("impilo-api-key").map(String::as_str) != Some(KEY) {
            return Answer::status(401);
        }
        let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
        let path = path.strip_prefix("/api/v3").unwrap();
        match (&*asked.method, path) {
            ("GET", "/webhook") if self.trouble > 0 => {
                self.trouble -= 1;
                Answer::status(500)
            }
            ("GET", "/webhook") => page(&self.webhooks, query),
            ("GET", "/webhook/logs") => {
                let asks = |name: &str| query.split('&').any(|part| part.split('=').next() == Some(name));
                assert!(asks("startTimestamp") || asks("endTimestamp"));
                let rows = self.log.iter().filter(|row| {
                    !asks("retryAttemptsMin") || row["retryAttempts"].as_i64().is_some_and(|count| count > 0)
                });
                let rows = rows.filter(|row| {
                    let status = format!("lastResponseStatus={}", row["lastResponseStatus"]);
                    !asks("lastResponseStatus") || query.split('&').any(|part| part == status)
                });
                page(&rows.cloned().collect::<Vec<_>>(), query)
            }
            ("POST", "/webhook") => {
                let asked = asked.json();
                if self.refused.iter().any(|kind| asked["type"] == **kind) {
                    return Answer::status(400);
                }
                let id = self.add(asked["type"].as_str().unwrap(), asked["url"].as_str().unwrap());
                Answer::json(self.webhooks.iter().find(|one| one["id"] == id).unwrap())
            }
            (method, "/webhook-secret") => match (method, &self.secret) {
                ("GET", Some(_)) => Answer::json(&json!({ "secret": self.secret })),
                ("POST", None) | ("PATCH", Some(_)) => {
                    self.secret = Some(asked.json()["secret"].as_str().unwrap().to_owned());
                    Answer::json(&json!({ "secret": self.secret }))
                }
                _ => Answer::status(400),
            },
            ("GET", "/device") => {
                assert!(query.contains("status=withPatient") && query.contains("sort=deviceId"), "{query}");
                page(&self.devices, query)
            }
            ("GET", path) if path.starts_with("/device/") => {
                let device = self.devices.iter().find(|one| path == format!("/device/{}", one["id"]));
                device.map_or_else(|| Answer::status(404), Answer::json)
            }
            (method, path) => {
                let id: i64 = path.strip_prefix("/webhook/").unwrap().parse().unwrap();
                let Some(place) = self.webhooks.iter().position(|one| one["id"] == id) else {
                    return Answer::status(404);
                };
                match method {
                    "GET" => {}
                    "PATCH" => {
                        let url = asked.json()["url"].clone();
                        if self.webhooks[place]["url"] == url {
                            return Answer::status(400);
                        }
                        self.webhooks[place]["url"] = url;
                    }
                    "DELETE" => {
                        self.webhooks.remove(place);
                        return Answer::Say(204, Vec::new(), String::new());
                    }
                    _ => panic!("{method} {path}"),
                }
                Answer::json(&self.webhooks[place])
            }
        }
    }
}

/// A page of a list, or more than anybody takes where one of these ids is on it.
pub fn page_without(rows: &[Value], query: &str, too_long: &[i64]) -> Answer {
    let answer = page(rows, query);
    let Answer::Say(_, _, body) = &answer else { return answer };
    let shown: Value = serde_json::from_str(body).unwrap();
    let is_too_long = |row: &Value| row["id"].as_i64().is_some_and(|id| too_long.contains(&id));
    if shown["content"].as_array().unwrap().iter().any(is_too_long) {
        return Answer::Say(200, Vec::new(), " ".repeat(33 << 20));
    }
    answer
}

fn page(rows: &[Value], query: &str) -> Answer {
    let number = |name: &str| {
        let part = query.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")));
        part.map_or(0, |number| number.parse::<usize>().unwrap())
    };
    let (page, size) = (number("page"), number("size"));
    assert!(page >= 1 && (1..=250).contains(&size), "{query}");
    let content: Vec<&Value> = rows.iter().skip((page - 1) * size).take(size).collect();
    let last = page * size >= rows.len();
    let body = json!({ "content": content, "page": page, "size": size, "total": rows.len(), "last": last });
    Answer::json(&body)
}

/// The account behind its API.
pub struct Impilo {
    account: Arc<Mutex<Account>>,
    pub api: StandIn,
}

impl Impilo {
    pub async fn start() -> Self {
        let account = Arc::<Mutex<Account>>::default();
        let answering = Arc::clone(&account);
        let api = StandIn::start(move |asked| answering.lock().unwrap().answer(asked)).await;
        Self { account, api }
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap()
    }

    /// From now on `before` may answer in the account's place, and may change the account first.
    pub fn interrupt(&self, mut before: impl FnMut(&mut Account, &Asked) -> Option<Answer> + Send + 'static) {
        let account = Arc::clone(&self.account);
        self.api.answer(move |asked| {
            let mut account = account.lock().unwrap();
            before(&mut account, asked).unwrap_or_else(|| account.answer(asked))
        });
    }

    /// The account's log is asked by time, and the rows of these ids are longer than any answer may be.
    pub fn log_by_time(&self, too_long: &'static [i64]) {
        self.interrupt(move |account, asked| {
            let (path, query) = asked.path.split_once('?')?;
            if !path.ends_with("/webhook/logs") {
                return None;
            }
            let time = |name: &str| {
                let part = query.split('&').find_map(|part| part.strip_prefix(&format!("{name}=")));
                part.map(|time| time.replace("%3A", ":"))
            };
            let (from, until) = (time("startTimestamp"), time("endTimestamp"));
            let of_time = |row: &&Value| {
                let at = row["createTimestamp"].as_str().unwrap();
                from.as_deref().is_none_or(|from| from <= at) && until.as_deref().is_none_or(|until| at < until)
            };
            let rows: Vec<Value> = account.log.iter().filter(of_time).cloned().collect();
            Some(page_without(&rows, query, too_long))
        });
    }

    /// It answers as it does by itself.
    pub fn go_on(&self) {
        self.interrupt(|_, _| None);
    }

    /// The configuration of a daemon that uses the account, and may ask it often.
    pub fn configuration(&self, world: &World) -> String {
        self.configuration_with(world, 6000)
    }

    /// As [`Impilo::configuration`], of one that may make so many requests a minute.
    pub fn configuration_with(&self, world: &World, requests_per_minute: u32) -> String {
        std::fs::write(world.path("key"), KEY).unwrap();
        format!(
            "public_url: {PUBLIC}\nimpilo: {{ webhook_secrets: [{{ file: {} }}], api_key: {{ file: {} }}, api: \"{}\", \
             requests_per_minute: {requests_per_minute} }}",
            world.path("secret").display(),
            world.path("key").display(),
            self.api.url()
        )
    }
}

pub const PUBLIC: &str = "https://alerts.clinic.example";
pub const URL: &str = "https://alerts.clinic.example/webhooks/impilo";

/// Carries out what the account said, and loses its answer.
pub fn lost(account: &mut Account, asked: &Asked) -> Answer {
    account.answer(asked);
    Answer::status(500)
}

/// As [`lost`], without any answer.
pub fn unanswered(account: &mut Account, asked: &Asked) -> Answer {
    account.answer(asked);
    Answer::Silence
}
