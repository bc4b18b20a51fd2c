//! Subscriptions: which there should be, which there are, and what is to be done about the difference. Impilo has one for each
//! type and address (documented).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::ApiError;
use super::client::{Client, Subscription};
use super::kept::{self, KeptError};
use crate::impilo::schema;

/// Where webhooks arrive, below `public_url`.
const PATH: &str = "/webhooks/impilo";

/// The name of the file that holds what was made here, beside the store.
const FILE: &str = "impilo-subscriptions.json";

/// The address that Impilo should send to.
#[must_use]
pub fn address(public_url: &str) -> String {
    format!("{}{PATH}", public_url.trim_end_matches('/'))
}

/// A subscription that was made here, and the address that it was given last.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub id: i64,
    pub url: String,
}

/// What is to be done about one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Move,
    Delete,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub action: Action,
    #[serde(rename = "type")]
    pub kind: String,
    /// The subscription's; `None` where it is to be made.
    pub id: Option<i64>,
    /// The address that it has, shortened so that it shows no token; `None` where it is to be made.
    pub from: Option<String>,
    pub why: String,
    /// What came of it; `None` while it was not tried.
    pub result: Option<StepResult>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    Done,
    Failed(String),
}

/// What is told of a subscription that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub id: i64,
    #[serde(rename = "type")]
    pub kind: String,
    pub url: String,
    pub why: String,
    /// Whether it does harm: its events come twice, or do not arrive. One that no rule needs does none.
    #[serde(default)]
    pub harmful: bool,
}

/// What is to be done, and what is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Where Impilo should send.
    pub url: String,
    pub steps: Vec<Step>,
    /// Subscriptions to this daemon, or nearly so, that were not made here and are not as they should be.
    pub left: Vec<Left>,
    /// Types that come as they should.
    pub in_order: Vec<String>,
    /// Subscriptions to other addresses: another environment's, or another program's.
    pub elsewhere: usize,
}

/// How the address of a subscription relates to this daemon's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Here,
    /// The same but for the scheme, a slash at the end, letters' case in the path, or what stands behind `?`: nothing arrives
    /// there as it should.
    Nearly,
    Elsewhere,
}

fn place(url: &str, ours: &str) -> Place {
    let (Ok(url), Ok(ours)) = (Url::parse(url), Url::parse(ours)) else {
        return if url == ours { Place::Here } else { Place::Elsewhere };
    };
    // Parsing evens out the case of scheme and host, and the ports that schemes have by themselves.
    if url == ours {
        return Place::Here;
    }
    let path = |url: &Url| url.path().trim_end_matches('/').to_ascii_lowercase();
    let same = url.host_str() == ours.host_str() && url.port() == ours.port() && path(&url) == path(&ours);
    if same { Place::Nearly } else { Place::Elsewhere }
}

/// Whether what is sent to the one arrives at the other.
#[must_use]
pub fn is_same(url: &str, ours: &str) -> bool {
    place(url, ours) == Place::Here
}

/// The addresses that are not `ours`, each once and without what may be a token in it, with how many subscriptions lead to any.
#[must_use]
pub fn elsewhere(there: &[Subscription], ours: Option<&str>) -> (usize, Vec<String>) {
    let theirs = there.iter().filter(|there| ours.is_none_or(|ours| place(&there.url, ours) == Place::Elsewhere));
    let mut shown: Vec<String> = theirs.map(|there| shown(&there.url, ours)).collect();
    let count = shown.len();
    shown.sort();
    shown.dedup();
    (count, shown)
}

/// Letters of a foreign path that are shown: enough to know it by, and too few to be a token.
const FOREIGN_PATH: usize = 8;

