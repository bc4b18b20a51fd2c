//! What is wrong between this daemon and the account at Impilo, and what to do about it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::accepted::Secrets;
use super::client::{Client, LogQuery, LogRow, Page};
use super::rotation::Keeper;
use super::webhooks::{Action, Plan};
use super::{ApiError, NoClient, needs};
use crate::engine::{RuleSet, Timestamp};
use crate::store::NEVER;

/// A clock that is off by no more than this is right.
const CLOCKS_APART: i64 = 60_000;

/// Pages of the log that are read for errors; more is told as "at least".
const PAGES: u32 = 4;

/// Names that are listed at most.
const NAMED: usize = 6;

/// Impilo sends an event once and three times more (documented).
const RETRIES: i32 = 3;

/// Answers that are no success and that this daemon, or a proxy before it, gives.
const ERRORS: [u16; 16] = [400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 429, 500, 501, 502, 503, 504];

/// How one check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Fine,
    Wrong,
    /// It could not be looked at.
    Unknown,
}

/// One check: what was found, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub verdict: Verdict,
    pub found: String,
    pub advice: Option<String>,
}

/// All checks at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub at: Timestamp,
    pub checks: Vec<Check>,
}

impl Report {
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.checks.iter().all(|check| check.verdict == Verdict::Fine)
    }
}

/// What the account says when it is asked.
pub struct Answers {
    /// What is to be done about subscriptions; `None` where that cannot be told.
    pub webhooks: Result<Option<Plan>, ApiError>,
    /// The types that come here.
    pub subscribed: BTreeSet<String>,
    pub secret: Result<Option<SecretString>, ApiError>,
    pub errors: Result<Errors, ApiError>,
    /// Milliseconds by which Impilo's clock is ahead of ours.
    pub ahead: Option<i64>,
}

/// What the log holds of events that were not taken at once.
#[derive(Default)]
pub struct Errors {
    /// By our last answer: how many, and when the last was made.
    by_status: BTreeMap<i32, (usize, Option<Timestamp>)>,
    /// Sent again and taken then.
    late: usize,
    /// Answered with an error to the last.
    given_up: usize,
    /// There are more.
    at_least: bool,
}

/// What is known here.
pub struct Here<'a> {
    pub now: Timestamp,
    /// Those in force, where there are any.
    pub rules: Option<&'a RuleSet>,
    pub accepted: &'a Secrets,
    pub keeper: &'a Keeper,
    /// The last event of each type, and how many there are.
    pub heard: &'a [(String, Timestamp, u64)],
    pub public_url: Option<&'a str>,
}

/// Looks for errors in the log since `from`, of events for the address that `is_ours` knows.
///
/// # Errors
/// Where Impilo gives no answer that can be used.
pub async fn errors(client: &Client, from: Timestamp, is_ours: impl Fn(&str) -> bool) -> Result<Errors, ApiError> {
    let query = LogQuery { from: Some(from), ..LogQuery::default() };
    let mut found = Errors::default();
    let mut seen = HashSet::new();
    for page in 1..=PAGES {
        let Page { rows, last, .. } = client.log_answered(&query, &ERRORS, page).await?;
        found.take(rows, &mut seen, &is_ours);
        if last {
            break;
        }
        found.at_least |= page == PAGES;
    }
    for page in 1..=PAGES {
        let Page { rows, last, .. } = client.log_retried(&query, page).await?;
        found.take(rows, &mut seen, &is_ours);
        if last {
            break;
        }
        found.at_least |= page == PAGES;
    }
    Ok(found)
}

impl Errors {
    fn take(&mut self, rows: Vec<LogRow>, seen: &mut HashSet<LogRow>, is_ours: &impl Fn(&str) -> bool) {
        for row in rows {
            if row.url.as_deref().is_some_and(|url| !is_ours(url)) || seen.contains(&row) {
                continue;
            }
            match row.last_status {
                Some(status) if (200..300).contains(&status) => {
                    self.late += usize::from(row.retry_attempts.is_some_and(|retries| retries > 0));
                }
                status => {
                    let (count, last) = self.by_status.entry(status.unwrap_or_default()).or_default();
                    *count += 1;
                    *last = (*last).max(row.last_retry_at.or(row.created_at));
                    self.given_up += usize::from(row.retry_attempts.is_some_and(|retries| retries >= RETRIES));
                }
            }
            seen.insert(row);
        }
    }
}

