//! A load generator: keep-alive connections, one request at a time on each, every body with an id of its own.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::fleet;
use crate::servers::{Daemon, Server};

/// Devices in the fleet that the bodies speak of.
const DEVICES: u64 = 5_000;

/// Different bodies; ids are patched in.
const BODIES: u64 = 4_000;

/// Envelope ids have this many digits, so that they can be patched in place.
const FIRST_ID: u64 = 1_000_000_000;

pub struct Load {
    address: SocketAddr,
    connections: usize,
    requests: Vec<(Vec<u8>, usize)>,
}

pub struct Measured {
    pub seconds: f64,
    /// Milliseconds, sorted.
    pub latencies: Vec<f32>,
    pub refused: u64,
    /// CPU time of the server, in microseconds.
    pub cpu_per_request: f64,
}

impl Measured {
    pub fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    pub fn quantile(&self, q: f64) -> f32 {
        let at = ((self.latencies.len() as f64 * q) as usize).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

fn body(number: u64) -> String {
    let mut body = fleet::webhook(number, DEVICES);
    body["id"] = FIRST_ID.into();
    body.to_string()
}

pub fn body_size() -> usize {
    (0..100).map(|number| body(number).len()).sum::<usize>() / 100
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// Every leaf under its path, which has only the characters that Alertmanager allows.
fn flatten(path: &str, value: &Value, leaves: &mut serde_json::Map<String, Value>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}_{name}") };
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                flatten(&below(name), inner, leaves);
            }
        }
        Value::Array(items) => {
            for (at, inner) in items.iter().enumerate() {
                flatten(&below(&at.to_string()), inner, leaves);
            }
        }
        leaf => {
            leaves.insert(path.to_owned(), text(leaf).into());
        }
    }
}

fn request(path: &str, body: &str, address: SocketAddr) -> (Vec<u8>, usize) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nImpilo-Webhook-Secret: {}\r\nContent-Length: {}\r\n\r\n",
        crate::servers::SECRET,
        body.len()
    );
    let id = head.len() + body.find(&FIRST_ID.to_string()).expect("the id stands in the body");
    ([head.as_bytes(), body.as_bytes()].concat(), id)
}

struct Shared {
    next: Cell<u64>,
    stop: Cell<bool>,
    /// Requests a second in all; 0 for as many as come.
    rate: Cell<f64>,
    began: Instant,
    latencies: RefCell<Vec<f32>>,
    refused: Cell<u64>,
}

impl Load {
    pub fn new(address: SocketAddr, connections: usize) -> Self {
        let requests = (0..BODIES).map(|number| request("/webhooks/impilo", &body(number), address));
        Self { address, connections, requests: requests.collect() }
    }

    /// The same facts as alerts for Alertmanager: each an alert of its own, with every field of the payload as an annotation.
    pub fn of_alerts(address: SocketAddr, connections: usize) -> Self {
        let requests = (0..BODIES).map(|number| {
            let event = fleet::webhook(number, DEVICES);
            let mut annotations = serde_json::Map::new();
            flatten("", &event["payload"], &mut annotations);
            let labels = serde_json::json!({
                "alertname": "DeviceBatteryLow", "event_id": FIRST_ID.to_string(), "severity": "warning",
                "device": event.pointer("/payload/device/id"), "site": event.pointer("/payload/device/site/name"),
                "item": event.pointer("/payload/device/item/name")
            });
            let labels: serde_json::Map<String, Value> =
                labels.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value).into())).collect();
            let alerts = serde_json::json!([{ "labels": labels, "annotations": annotations }]);
            request("/api/v2/alerts", &alerts.to_string(), address)
        });
        Self { address, connections, requests: requests.collect() }
    }

    /// Sends as fast as answers come, or at a rate.
    pub fn run(&self, length: Duration, rate: Option<f64>, server: &impl Server) -> Measured {
        self.drive(length, rate, server, |_| {})
    }

    /// Sends at a rate; gives what was measured, and the largest backlog in the first and in the second half.
    pub fn run_steady(&self, length: Duration, rate: f64, daemon: &Daemon) -> (Measured, u64, u64) {
        let began = Instant::now();
        let mut last = began;
        let mut backlogs = [0, 0];
        let measured = self.drive(length, Some(rate), daemon, |_| {
            if last.elapsed() >= Duration::from_millis(250) {
                last = Instant::now();
                let half = usize::from(began.elapsed() > length / 2);
                backlogs[half] = daemon.backlog().max(backlogs[half]);
            }
        });
        (measured, backlogs[0], backlogs[1])
    }

    fn drive(
        &self,
        length: Duration,
        rate: Option<f64>,
        server: &impl Server,
        mut steer: impl FnMut(&Shared),
    ) -> Measured {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let shared = Rc::new(Shared {
            next: Cell::new(0),
            stop: Cell::new(false),
            rate: Cell::new(rate.unwrap_or_default()),
            began: Instant::now(),
            latencies: RefCell::default(),
            refused: Cell::new(0),
        });
        let cpu_before = server.cpu_micros();
        let began = Instant::now();
        LocalSet::new().block_on(&runtime, async {
            let tasks: Vec<_> = (0..self.connections)
                .map(|_| tokio::task::spawn_local(connection(self.address, self.requests.clone(), Rc::clone(&shared))))
                .collect();
            while began.elapsed() < length {
                tokio::time::sleep(Duration::from_millis(20)).await;
                steer(&shared);
            }
            shared.stop.set(true);
            for task in tasks {
                task.await.unwrap();
            }
        });
        let seconds = began.elapsed().as_secs_f64();
        let cpu = server.cpu_micros() - cpu_before;
        let mut latencies = shared.latencies.take();
        latencies.sort_unstable_by(f32::total_cmp);
        let cpu_per_request = cpu / latencies.len().max(1) as f64;
        Measured { seconds, latencies, refused: shared.refused.get(), cpu_per_request }
    }
}

async fn connection(address: SocketAddr, mut requests: Vec<(Vec<u8>, usize)>, shared: Rc<Shared>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = [0_u8; 1024];
    while !shared.stop.get() {
        let number = shared.next.get();
        shared.next.set(number + 1);
        let rate = shared.rate.get();
        if rate > 0.0 {
            let due = shared.began + Duration::from_secs_f64(shared.latencies.borrow().len() as f64 / rate);
            let now = Instant::now();
            if due > now {
                tokio::time::sleep(due - now).await;
            }
        }
        let place = (number % requests.len() as u64) as usize;
        let (request, id) = &mut requests[place];
        request[*id..*id + 10].copy_from_slice((FIRST_ID + number).to_string().as_bytes());
        let sent = Instant::now();
        stream.write_all(request).await.unwrap();
        let mut filled = 0;
        while !answer[..filled].windows(4).any(|window| window == b"\r\n\r\n") {
            let read = stream.read(&mut answer[filled..]).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            filled += read;
        }
        if !answer.starts_with(b"HTTP/1.1 200") {
            shared.refused.set(shared.refused.get() + 1);
        }
        shared.latencies.borrow_mut().push(sent.elapsed().as_secs_f32() * 1000.0);
    }
}
