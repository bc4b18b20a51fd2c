//! How the self-watch tells what it found: through the store, once for all restarts, or past it where it takes nothing.

use std::sync::Arc;

use tokio::sync::Notify;

use super::look::Finding;
use super::{How, Step};
use crate::config::{Bundle, Settings};
use crate::daemon::Shared;
use crate::engine::{Channel, Content, Notification, Phi, SelfAlert, Timestamp, key_of};
use crate::impilo::{READ_BACK, schema};
use crate::notify::{self, Sent};
use crate::store::{Delivery, Store, StoreError, Telling, Told, Vitals};
use crate::telemetry;

/// What is told of an event type is remembered under this and the type.
pub(super) const UNKNOWN_TYPE: &str = "unknown_type ";

/// The rule set that was told of last is remembered under this, with its hash.
pub(super) const RULES: &str = "rules";

/// Characters of a type that a mail shows.
const SHOWN: usize = 60;

pub(super) async fn carry_out(
    shared: &Arc<Shared>,
    settings: &Settings,
    finding: &Finding,
    step: Step,
    outbox: &Notify,
) {
    match step {
        Step::Begin(told) => {
            let key = key_of(&["self", finding.name, "begins", &told.since.0.to_string()]);
            let mail = mail(settings, key, told.since, finding.begins(&told.summary));
            if tell(shared, Telling::Begins(told), mail.clone()).await {
                shared.watch.set_told(finding.name, How::ThroughTheStore);
                outbox.notify_one();
            } else if send_at_once(shared, mail).await {
                shared.watch.set_told(finding.name, How::PastTheStore);
            }
        }
        Step::Keep(told) => {
            if tell(shared, Telling::Begins(told), None).await {
                shared.watch.set_told(finding.name, How::ThroughTheStore);
            }
        }
        Step::End(told) => {
            let Told { name, since, summary } = told;
            let alert = SelfAlert {
                summary: format!("All is well again: {}.", finding.words),
                action: format!("It was, since {since}: {summary}"),
                watch: name.clone(),
                firing: false,
            };
            let key = key_of(&["self", finding.name, "ends", &since.0.to_string()]);
            let mail = mail(settings, key, shared.clock.now(), alert.clone());
            // Good news can wait for the store.
            if tell(shared, Telling::Ends { name }, mail).await {
                telemetry::watch_turned(&alert);
                shared.watch.end(finding.name);
                outbox.notify_one();
            }
        }
    }
}

/// Tells what the rule set in force changes of the one before, once for each that comes into force.
pub(super) async fn new_rules(shared: &Arc<Shared>, settings: &Settings, hash: &str, outbox: &Notify, now: Timestamp) {
    let before = {
        let memory = shared.watch.memory();
        if !memory.read || hash.is_empty() || memory.rules.as_ref().is_some_and(|rules| rules.summary == hash) {
            return;
        }
        memory.rules.clone()
    };
    let mut alert = None;
    if let Some(before) = &before {
        let (store, old, new) = (Arc::clone(&shared.store), before.summary.clone(), hash.to_owned());
        let compared =
            tokio::task::spawn_blocking(move || Ok::<_, StoreError>((bundle(&*store, &old)?, bundle(&*store, &new)?)));
        // What the store cannot give now is asked for at the next look.
        let Ok(Ok(bundles)) = compared.await else { return };
        alert = announcement(&before.summary, hash, bundles);
    }
    // It may come into force again, so the hash alone would not tell the times apart.
    let from = before.as_ref().map_or_else(String::new, |before| format!("{} {}", before.since.0, before.summary));
    let key = key_of(&["self", RULES, &from, hash]);
    let mail = alert.clone().and_then(|alert| mail(settings, key, now, alert));
    let rules = Told { name: RULES.to_owned(), since: now, summary: hash.to_owned() };
    if tell(shared, Telling::Begins(rules.clone()), mail).await {
        if let (Some(before), Some(alert)) = (before, alert) {
            telemetry::rules_changed(&before.summary, hash, &alert.summary);
        }
        shared.watch.memory().rules = Some(rules);
        outbox.notify_one();
    }
}

