//! What is wrong between this daemon and the account at Impilo, and what to do about it.

use std::collections::BTreeSet;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::accepted::Secrets;
use super::rotation::{Copy, Keeper};
use super::untaken::{self, Untaken};
use super::webhooks::{Action, Plan};
use super::{ApiError, KeptError, NoClient, needs};
use crate::engine::{RuleSet, Timestamp};
use crate::store::NEVER;

/// A clock that is off by no more than this is right.
const CLOCKS_APART: i64 = 60_000;

/// Names that are listed at most.
const NAMED: usize = 6;

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
    /// What is wrong, by single words of `found` that do not change while nothing else is wrong.
    #[serde(skip)]
    pub faults: BTreeSet<String>,
}

impl Check {
    pub(super) fn with_faults(self, faults: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { faults: faults.into_iter().map(Into::into).collect(), ..self }
    }
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

/// Why something cannot be told.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Untold {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("`public_url` is not configured")]
    NoAddress,
    #[error("no rules are in force; see `pulsewarden status`")]
    NoRules,
}

/// What the account says when it is asked.
pub struct Answers {
    /// What is to be done about subscriptions, where it is known what was made here.
    pub plan: Result<Result<Plan, KeptError>, Untold>,
    /// The types that come here.
    pub subscribed: Result<BTreeSet<String>, Untold>,
    pub secret: Result<Option<SecretString>, ApiError>,
    pub untaken: Result<Untaken, Untold>,
    /// Milliseconds by which Impilo's clock is ahead of ours.
    pub ahead: Option<i64>,
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
            checks.push(wrong("api_key", found.to_owned(), &error.to_string()).with_faults(["used"]));
            checks.push(unasked_secret(here));
            // What was found before may be so still.
            let asked = ["clock", "subscriptions", "rules", "deliveries"];
            checks.extend(asked.map(|name| cannot_tell(name, "that needs an API key that can be used")));
            checks.push(events(here, None));
        }
        Ok(answers) => {
            checks.push(api(answers));
            checks.push(clock(answers));
            checks.push(secret(here, answers));
            checks.push(subscriptions(answers));
            checks.push(rules(here, answers));
            checks.push(events(here, Some(answers)));
            checks.push(untaken::check(answers));
        }
    }
    if let Some(damage) = here.keeper.damage() {
        let advice = "What was made here is not accepted. Ask Impilo what it has (GET /api/v3/webhook-secret), configure that, and \
                      move the file away.";
        checks.push(wrong("kept_secrets", damage, advice));
    }
    Report { at: here.now, checks }
}

pub(super) fn fine(name: &str, found: String) -> Check {
    Check { name: name.to_owned(), verdict: Verdict::Fine, found, advice: None, faults: BTreeSet::new() }
}

/// What is wrong with it is one thing, unless it gets [`Check::with_faults`].
pub(super) fn wrong(name: &str, found: String, advice: &str) -> Check {
    Check { verdict: Verdict::Wrong, advice: Some(advice.to_owned()), ..fine(name, found) }
}

fn unknown(name: &str, found: String) -> Check {
    Check { verdict: Verdict::Unknown, ..fine(name, found) }
}

pub(super) fn cannot_tell(name: &str, why: impl std::fmt::Display) -> Check {
    unknown(name, format!("it cannot be told: {why}"))
}

fn address(here: &Here<'_>) -> Check {
    let name = "public_url";
    match here.public_url {
        None => wrong(
            name,
            "`public_url` is not configured, so nobody can tell whether subscriptions lead here".to_owned(),
            "Set `public_url` to the address under which Impilo reaches this daemon.",
        )
        .with_faults(["configured"]),
        Some(url) if !url.starts_with("https://") && !is_loopback(url) => wrong(
            name,
            "`public_url` begins with http://, so webhooks with health data and their secret would travel in the clear"
                .to_owned(),
            "Put a reverse proxy with TLS before this daemon, and write https:// in `public_url`.",
        )
        .with_faults(["clear"]),
        Some(url) => fine(name, format!("Impilo should send to {}", super::webhooks::address(url))),
    }
}

fn is_loopback(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| crate::config::is_guarded(&url))
}

fn api(answers: &Answers) -> Check {
    let name = "api_key";
    let api = |untold: Option<&Untold>| match untold {
        Some(Untold::Api(error)) => Some(error.clone()),
        _ => None,
    };
    let [secret, webhooks, untaken] = [
        answers.secret.as_ref().err().cloned(),
        api(answers.subscribed.as_ref().err()),
        api(answers.untaken.as_ref().err()),
    ];
    let answered = secret.is_none() || webhooks.is_none();
    // A list that is too long, and a question that it does not take, say nothing against the key.
    let is_harmless = |error: &ApiError| matches!(error, ApiError::TooLong(_) | ApiError::Answered(400));
    let errors = [secret, webhooks, untaken].into_iter().flatten();
    match errors.clone().find(|error| !is_harmless(error)).or(errors.clone().next().filter(|_| !answered)) {
        Some(error) if is_harmless(&error) => cannot_tell(name, error),
        None => fine(
            name,
            "Impilo answers, and takes the API key; when the key expires, only Impilo's account portal tells"
                .to_owned(),
        ),
        Some(error) => {
            let (fault, advice) = match &error {
                ApiError::Refused(_) => (
                    "refused",
                    "Make a new key in Impilo's account portal, write it where `impilo.api_key` refers to, and restart.",
                ),
                ApiError::Unreachable(_) => (
                    "reached",
                    "Look whether this machine reaches the address in `impilo.api`, through its proxy or firewall, too.",
                ),
                error if error.may_pass() => (
                    "Impilo",
                    "Nothing is to be done here but to wait: it is asked again by itself. Where it lasts for hours, ask Impilo.",
                ),
                _ => ("answer", "Compare `impilo.api` with Impilo's documentation, and ask Impilo."),
            };
            wrong(name, error.to_string(), advice).with_faults([fault])
        }
    }
}

