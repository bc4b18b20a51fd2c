//! The account as it is now: subscriptions, secret, log, the fleet's objects, and what is on its way. It does no I/O but
//! for the file of truths.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::facts::{PACKED_KIT, WEBHOOK_TYPES};
use super::log::Log;
use super::objects::Shelf;
use super::odd;
use super::quirks::{Quirks, SOONEST_RETRY, within};
use super::{Options, Refused, Tally};
use crate::engine::Timestamp;
use crate::simulate::chance::{Chance, DAY, spread};
use crate::simulate::{Fleet, Happening, Truth};

/// What is told beside the fleet has envelopes from here on, far from the fleet's own.
const FIRST_ADDED: u64 = 5_000_000_001;

/// Refused requests that are remembered.
const REMEMBERED: usize = 1000;

/// How much of the fleet's life is lived in one go, at most: requests wait meanwhile.
const AT_ONCE: u32 = 2000;

/// A subscription.
pub(super) struct Subscription {
    pub kind: String,
    pub url: Arc<str>,
}

/// One attempt to deliver an event to a subscription.
pub(super) struct Attempt {
    row: u64,
    /// When it is made, by the simulated clock.
    pub at: Timestamp,
    /// How many were made before.
    number: u32,
    pub url: Arc<str>,
    pub body: Vec<u8>,
    pub secret: Option<Arc<str>>,
    /// Its answer is lost.
    unanswered: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Planned {
    at: Timestamp,
    /// In the order in which they were planned.
    place: u64,
    row: u64,
    number: u32,
}

/// What is to be done next.
pub(super) enum Next {
    Send(Attempt),
    /// More of the fleet's life is due at once.
    More,
    /// Nothing until then; for ever where there is no time.
    Rest(Option<Timestamp>),
}

#[derive(Deserialize)]
struct Outer<'e> {
    #[serde(borrow)]
    payload: &'e RawValue,
}

pub(super) struct Account {
    pub quirks: Quirks,
    pub now: Timestamp,
    begin: Timestamp,
    seed: u64,
    pub subscriptions: BTreeMap<i64, Subscription>,
    next_subscription: i64,
    pub secret: Option<Arc<str>>,
    pub log: Log,
    pub fleet: Fleet,
    /// Devices that were put beside the fleet's, or in their place.
    pub devices: Shelf,
    pub orders: Shelf,
    pub returns: Shelf,
    pub tickets: Shelf,
    /// The API answers 503, whatever the time.
    pub api_down: bool,
    /// Nothing is delivered, whatever the time.
    pub undelivered: bool,
    queue: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    /// Attempts that have no answer yet, by when they were made.
    under_way: BTreeMap<Timestamp, u32>,
    next_added: u64,
    forget_at: Timestamp,
    pub tally: Tally,
    refused: Vec<Refused>,
    truths: Option<Box<dyn Write + Send>>,
    truths_failed: Option<io::Error>,
}

impl Account {
    /// A secret that nobody gave.
    pub fn made_secret(&self) -> Arc<str> {
        let chance = spread(self.seed ^ spread(self.now.0.unsigned_abs()));
        Arc::from(format!("made-{chance:016x}{:016x}", spread(chance)))
    }

    pub fn new(options: &Options, truths: Option<Box<dyn Write + Send>>) -> Self {
        let plan = options.plan;
        let mut account = Self {
            quirks: options.quirks.clone(),
            now: plan.begin,
            begin: plan.begin,
            seed: spread(plan.seed ^ 0x5eed),
            subscriptions: BTreeMap::new(),
            next_subscription: 401,
            secret: options.secret.as_deref().map(Arc::from),
            log: Log::new(options.quirks.longest_way(), options.log_for, options.log_rows),
            fleet: Fleet::new(plan),
            devices: Shelf::default(),
            orders: Shelf::default(),
            returns: Shelf::default(),
            tickets: Shelf::default(),
            api_down: false,
            undelivered: false,
            queue: BinaryHeap::new(),
            planned: 0,
            under_way: BTreeMap::new(),
            next_added: FIRST_ADDED,
            forget_at: plan.begin.plus(DAY),
            tally: Tally::default(),
            refused: Vec::new(),
            truths,
            truths_failed: None,
        };
        if let Some(url) = &options.subscribe {
            account.subscribe_to_all(url);
        }
        account
    }