/// Every check.
#[must_use]
pub fn examine(here: &Here<'_>, asked: &Result<Answers, NoClient>) -> Report {
    let mut checks = vec![address(here)];
    match asked {
        Err(error) => {
            let found = match error {
                NoClient::NoKey => {
                    "no API key of Impilo's is configured, so outages cannot be healed and nothing can be compared"
                }
                NoClient::Key(_) | NoClient::Unusable(_) => "Impilo's API key cannot be used",
            };
            checks.push(wrong("api_key", found.to_owned(), &error.to_string()));
            checks.push(events(here, None));
        }
        Ok(answers) => {
            checks.push(api(answers));
            checks.push(clock(answers));
            checks.push(secret(here, answers));
            checks.push(subscriptions(answers));
            checks.push(rules(here, answers));
            checks.push(events(here, Some(answers)));
            checks.push(log(answers));
        }
    }
    if let Some(damage) = here.keeper.damage() {
        let advice = "What was made here is not accepted. Ask Impilo what it has (GET /api/v3/webhook-secret), configure that, and \
                      move the file away.";
        checks.push(wrong("kept_secrets", damage, advice));
    }
    Report { at: here.now, checks }
}

fn fine(name: &str, found: String) -> Check {
    Check { name: name.to_owned(), verdict: Verdict::Fine, found, advice: None }
}

fn wrong(name: &str, found: String, advice: &str) -> Check {
    Check { name: name.to_owned(), verdict: Verdict::Wrong, found, advice: Some(advice.to_owned()) }
}

fn unknown(name: &str, error: &ApiError) -> Check {
    let (name, found) = (name.to_owned(), format!("it cannot be told: {error}"));
    Check { name, verdict: Verdict::Unknown, found, advice: None }
}

fn address(here: &Here<'_>) -> Check {
    let name = "public_url";
    match here.public_url {
        None => wrong(
            name,
            "`public_url` is not configured, so nobody can tell whether subscriptions lead here".to_owned(),
            "Set `public_url` to the address under which Impilo reaches this daemon.",
        ),
        Some(url) if !url.starts_with("https://") && !is_loopback(url) => wrong(
            name,
            "`public_url` begins with http://, so webhooks with health data and their secret would travel in the clear"
                .to_owned(),
            "Put a reverse proxy with TLS before this daemon, and write https:// in `public_url`.",
        ),
        Some(url) => fine(name, format!("Impilo should send to {}", super::webhooks::address(url))),
    }
}

fn is_loopback(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| crate::config::is_guarded(&url))
}

fn api(answers: &Answers) -> Check {
    let name = "api_key";
    let refused = [answers.webhooks.as_ref().err(), answers.secret.as_ref().err(), answers.errors.as_ref().err()];
    // A list that is too long says nothing against the key.
    let refused = refused.into_iter().flatten().find(|error| !matches!(error, ApiError::TooLong(_)));
    match refused {
        None => fine(
            name,
            "Impilo answers, and takes the API key; when the key expires, only Impilo's account portal tells"
                .to_owned(),
        ),
        Some(error @ ApiError::Refused(_)) => wrong(
            name,
            error.to_string(),
            "Make a new key in Impilo's account portal, write it where `impilo.api_key` refers to, and restart.",
        ),
        Some(error @ ApiError::Unreachable(_)) => wrong(
            name,
            error.to_string(),
            "Look whether this machine reaches the address in `impilo.api`, through its proxy or firewall, too.",
        ),
        Some(error) if error.may_pass() => wrong(
            name,
            error.to_string(),
            "Nothing is to be done here but to wait: it is asked again by itself. Where it lasts for hours, ask Impilo.",
        ),
        Some(error) => {
            wrong(name, error.to_string(), "Compare `impilo.api` with Impilo's documentation, and ask Impilo.")
        }
    }
}

