//! The part of Impilo's v3 API that Pulsewarden asks. Whatever may be asked twice is asked again a few times where there is no
//! answer or a "not now".

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat};
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::ApiError;
use super::call::Call;
use super::pace::Pace;
use super::pages::Pages;
use crate::clock::Clock;
use crate::engine::Timestamp;
use crate::impilo::answer;
pub use crate::impilo::answer::{LogRow, LoggedPayload, Page, RawObject, Subscription, TooLong};
use crate::notify::http::{cause, wait};

/// The header that holds the API key (documented).
const KEY_HEADER: &str = "Impilo-API-Key";

/// For one request, connection included. A page of 250 devices takes its time.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(10);

/// Attempts at one request, and the waits between them: the first, doubled each time.
const ATTEMPTS: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(400);

/// The longest wait that is sat out here; whoever is asked to wait longer asks again by himself.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// Bytes of an answer. A full page holds 250 objects of a few kilobytes.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;

/// Rows of a page: as many as Impilo gives (documented), and fewer where their answer is too long. Each is a part of the one
/// before, so that the same rows can be asked for in smaller pages.
const SIZES: [u32; 4] = [250, 50, 10, 1];

/// Rows one behind the other that are stepped over because each is too long by itself. Where more are, it is not the rows.
const MOST_TOO_LONG: usize = 5;

/// Subscriptions that an account may have: a few dozen types, each to many addresses.
const MOST_SUBSCRIPTIONS: usize = 5_000;

/// Stands for a difference of clocks that is not known.
const UNKNOWN: i64 = i64::MIN;

/// Talks to one account.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// For what must not be sent twice: it keeps no connections, of which nobody knows whether the other side has closed them.
    fresh: reqwest::Client,
    base: Url,
    key: HeaderValue,
    clock: Clock,
    /// Milliseconds by which Impilo's clock is ahead of ours, as its last answer said.
    ahead: Arc<AtomicI64>,
    /// Until when Impilo has asked to be left alone.
    quiet_until: Arc<Mutex<Option<Instant>>>,
    /// What its requests keep to, and how many a minute there may be.
    pace: Option<(Arc<Pace>, u64)>,
}

/// Which rows of the log are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Created at or after this.
    pub from: Option<Timestamp>,
    /// Created before this (documented as exclusive).
    pub until: Option<Timestamp>,
    /// Of one type alone.
    pub kind: Option<String>,
}

/// What one attempt brought, where it brought no answer.
struct Failed {
    error: ApiError,
    /// Whether it may be tried again, and after what time at the least.
    again: Option<Duration>,
}