/// `None` where the store has it no longer, or another version wrote it.
fn bundle(store: &dyn Store, hash: &str) -> Result<Option<Bundle>, StoreError> {
    Ok(store.rule_set(hash)?.and_then(|bytes| Bundle::from_bytes(&bytes).ok()))
}

/// `None` where nothing is said in another way than before.
fn announcement(old: &str, new: &str, bundles: (Option<Bundle>, Option<Bundle>)) -> Option<SelfAlert> {
    let (old, new) = (telemetry::short(old), telemetry::short(new));
    let (summary, changes) = match bundles {
        (Some(before), Some(now)) => {
            let difference = before.difference(&now);
            if difference.is_empty() {
                return None;
            }
            (difference.summary(), format!("{difference}\n"))
        }
        _ => ("the ones before cannot be read any more".to_owned(), String::new()),
    };
    Some(SelfAlert {
        watch: RULES.to_owned(),
        firing: false,
        summary: format!("The rules have changed: {summary}."),
        action: format!("{changes}Rule set in force: {new}\nBefore: {old}"),
    })
}

/// Tells of each event type that this version does not know, once for ever.
pub(super) async fn unknown_types(
    shared: &Arc<Shared>,
    settings: &Settings,
    vitals: &Vitals,
    outbox: &Notify,
    now: Timestamp,
) {
    let new: Vec<String> = {
        let memory = shared.watch.memory();
        if settings.own.email.is_empty() || !memory.read {
            return;
        }
        let kinds = vitals.last_by_type.iter().map(|(kind, ..)| kind);
        kinds
            .filter(|kind| schema::event_type(kind).is_none() && *kind != READ_BACK && !memory.types.contains(*kind))
            .cloned()
            .collect()
    };
    for kind in new {
        let shown = shown(&kind);
        let alert = SelfAlert {
            watch: UNKNOWN_TYPE.trim_end().to_owned(),
            firing: true,
            summary: format!("Impilo sends events of the type {shown}, which this version of Pulsewarden does not know."),
            action: "They are kept and counted; `pulsewarden events` shows them. A newer version may know them. This is said once."
                .to_owned(),
        };
        let told = Told { name: format!("{UNKNOWN_TYPE}{kind}"), since: now, summary: String::new() };
        let mail = mail(settings, key_of(&["self", UNKNOWN_TYPE, &kind]), now, alert);
        if tell(shared, Telling::Begins(told), mail).await {
            telemetry::unknown_type_told();
            shared.watch.memory().types.insert(kind);
            outbox.notify_one();
        }
    }
}

/// A type as it can be shown: whoever knows the secret can name it as they like.
fn shown(kind: &str) -> String {
    let printable = |c: char| if c.is_ascii_graphic() { c } else { '?' };
    let mut shown: String = kind.chars().take(SHOWN).map(printable).collect();
    if kind.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    shown
}

/// `None` where nobody is to hear of it.
fn mail(settings: &Settings, key: String, due: Timestamp, alert: SelfAlert) -> Option<Notification> {
    let to = settings.own.email.clone();
    (!to.is_empty()).then(|| Notification {
        key,
        receiver: "self".to_owned(),
        phi: Phi::None,
        channel: Channel::Email { to },
        group: String::new(),
        due,
        content: Content::SelfAlert(alert),
        remarks: Vec::new(),
    })
}

/// True where the store took it.
async fn tell(shared: &Shared, telling: Telling, mail: Option<Notification>) -> bool {
    let store = Arc::clone(&shared.store);
    let told = tokio::task::spawn_blocking(move || store.tell(&telling, mail.as_slice())).await;
    matches!(told, Ok(Ok(())))
}

/// The store cannot take it: one attempt without it, and another at the next look. True where the mail server took it.
async fn send_at_once(shared: &Shared, mail: Option<Notification>) -> bool {
    let Some(notification) = mail else { return false };
    let rendered = notify::render(&notification, &shared.templates.borrow(), None);
    let senders = shared.senders.borrow().clone();
    let sent = senders
        .send(&Delivery { id: 0, since: notification.due, notification, attempts: 0, rendered, root: None })
        .await;
    telemetry::sent_past_the_store(&sent);
    matches!(sent, Sent::Delivered { .. })
}