fn clock(answers: &Answers) -> Check {
    let name = "clock";
    match answers.ahead {
        None => unknown(name, "Impilo does not say what its clock shows".to_owned()),
        Some(ahead) if ahead.abs() > CLOCKS_APART => {
            let way = if ahead > 0 { "behind" } else { "ahead of" };
            let found = format!("this machine's clock is {} s {way} Impilo's", ahead.abs() / 1000);
            wrong(name, found, "Look at what sets this machine's clock (`timedatectl`).").with_faults([way])
        }
        Some(_) => fine(name, "this machine's clock and Impilo's show the same, to the minute".to_owned()),
    }
}

fn secret(here: &Here<'_>, answers: &Answers) -> Check {
    let name = "webhook_secret";
    let there = match &answers.secret {
        // With a key that it refuses nobody can learn it.
        Err(ApiError::Refused(_)) => return unasked_secret(here),
        Err(error) => return cannot_tell(name, error),
        Ok(None) => {
            return wrong(
                name,
                "Impilo has no webhook secret, so its webhooks are refused here".to_owned(),
                "Run `pulsewarden impilo secret rotate`: it makes one and gives it to Impilo.",
            )
            .with_faults(["no"]);
        }
        Ok(Some(there)) => there,
    };
    let Some(place) = here.accepted.name_of(there) else {
        return wrong(
            name,
            "Impilo's webhook secret is not accepted here, so its webhooks are refused".to_owned(),
            "Add it to `impilo.webhook_secrets`, or run `pulsewarden impilo secret rotate`, which accepts it and replaces it.",
        )
        .with_faults(["refused"]);
    };
    match here.keeper.to_copy(there) {
        Copy::From(copy) => wrong(
            name,
            format!("Impilo's webhook secret is accepted, but only {} holds it", copy.display()),
            &to_configure(&copy),
        )
        .with_faults(["only"]),
        Copy::Not(copy) => wrong(
            name,
            format!(
                "Impilo's webhook secret was made here and is accepted, and cannot be written to {}, which holds another or none",
                copy.display()
            ),
            "Copy nothing from there yet. Look at the disk, and at whether the service's user may write in that folder, and run \
             `pulsewarden doctor` again.",
        )
        .with_faults(["written"]),
        Copy::Needless => {
            let replaced = match here.keeper.replaced().0 {
                names if names.is_empty() => String::new(),
                names => format!("; {} is refused, since it was replaced", names.join(", ")),
            };
            fine(name, format!("Impilo's webhook secret is accepted here ({place}){replaced}"))
        }
    }
}

/// Where nobody can learn which secret Impilo has.
fn unasked_secret(here: &Here<'_>) -> Check {
    let name = "webhook_secret";
    match here.keeper.replaced().0 {
        names if names.is_empty() => cannot_tell(name, "that needs an API key that Impilo takes"),
        names => unknown(
            name,
            format!(
                "it cannot be told which Impilo has; accepted again although it was replaced: {}, which is configured",
                names.join(", ")
            ),
        ),
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
    let plan = match &answers.plan {
        Err(why) => return cannot_tell(name, why),
        Ok(Err(why)) => {
            let found = format!("it cannot be told which were made here, so none can be changed: {why}");
            return wrong(name, found, "What is forgotten goes on serving; only --delete-unknown deletes it then.")
                .with_faults(["made"]);
        }
        Ok(Ok(plan)) => plan,
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
    let kinds = plan.steps.iter().map(|step| step.kind.clone());
    let left = plan.left.iter().filter(|left| left.harmful).map(|left| left.kind.clone());
    wrong(name, faults.join("; "), advice).with_faults(kinds.chain(left))
}

fn rules(here: &Here<'_>, answers: &Answers) -> Check {
    let name = "rules";
    let (subscribed, rules) = match (&answers.subscribed, here.rules) {
        (Err(why), _) => return cannot_tell(name, why),
        (Ok(_), None) => return cannot_tell(name, Untold::NoRules),
        (Ok(subscribed), Some(rules)) => (subscribed, rules),
    };
    let subscribed = subscribed.iter().map(String::as_str).collect();
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
    .with_faults(names)
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
    let subscribed = answers.and_then(|answers| answers.subscribed.as_ref().ok());
    let never: Vec<&String> = subscribed.into_iter().flatten().filter(|kind| !heard.contains(kind.as_str())).collect();
    let never =
        if never.is_empty() { String::new() } else { format!("; subscribed to and never come: {}", all(&never)) };
    fine("events", format!("{came}{never}"))
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