fn clock(answers: &Answers) -> Check {
    let name = "clock";
    match answers.ahead {
        None => Check {
            name: name.to_owned(),
            verdict: Verdict::Unknown,
            found: "Impilo does not say what its clock shows".to_owned(),
            advice: None,
        },
        Some(ahead) if ahead.abs() > CLOCKS_APART => {
            let way = if ahead > 0 { "behind" } else { "ahead of" };
            let found = format!("this machine's clock is {} s {way} Impilo's", ahead.abs() / 1000);
            wrong(name, found, "Look at what sets this machine's clock (`timedatectl`).")
        }
        Some(_) => fine(name, "this machine's clock and Impilo's show the same, to the minute".to_owned()),
    }
}

fn secret(here: &Here<'_>, answers: &Answers) -> Check {
    let name = "webhook_secret";
    let there = match &answers.secret {
        Err(error) => return unknown(name, error),
        Ok(None) => {
            return wrong(
                name,
                "Impilo has no webhook secret, so its webhooks are refused here".to_owned(),
                "Run `pulsewarden impilo secret rotate`: it makes one and gives it to Impilo.",
            );
        }
        Ok(Some(there)) => there,
    };
    match (here.accepted.name_of(there), here.keeper.to_copy()) {
        (None, _) => wrong(
            name,
            "Impilo's webhook secret is not accepted here, so its webhooks are refused".to_owned(),
            "Add it to `impilo.webhook_secrets`, or run `pulsewarden impilo secret rotate`, which accepts it and replaces it.",
        ),
        (Some(_), Some(copy)) => wrong(
            name,
            format!("Impilo's webhook secret is accepted, but only {} holds it", copy.display()),
            &to_configure(&copy),
        ),
        (Some(place), None) => fine(name, format!("Impilo's webhook secret is accepted here ({place})")),
    }
}

/// What to do with a secret that was made here.
#[must_use]
pub fn to_configure(copy: &std::path::Path) -> String {
    format!(
        "Copy it to where `impilo.webhook_secrets` refers to, as in: sudo install -m 600 {} {}/impilo-webhook-secret && sudo \
         systemctl restart pulsewarden",
        copy.display(),
        crate::config::SECRETS_FOLDER
    )
}

fn subscriptions(answers: &Answers) -> Check {
    let name = "subscriptions";
    let plan = match &answers.webhooks {
        Err(error) => return unknown(name, error),
        Ok(None) => {
            let found = "they cannot be compared: that needs `public_url`, rules in force, and what was made here (see \
                         `pulsewarden impilo webhooks sync`)";
            return Check { name: name.to_owned(), verdict: Verdict::Unknown, found: found.to_owned(), advice: None };
        }
        Ok(Some(plan)) => plan,
    };
    let of = |action| plan.steps.iter().filter(move |step| step.action == action).map(|step| step.kind.as_str());
    let mut faults = Vec::new();
    for (action, what) in
        [(Action::Create, "missing"), (Action::Move, "to another address"), (Action::Delete, "needless")]
    {
        let kinds: Vec<&str> = of(action).collect();
        if !kinds.is_empty() {
            faults.push(format!("{what}: {}", some(&kinds)));
        }
    }
    let left = plan.left.iter().filter(|left| left.harmful);
    let left: Vec<String> = left.map(|left| format!("{} {} ({})", left.kind, left.id, left.why)).collect();
    if !left.is_empty() {
        faults.push(format!("not made here: {}", some(&left)));
    }
    if faults.is_empty() {
        let more = match plan.left.len() {
            0 => String::new(),
            more => format!(", and {more} that no rule needs and that were not made here"),
        };
        return fine(name, format!("all {} types that are needed come here{more}", plan.in_order.len()));
    }
    let advice = if left.is_empty() {
        "See `pulsewarden impilo webhooks sync`, and then carry it out with --apply."
    } else {
        "See `pulsewarden impilo webhooks sync`, and then carry it out with --apply; what was not made here it deletes with \
         --delete-unknown alone."
    };
    wrong(name, faults.join("; "), advice)
}