impl Client {
    /// A client of the account to which `key` belongs. `base` is the address before `/api/v3`.
    ///
    /// # Errors
    /// Where the address or the key cannot stand in a request. Neither is repeated.
    pub fn new(base: &str, key: SecretString) -> anyhow::Result<Self> {
        let base = Url::parse(base).ok().filter(|url| !url.cannot_be_a_base());
        let base = base.context("`impilo.api` is not a web address; write https://app.impiloplatform.com")?;
        let mut key = HeaderValue::from_str(key.expose_secret()).ok().context(
            "Impilo's API key has characters that no key has; copy it again to where `impilo.api_key` refers to",
        )?;
        key.set_sensitive(true);
        let builder = || {
            reqwest::Client::builder()
                .timeout(TIMEOUT)
                .connect_timeout(CONNECT)
                .user_agent(concat!("pulsewarden/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
        };
        let http = builder().build().context("no HTTP client can be made")?;
        let fresh = builder().pool_max_idle_per_host(0).build().context("no HTTP client can be made")?;
        let ahead = Arc::new(AtomicI64::new(UNKNOWN));
        Ok(Self { http, fresh, base, key, clock: Clock::Wall, ahead, quiet_until: Arc::default(), pace: None })
    }

    /// The same by another clock than that on the wall.
    #[must_use]
    pub(super) fn by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The same, for what has time: it makes no more than `most` requests a minute together with all that keep to `pace`.
    #[must_use]
    pub fn paced(self, pace: &Arc<Pace>, most: u64) -> Self {
        Self { pace: Some((Arc::clone(pace), most)), ..self }
    }

    /// Whether the other talks to the same account.
    pub(super) fn is_of_the_account_of(&self, other: &Self) -> bool {
        self.base == other.base && self.key == other.key
    }

    /// By how many milliseconds Impilo's clock is ahead of ours (behind it where negative), as far as its last answer told:
    /// to the second, and to the time that the answer took.
    #[must_use]
    pub fn ahead(&self) -> Option<i64> {
        Some(self.ahead.load(Ordering::Relaxed)).filter(|ahead| *ahead != UNKNOWN)
    }

    /// What its clock showed is not known until it answers again.
    pub fn forget_clock(&self) {
        self.ahead.store(UNKNOWN, Ordering::Relaxed);
    }

    /// Every subscription of the account, whatever its address.
    ///
    /// # Errors
    /// Where Impilo gives no answer that can be used; so for all that follow.
    pub async fn webhooks(&self) -> Result<Vec<Subscription>, ApiError> {
        let page = |page| async move {
            let page = self.page(Call::page(&["webhook"], page)).await?;
            // Whoever does not know all of them must not change any.
            if page.too_long.is_empty() {
                Ok(page.map(Subscription::read))
            } else {
                Err(ApiError::TooLong(LONGEST_ANSWER))
            }
        };
        Pages::new(page, |found: &Subscription| found.id).all(MOST_SUBSCRIPTIONS).await
    }

    /// Subscribes to one type.
    pub async fn create_webhook(&self, kind: &str, url: &str) -> Result<Subscription, ApiError> {
        let body = self.ask(Call::sends(Method::POST, &["webhook"], json!({ "type": kind, "url": url }))).await?;
        Subscription::parse(&body).ok_or(ApiError::Unreadable("no id of the new subscription"))
    }

    /// Leads a subscription to another address.
    pub async fn move_webhook(&self, id: i64, url: &str) -> Result<(), ApiError> {
        let id = id.to_string();
        let path = ["webhook", &id];
        match self.ask(Call::sends(Method::PATCH, &path, json!({ "url": url }))).await {
            // Documented: the address that it has already is refused. So an attempt whose answer was lost looks like this.
            Err(error @ ApiError::Answered(400)) => {
                let there = Subscription::parse(&self.ask(Call::get(&path)).await?);
                let is_there = |there: Subscription| there.id.to_string() == id && there.url == url;
                if there.is_some_and(is_there) { Ok(()) } else { Err(error) }
            }
            answer => answer.map(drop),
        }
    }

    /// Ends a subscription. One that is gone already is no error.
    pub async fn delete_webhook(&self, id: i64) -> Result<(), ApiError> {
        let id = id.to_string();
        match self.ask(Call { method: Method::DELETE, ..Call::get(&["webhook", &id]) }).await {
            Err(ApiError::NotFound) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// The account's one secret, which stands in every webhook; `None` where it has none. How Impilo says so is not
    /// documented.
    pub async fn secret(&self) -> Result<Option<SecretString>, ApiError> {
        match self.ask(Call::get(&["webhook-secret"])).await {
            Ok(body) => match answer::secret(&body) {
                Some(secret) => Ok(Some(secret).filter(|secret| !secret.expose_secret().is_empty())),
                None => Err(ApiError::Unreadable("no secret where one should be")),
            },
            // Where nothing else is found either, it is the address that is wrong.
            Err(ApiError::NotFound | ApiError::Answered(400)) => {
                self.page(Call::page(&["webhook"], 1)).await.map(|_| None)
            }
            Err(ApiError::TooLong(_)) => Err(ApiError::Unreadable("it is far too long for a secret")),
            Err(error) => Err(error),
        }
    }

    /// Gives an account without a secret one.
    pub async fn create_secret(&self, secret: &SecretString) -> Result<(), ApiError> {
        self.send_secret(Method::POST, secret).await
    }

    /// Puts another secret in the place of the account's. From then on every webhook carries it, retries of older ones too.
    pub async fn change_secret(&self, secret: &SecretString) -> Result<(), ApiError> {
        self.send_secret(Method::PATCH, secret).await
    }

    async fn send_secret(&self, method: Method, secret: &SecretString) -> Result<(), ApiError> {
        let body = json!({ "secret": secret.expose_secret() });
        self.ask(Call::sends(method, &["webhook-secret"], body)).await.map(drop)
    }

    /// Lets Impilo send an `order.status` webhook of an order that does not exist, with this status and this number of ours
    /// (documented; the order's own id is random).
    pub async fn test_order_status(&self, status: &str, external_id: &str) -> Result<(), ApiError> {
        let body = json!({ "orderStatusName": status, "externalOrderIds": [external_id] });
        self.ask(Call::sends(Method::POST, &["test", "order-status-webhook"], body)).await.map(drop)
    }

    /// One page of the webhook log. Neither order nor retention are documented.
    pub async fn log(&self, query: &LogQuery, page: u32) -> Result<Page<LogRow>, ApiError> {
        Ok(self.page(Self::log_call(query, page)).await?.of_log())
    }

    /// As [`Client::log`], of rows that were sent more than once.
    pub async fn log_retried(&self, query: &LogQuery, page: u32) -> Result<Page<LogRow>, ApiError> {
        Ok(self.page(Self::log_call(query, page).with("retryAttemptsMin", "1")).await?.of_log())
    }

    /// As [`Client::log`], of rows that were last answered with one of `statuses`.
    pub async fn log_answered(&self, query: &LogQuery, statuses: &[u16], page: u32) -> Result<Page<LogRow>, ApiError> {
        let call = statuses
            .iter()
            .fold(Self::log_call(query, page), |call, status| call.with("lastResponseStatus", status.to_string()));
        Ok(self.page(call).await?.of_log())
    }

    fn log_call(query: &LogQuery, page: u32) -> Call<'static> {
        let mut call = Call::page(&["webhook", "logs"], page);
        for (name, at) in [("startTimestamp", query.from), ("endTimestamp", query.until)] {
            if let Some(at) = at.and_then(|at| DateTime::from_timestamp_millis(at.0)) {
                call = call.with(name, at.to_rfc3339_opts(SecondsFormat::Millis, true));
            }
        }
        match &query.kind {
            Some(kind) => call.with("webhookType", kind),
            None => call,
        }
    }

    /// `None` where Impilo has no such device; so for all that follow.
    pub async fn device(&self, id: &str) -> Result<Option<RawObject>, ApiError> {
        self.object(&["device", id]).await
    }

    pub async fn order(&self, id: &str) -> Result<Option<RawObject>, ApiError> {
        self.object(&["order", id]).await
    }

    pub async fn return_(&self, id: &str) -> Result<Option<RawObject>, ApiError> {
        self.object(&["return", id]).await
    }

    pub async fn ticket(&self, id: &str) -> Result<Option<RawObject>, ApiError> {
        self.object(&["support-ticket", id]).await
    }

    /// One page of the devices that are with patients, by id.
    pub async fn devices_with_patients(&self, page: u32) -> Result<Page<RawObject>, ApiError> {
        self.objects(Call::page(&["device"], page).with("status", "withPatient").with("sort", "deviceId")).await
    }

    /// One page of all orders: there is no filter by status or time (documented).
    pub async fn orders(&self, page: u32) -> Result<Page<RawObject>, ApiError> {
        self.objects(Call::page(&["order"], page)).await
    }

    /// One page of the returns, of one status where one is given.
    pub async fn returns(&self, status: Option<&str>, page: u32) -> Result<Page<RawObject>, ApiError> {
        let mut call = Call::page(&["return"], page);
        if let Some(status) = status {
            call = call.with("status", status);
        }
        self.objects(call).await
    }

    /// One page of objects; what has no id, or is too long, is left out.
    async fn objects(&self, call: Call<'_>) -> Result<Page<RawObject>, ApiError> {
        Ok(self.page(call).await?.of_objects())
    }

    async fn object(&self, path: &[&str]) -> Result<Option<RawObject>, ApiError> {
        match self.ask(Call::get(path)).await.map(RawObject::new) {
            Ok(object) if object.id().as_deref() == path.last().copied() => Ok(Some(object)),
            Ok(object) if object.is_object() => Err(ApiError::Another),
            Ok(_) => Err(ApiError::Unreadable("no object where one should be")),
            Err(ApiError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One of the largest pages, in parts where it is too long, and without the rows that are too long by themselves.
    async fn page(&self, call: Call<'_>) -> Result<Page<RawObject>, ApiError> {
        let mut whole = Page { rows: Vec::new(), last: false, total: None, left_out: 0, too_long: Vec::new() };
        // By row, and how many are asked for at once at most.
        let first = (call.page.unwrap_or(1) - 1).saturating_mul(SIZES[0]);
        let (mut at, end, mut most, mut in_a_row) = (first, first.saturating_add(SIZES[0]), SIZES[0], 0);
        while at < end && !whole.last {
            // The largest page that begins here and is not known to be too long.
            let size = SIZES.into_iter().find(|size| *size <= most && at.is_multiple_of(*size)).unwrap_or(1);
            match self.part(call.clone(), at / size + 1, size).await {
                Ok(part) => {
                    whole.rows.extend(part.rows);
                    whole.left_out += part.left_out;
                    (whole.last, whole.total, at) = (part.last, part.total, at + size);
                    (most, in_a_row) = (SIZES[0], 0);
                }
                Err(ApiError::TooLong(_)) if size > 1 => most = size - 1,
                Err(ApiError::TooLong(_)) if in_a_row + 1 < MOST_TOO_LONG => {
                    whole.too_long.push(TooLong { place: at + 1, behind: whole.rows.len() });
                    (at, most, in_a_row) = (at + 1, SIZES[0], in_a_row + 1);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(whole)
    }

    async fn part(&self, mut call: Call<'_>, page: u32, size: u32) -> Result<Page<RawObject>, ApiError> {
        call.query.extend([("page", page.to_string()), ("size", size.to_string())]);
        Page::read(&self.ask(call).await?).ok_or(ApiError::Unreadable("no page where one should be"))
    }

    /// Asks, again where that may help, and gives the body of the answer.
    async fn ask(&self, call: Call<'_>) -> Result<String, ApiError> {
        let mut pause = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            self.wait_until_welcome().await?;
            let failed = match self.attempt(&call).await {
                Ok(body) => return Ok(body),
                Err(failed) => failed,
            };
            self.heed(&failed.error);
            let least = failed.again.filter(|least| attempt < ATTEMPTS && *least <= LONGEST_WAIT);
            let Some(least) = least else { return Err(failed.error) };
            tokio::time::sleep(pause.mul_f64(0.75 + fastrand::f64() / 2.0).max(least)).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// Waits while Impilo wants to be left alone, whoever heard of that.
    ///
    /// # Errors
    /// Where that takes too long; then it is not asked.
    async fn wait_until_welcome(&self) -> Result<(), ApiError> {
        loop {
            let quiet_until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
            let left = quiet_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Ok(());
            }
            if left > LONGEST_WAIT {
                return Err(ApiError::Busy { after: Some(left) });
            }
            tokio::time::sleep(left).await;
        }
    }

    fn heed(&self, error: &ApiError) {
        if let ApiError::Busy { after: Some(after) } = error {
            let mut quiet_until = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
            *quiet_until = (*quiet_until).max(Instant::now().checked_add(*after));
        }
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<String, Failed> {
        let failed = |error, again: bool| Failed { error, again: again.then_some(Duration::ZERO) };
        let http = if call.repeatable { &self.http } else { &self.fresh };
        let mut request = http.request(call.method.clone(), self.address(call)).header(KEY_HEADER, &self.key);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        if let Some((pace, most)) = &self.pace {
            pace.turn(*most).await;
        }
        let asked_at = self.clock.now();
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                // Without a connection nothing was sent. Who says nothing for so long is not waited for a second time.
                let again = (call.repeatable || error.is_connect()) && !error.is_timeout();
                return Err(failed(ApiError::Unreachable(cause(error)), again));
            }
        };
        self.compare_clocks(response.headers(), asked_at);
        let status = response.status();
        let after =
            wait(response.headers(), chrono::DateTime::from_timestamp_millis(self.clock.now().0).unwrap_or_default());
        match status {
            _ if status.is_success() => match whole(response).await {
                Ok(body) => Ok(body),
                Err(error) => {
                    let again = call.repeatable && matches!(error, ApiError::Unreachable(_));
                    Err(failed(error, again))
                }
            },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(failed(ApiError::Refused(status.as_u16()), false)),
            StatusCode::NOT_FOUND => Err(failed(ApiError::NotFound, false)),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::REQUEST_TIMEOUT
            | StatusCode::TOO_EARLY => {
                let again = call.repeatable || status == StatusCode::TOO_MANY_REQUESTS;
                let error = ApiError::Busy { after };
                Err(Failed { error, again: again.then(|| after.unwrap_or_default()) })
            }
            _ => Err(failed(ApiError::Answered(status.as_u16()), call.repeatable && status.is_server_error())),
        }
    }

    fn address(&self, call: &Call<'_>) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v3"]).extend(call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }

    /// Impilo's clock stood at `Date` some time between the question and its answer.
    fn compare_clocks(&self, headers: &HeaderMap, asked_at: Timestamp) {
        let date = headers.get(DATE).and_then(|date| DateTime::parse_from_rfc2822(date.to_str().ok()?).ok());
        if let Some(date) = date {
            let here = i64::midpoint(asked_at.0, self.clock.now().0);
            // `Date` tells whole seconds, so half a second more is the best guess.
            self.ahead.store(date.timestamp_millis() + 500 - here, Ordering::Relaxed);
        }
    }
}

/// The whole answer, unless it is endless.
async fn whole(mut response: Response) -> Result<String, ApiError> {
    let too_long = ApiError::TooLong(LONGEST_ANSWER);
    if response.content_length().is_some_and(|length| length > LONGEST_ANSWER as u64) {
        return Err(too_long);
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(piece)) if body.len() + piece.len() > LONGEST_ANSWER => return Err(too_long),
            Ok(Some(piece)) => body.extend_from_slice(&piece),
            Ok(None) => break,
            Err(error) => return Err(ApiError::Unreachable(cause(error))),
        }
    }
    String::from_utf8(body).map_err(|_| ApiError::Unreadable("it is no text"))
}