/// An address without what may be a token in it: whatever stands behind `?`, and most of the path where it is not `ours`.
#[must_use]
pub fn shown(url: &str, ours: Option<&str>) -> String {
    let is_ours = ours.is_some_and(|ours| place(url, ours) != Place::Elsewhere);
    let Ok(parsed) = Url::parse(url) else { return "(not a web address)".to_owned() };
    let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
    let user = if parsed.username().is_empty() && parsed.password().is_none() { "" } else { "…@" };
    let query = if parsed.query().is_some() || parsed.fragment().is_some() { "?…" } else { "" };
    let mut printable: String = parsed.path().chars().filter(|c| !c.is_control()).collect();
    // Another Pulsewarden's says nothing secret.
    if !is_ours && printable != PATH && printable.chars().count() > FOREIGN_PATH {
        printable = printable.chars().take(FOREIGN_PATH).chain(['…']).collect();
    }
    format!("{}://{user}{}{port}{printable}{query}", parsed.scheme(), parsed.host_str().unwrap_or_default())
}

/// What is known when a plan is made.
pub struct Known<'a> {
    /// Where Impilo should send.
    pub url: &'a str,
    pub needed: &'a BTreeMap<String, BTreeSet<SmolStr>>,
    pub there: &'a [Subscription],
    pub made: &'a [Made],
    /// Whether subscriptions to this daemon may be deleted that were not made here.
    pub delete_unknown: bool,
}

impl Known<'_> {
    /// Whether it was made here, and nobody has led it elsewhere since.
    fn is_own(&self, there: &Subscription) -> bool {
        self.made.iter().any(|made| made.id == there.id && place(&there.url, &made.url) == Place::Here)
    }
}

/// What is to be done. The same account and the same rules always bring the same plan, and none is left once it was carried
/// out.
#[must_use]
pub fn plan(known: &Known<'_>) -> Plan {
    let mut plan =
        Plan { url: known.url.to_owned(), steps: Vec::new(), left: Vec::new(), in_order: Vec::new(), elsewhere: 0 };
    let mut kinds: BTreeMap<&str, Vec<&Subscription>> =
        known.needed.keys().map(|kind| (kind.as_str(), Vec::new())).collect();
    for there in known.there {
        kinds.entry(&there.kind).or_default().push(there);
    }
    for (kind, mut there) in kinds {
        there.sort_by_key(|there| there.id);
        one_type(known, kind, &there, &mut plan);
    }
    // What is missing comes first, so that at no time less is sent than before.
    plan.steps.sort_by_key(|step| match step.action {
        Action::Create => 0,
        Action::Move => 1,
        Action::Delete => 2,
    });
    plan
}

fn one_type(known: &Known<'_>, kind: &str, there: &[&Subscription], plan: &mut Plan) {
    let needed = known.needed.get(kind);
    // One that somebody else made serves as well, and only ours can be taken away.
    let here = || there.iter().filter(|one| place(&one.url, known.url) == Place::Here);
    let serving = here().find(|one| !known.is_own(one)).or_else(|| here().next());
    let moved = there.iter().find(|one| known.is_own(one));
    let kept = match (needed, serving, moved) {
        (None, _, _) => None,
        (Some(_), Some(serving), _) => {
            plan.in_order.push(kind.to_owned());
            Some(serving.id)
        }
        (Some(_), None, Some(moved)) => {
            plan.steps.push(step(known, Action::Move, moved, "it was made here, for another address"));
            Some(moved.id)
        }
        (Some(rules), None, None) => {
            let why = why_needed(rules);
            let kind = kind.to_owned();
            plan.steps.push(Step { action: Action::Create, kind, id: None, from: None, why, result: None });
            None
        }
    };
    for one in there.iter().filter(|one| kept != Some(one.id)) {
        let place = place(&one.url, known.url);
        let own = known.is_own(one);
        let why = match (place, needed) {
            (Place::Here, Some(_)) => "there is another of this type to this address, so events come twice",
            (Place::Here, None) if schema::event_type(kind).is_none() => {
                "this version does not know the type, and no rule names it"
            }
            (Place::Here, None) => "no rule needs it",
            (Place::Nearly, _) => "its address is nearly this daemon's, and nothing arrives there as it should",
            (Place::Elsewhere, _) => "it was made here, for another address, and is not needed any more",
        };
        if own || (known.delete_unknown && place != Place::Elsewhere) {
            plan.steps.push(step(known, Action::Delete, one, why));
        } else if place == Place::Elsewhere {
            plan.elsewhere += 1;
        } else {
            let (kind, url) = (one.kind.clone(), shown(&one.url, Some(known.url)));
            let harmful = place == Place::Nearly || needed.is_some();
            plan.left.push(Left { id: one.id, kind, url, why: why.to_owned(), harmful });
        }
    }
}