    /// Every type of webhook goes to this URL, too.
    pub fn subscribe_to_all(&mut self, url: &str) {
        for kind in WEBHOOK_TYPES.into_iter().chain([PACKED_KIT]) {
            self.subscribe(kind, url);
        }
    }

    pub fn subscribe(&mut self, kind: &str, url: &str) -> i64 {
        let id = self.next_subscription;
        self.next_subscription += 1;
        self.subscriptions.insert(id, Subscription { kind: kind.to_owned(), url: url.into() });
        id
    }

    /// Whether the API answers 503 now.
    pub fn is_api_down(&self) -> bool {
        self.api_down || within(&self.quirks.api_down, self.begin, self.now)
    }

    /// Up to where time may go, where the clock shows `limit`: not past the earliest retry that may yet be planned.
    fn bound(&self, limit: Timestamp) -> Timestamp {
        let retry = self.under_way.keys().next().map(|at| at.plus(SOONEST_RETRY).minus(Duration::from_millis(1)));
        retry.map_or(limit, |retry| retry.min(limit))
    }

    /// Whether something is on its way and not answered.
    pub fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// How many attempts are planned.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Lives on until something is to be sent, or `limit`.
    pub fn next(&mut self, limit: Timestamp) -> Next {
        let bound = self.bound(limit);
        for _ in 0..AT_ONCE {
            let planned = self.queue.peek().map(|Reverse(planned)| planned.at);
            let until = planned.map_or(bound, |planned| planned.min(bound));
            if self.fleet.next_at().is_some_and(|at| at <= until) {
                match self.fleet.next_until(until) {
                    Some(Happening::Webhook(webhook)) => self.told(webhook.at, webhook.kind, webhook.body, false),
                    Some(Happening::Truth(truth)) => self.write(&truth),
                    None => {}
                }
                continue;
            }
            match self.queue.pop() {
                Some(Reverse(planned)) if planned.at <= bound => {
                    if let Some(attempt) = self.attempt(planned) {
                        return Next::Send(attempt);
                    }
                }
                later => {
                    self.queue.extend(later);
                    self.pass_to(bound);
                    return Next::Rest([planned, self.fleet.next_at()].into_iter().flatten().min());
                }
            }
        }
        Next::More
    }

    fn pass_to(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        if self.now >= self.forget_at {
            self.forget_at = self.now.plus(DAY);
            for shelf in [&mut self.orders, &mut self.returns, &mut self.tickets] {
                shelf.forget_before(self.now);
            }
        }
    }

    /// Takes in what an envelope tells and plans to send it to whoever has subscribed, unless it is `unsent`.
    fn told(&mut self, at: Timestamp, kind: &str, mut body: Vec<u8>, unsent: bool) {
        self.pass_to(at);
        self.tally.told += 1;
        let shelf = match kind {
            "order.statusFull" => Some(&mut self.orders),
            "return.statusFull" => Some(&mut self.returns),
            "supportTicket.event" => Some(&mut self.tickets),
            _ => None,
        };
        if let (Some(shelf), Ok(outer)) = (shelf, serde_json::from_slice::<Outer<'_>>(&body)) {
            shelf.keep(outer.payload.get().as_bytes(), at);
        }
        if !self.subscriptions.values().any(|subscription| subscription.kind == kind) {
            return;
        }
        let mut chance = Chance::of(self.seed, self.tally.told | (1 << 62));
        if chance.happens(self.quirks.odd)
            && let Some(odd) = odd::written(&body, &mut chance)
        {
            body = odd;
            self.tally.odd += 1;
        }
        let to = self.subscriptions.iter().filter(|(_, subscription)| subscription.kind == kind);
        let to = to.map(|(id, subscription)| (*id, Arc::clone(&subscription.url)));
        let rows = self.log.add(to, kind, &body, self.secret.as_ref(), at);
        if !unsent {
            rows.for_each(|row| self.plan(at, row, 0));
        }
    }

    /// Time has passed to `limit`, by the clock; as far as nothing under way holds it back and nothing is due before.
    pub fn pass(&mut self, limit: Timestamp) {
        let planned = self.queue.peek().map(|Reverse(planned)| planned.at);
        let due = [planned, self.fleet.next_at()].into_iter().flatten().min();
        let bound = self.bound(limit);
        self.pass_to(due.map_or(bound, |due| due.min(bound)));
    }