fn rules(here: &Here<'_>, answers: &Answers) -> Check {
    let name = "rules";
    let rules = match (&answers.webhooks, here.rules) {
        (Err(error), _) => return unknown(name, error),
        (Ok(Some(_)), Some(rules)) => rules,
        (Ok(_), _) => {
            let found = "it cannot be told which can fire".to_owned();
            return Check { name: name.to_owned(), verdict: Verdict::Unknown, found, advice: None };
        }
    };
    let subscribed = answers.subscribed.iter().map(String::as_str).collect();
    let starved = needs::starved(rules, &subscribed);
    if starved.is_empty() {
        return fine(name, "every rule can fire: the types that it is about come here".to_owned());
    }
    let names: Vec<&str> = starved.iter().map(smol_str::SmolStr::as_str).collect();
    wrong(
        name,
        format!("rules that can never fire, since nothing that they are about comes here: {}", some(&names)),
        "Subscribe to the types with `pulsewarden impilo webhooks sync --apply`.",
    )
}

fn events(here: &Here<'_>, answers: Option<&Answers>) -> Check {
    let last = |(kind, at, _): &(String, Timestamp, u64)| match *at {
        NEVER => format!("{kind} long ago"),
        at => format!("{kind} {at}"),
    };
    let came = if here.heard.is_empty() {
        "no webhook has come yet".to_owned()
    } else {
        format!("last events: {}", here.heard.iter().map(last).collect::<Vec<_>>().join(", "))
    };
    let heard: BTreeSet<&str> = here.heard.iter().map(|(kind, ..)| kind.as_str()).collect();
    let never = answers.map(|answers| answers.subscribed.iter().filter(|kind| !heard.contains(kind.as_str())));
    let never: Vec<&String> = never.into_iter().flatten().collect();
    let never =
        if never.is_empty() { String::new() } else { format!("; subscribed to and never come: {}", all(&never)) };
    fine("events", format!("{came}{never}"))
}

fn log(answers: &Answers) -> Check {
    let name = "deliveries";
    let errors = match &answers.errors {
        Err(error) => return unknown(name, error),
        Ok(errors) => errors,
    };
    let late = match errors.late {
        0 => String::new(),
        late => format!("; {late} were taken only when Impilo sent them again"),
    };
    if errors.by_status.is_empty() {
        return fine(name, format!("Impilo's log of the last day shows no event that was not taken{late}"));
    }
    let at_least = if errors.at_least { "at least " } else { "" };
    let count: usize = errors.by_status.values().map(|(count, _)| count).sum();
    let each = errors.by_status.iter().map(|(status, (count, last))| {
        let last = last.map(|last| format!(", the last {last}")).unwrap_or_default();
        match status {
            0 => format!("{count} without an answer{last}"),
            status => format!("{count} with {status}{last}"),
        }
    });
    let each = each.collect::<Vec<_>>().join("; ");
    let mut found =
        format!("Impilo's log of the last day shows {at_least}{count} events that were not taken: {each}{late}");
    // What failed at our side comes again; what was refused is refused again.
    let refused = errors.by_status.keys().any(|status| (400..500).contains(status));
    if errors.given_up > 0 {
        found += &format!("; Impilo has given up on {}", errors.given_up);
    }
    if refused || errors.given_up > 0 {
        let advice = "401 is the secret (see above), 404 the address, 413 `receive.max_body`, 502 to 504 the proxy before this \
                      daemon; the daemon's log says more.";
        return wrong(name, found, advice);
    }
    fine(name, found)
}

/// The first of many, in words.
pub fn some(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn all(names: &[&String]) -> String {
    names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
}