fn step(known: &Known<'_>, action: Action, there: &Subscription, why: &str) -> Step {
    let (id, from) = (Some(there.id), Some(shown(&there.url, Some(known.url))));
    Step { action, kind: there.kind.clone(), id, from, why: why.to_owned(), result: None }
}

fn why_needed(rules: &BTreeSet<SmolStr>) -> String {
    let mut names = rules.iter();
    match (names.next(), rules.len()) {
        (None, _) => "what is known of devices, orders and returns comes from it".to_owned(),
        (Some(first), 1) => format!("needed by {first}"),
        (Some(first), more) => format!("needed by {first} and {} more", more - 1),
    }
}

/// Remembers beside the store which subscriptions were made here.
pub struct Ledger(PathBuf);

impl Ledger {
    /// In the folder of the store.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self(folder.join(FILE))
    }

    /// # Errors
    /// Where the file cannot be read, or is damaged.
    pub fn made(&self) -> Result<Vec<Made>, KeptError> {
        Ok(kept::read(&self.0)?.unwrap_or_default())
    }

    /// Forgets those that are not among `there`, all subscriptions of the account. Where none of them is left, it may be another
    /// account, and nothing is forgotten.
    ///
    /// # Errors
    /// Where the file cannot be read or written, or is damaged.
    pub fn prune(&self, there: &[Subscription]) -> Result<(), KeptError> {
        let made = self.made()?;
        let left: Vec<Made> = made.iter().filter(|made| there.iter().any(|one| one.id == made.id)).cloned().collect();
        if left.is_empty() || left.len() == made.len() { Ok(()) } else { self.keep(&left) }
    }

    fn keep(&self, made: &[Made]) -> Result<(), KeptError> {
        kept::write(&self.0, &serde_json::to_vec_pretty(made).unwrap_or_default())
    }
}

/// Carries a plan out, as far as Impilo lets it: a step that fails says why, and the others follow, unless nothing can be
/// asked any more.
///
/// # Errors
/// Where it cannot be kept which subscriptions were made here; nothing more is done then.
pub async fn apply(client: &Client, plan: &mut Plan, ledger: &Ledger) -> Result<(), KeptError> {
    let mut made = ledger.made()?;
    // Tried first, so that nothing is made that cannot be remembered.
    ledger.keep(&made)?;
    for step in &mut plan.steps {
        let done = match (step.action, step.id) {
            (Action::Create, _) => client.create_webhook(&step.kind, &plan.url).await.map(|new| {
                made.push(Made { id: new.id, url: plan.url.clone() });
            }),
            (Action::Move, Some(id)) => client.move_webhook(id, &plan.url).await.map(|()| {
                made.iter_mut().filter(|made| made.id == id).for_each(|made| made.url.clone_from(&plan.url));
            }),
            (Action::Delete, Some(id)) => client.delete_webhook(id).await.map(|()| made.retain(|made| made.id != id)),
            (Action::Move | Action::Delete, None) => Ok(()),
        };
        let hopeless = matches!(done, Err(ApiError::Unreachable(_) | ApiError::Refused(_) | ApiError::Busy { .. }));
        match done {
            Ok(()) => {
                ledger.keep(&made)?;
                step.result = Some(StepResult::Done);
            }
            Err(error) => step.result = Some(StepResult::Failed(error.to_string())),
        }
        if hopeless {
            break;
        }
    }
    Ok(())
}