    /// An envelope beside those of the fleet; gives its number. One that is `unsent` is in the log alone, as if every
    /// attempt had failed.
    pub fn add(&mut self, kind: &str, payload: &str, unsent: bool) -> u64 {
        let id = self.next_added;
        self.next_added += 1;
        let kind_json = serde_json::Value::from(kind);
        let body = format!(r#"{{"id":{id},"type":{kind_json},"payload":{payload}}}"#);
        self.told(self.now, kind, body.into_bytes(), unsent);
        id
    }

    fn plan(&mut self, at: Timestamp, row: u64, number: u32) {
        let at = at.plus(self.quirks.fate(self.seed, row, number).held_up);
        self.planned += 1;
        self.queue.push(Reverse(Planned { at, place: self.planned, row, number }));
    }

    /// Begins an attempt; `None` where it comes to nothing at once.
    fn attempt(&mut self, planned: Planned) -> Option<Attempt> {
        let Planned { at, row: id, number, .. } = planned;
        self.pass_to(at);
        let fate = self.quirks.fate(self.seed, id, number);
        let row = self.log.get_mut(id)?;
        // Nobody documents which secret a retry carries after a change; so both happen.
        let secret = if number > 0 && id.is_multiple_of(2) { &row.secret } else { &self.secret };
        let secret = if fate.wrong_secret { Some(Arc::from("not-the-secret-of-this-account")) } else { secret.clone() };
        let (url, body) = (Arc::clone(&row.url), row.envelope());
        let attempt = Attempt { row: id, at, number, url, body, secret, unanswered: fate.unanswered };
        self.tally.attempts += 1;
        *self.under_way.entry(at).or_default() += 1;
        if self.undelivered || within(&self.quirks.undelivered, self.begin, at) {
            self.end(&attempt, None);
            return None;
        }
        Some(attempt)
    }

    /// Notes what became of an attempt: the status of the answer, if there was one.
    pub fn end(&mut self, attempt: &Attempt, status: Option<u16>) {
        let Attempt { row: id, at, number, unanswered, .. } = *attempt;
        if let Some(count) = self.under_way.get_mut(&at) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&at);
            }
        }
        // The only answer that is documented to count.
        let taken = status == Some(200);
        match status {
            Some(200) if unanswered => self.tally.unanswered += 1,
            Some(200) => self.tally.delivered += 1,
            Some(_) => self.tally.refused += 1,
            None => self.tally.unreached += 1,
        }
        let Some(row) = self.log.get_mut(id) else { return };
        row.status = if unanswered { None } else { status };
        row.retries = number;
        row.retried = (number > 0).then_some(at);
        if taken && !unanswered {
            return;
        }
        match self.quirks.next_attempt(at, number + 1) {
            Some(again) => self.plan(again, id, number + 1),
            None => self.tally.given_up += 1,
        }
    }

    /// Notes a refused request.
    pub fn refuse(&mut self, method: &str, path: &str, status: u16, reason: &str) {
        self.tally.refused_requests += 1;
        if self.refused.len() < REMEMBERED {
            let (at, method, path) = (self.now.to_string(), method.to_owned(), path.to_owned());
            self.refused.push(Refused { at, method, path, status, reason: reason.to_owned() });
        }
    }

    /// The refused requests.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    fn write(&mut self, truth: &Truth) {
        let Some(out) = &mut self.truths else { return };
        if let Err(error) = truth.write_line(out) {
            self.truths = None;
            self.truths_failed = Some(error);
        }
    }

    /// Ends the history: what is wrong now is told as still wrong.
    ///
    /// # Errors
    /// When the file of truths could not be written.
    pub fn close(&mut self) -> io::Result<()> {
        self.fleet.break_off();
        while let Some(happening) = self.fleet.next_until(Timestamp(i64::MAX)) {
            if let Happening::Truth(truth) = happening {
                self.write(&truth);
            }
        }
        if let Some(out) = &mut self.truths {
            out.flush()?;
        }
        self.truths_failed.take().map_or(Ok(()), Err)
    }
}
