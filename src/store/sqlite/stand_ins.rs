//! What fallbacks hear of ends: whoever was told of an alert in the place of another is told that it is over, by the same way.

use std::collections::BTreeMap;

use rusqlite::params;

use super::connection::{Failure, Writer};
use super::outbox::{self, Origin};
use super::stale;
use crate::engine::{Alert, AlertState, Channel, Content, Notification, Timestamp, stand_in_ends, without_ended};

/// A message that stands in for another's.
struct StandIn {
    id: i64,
    stands_in_for: i64,
    /// It waits, and no attempt was made.
    untried: bool,
    notification: Notification,
}

impl StandIn {
    fn place(&self) -> (String, &'static str, String) {
        place(&self.notification)
    }
}

/// Where a message goes.
fn place(Notification { receiver, channel, .. }: &Notification) -> (String, &'static str, String) {
    let kind = match channel {
        Channel::SlackChannel { .. } => "slack bot",
        other => other.kind(),
    };
    (receiver.clone(), kind, channel.destination())
}

fn listed(notification: &Notification) -> (&[Alert], &[Alert]) {
    match &notification.content {
        Content::Alerts { firing, ended, .. } => (firing, ended),
        _ => (&[], &[]),
    }
}

fn lists(alerts: &[Alert], number: u64) -> bool {
    alerts.iter().any(|alert| alert.number == number)
}

/// Those that speak of an alert and were sent, or will be.
fn about(writer: &Writer<'_>, alert: u64) -> Result<Vec<StandIn>, Failure> {
    let mut select = writer.sql.prepare_cached(
        "SELECT outbox.id, stands_in_for, state = 0 AND leased = 0 AND attempts = 0, notification
         FROM outbox_alerts JOIN outbox ON outbox.id = outbox_alerts.delivery
         WHERE outbox_alerts.alert = ?1 AND stands_in_for IS NOT NULL AND state IN (0, 1) ORDER BY outbox.id",
    )?;
    let mut rows = select.query(params![alert.cast_signed()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        // What cannot be read back has told nobody anything.
        let Ok(notification) = serde_json::from_str(&row.get::<_, String>(3)?) else { continue };
        found.push(StandIn { id: row.get(0)?, stands_in_for: row.get(1)?, untried: row.get(2)?, notification });
    }
    Ok(found)
}

/// Alerts have ended: adds what fallbacks that were told of them hear now. One that was not sent yet says so itself.
pub(super) fn tell_ends(writer: &Writer<'_>, ended: &[Alert], now: Timestamp) -> Result<(), Failure> {
    let mut told: BTreeMap<_, (StandIn, Vec<Alert>)> = BTreeMap::new();
    // An alert that expired is not announced as over.
    let announced = |alert: &&Alert| matches!(alert.state, AlertState::Resolved | AlertState::Closed);
    for alert in ended.iter().filter(announced) {
        let mut places = BTreeMap::new();
        for one in
            about(writer, alert.number)?.into_iter().filter(|one| lists(listed(&one.notification).0, alert.number))
        {
            let over = std::iter::once(alert.number).collect();
            match without_ended(&one.notification, &over).filter(|_| one.untried) {
                Some(changed) => stale::rewrite(writer, one.id, &changed)?,
                None => {
                    places.entry(one.place()).or_insert(one);
                }
            }
        }
        for (place, one) in places {
            told.entry(place).or_insert_with(|| (one, Vec::new())).1.push(alert.clone());
        }
    }
    for (one, alerts) in told.into_values() {
        let Some(ends) = stand_in_ends(&one.notification, &alerts, now) else { continue };
        let ready = outbox::prepare(std::slice::from_ref(&ends));
        for prepared in &ready.map_err(|error| Failure::body("a message to be kept", &error))? {
            outbox::insert(
                writer,
                prepared,
                "",
                Origin { stands_in_for: Some(one.stands_in_for), ..Origin::default() },
            )?;
        }
    }
    Ok(())
}

/// False where it tells of nothing but ends, and all of them have been told there.
pub(super) fn is_news(writer: &Writer<'_>, stand_in: &Notification) -> Result<bool, Failure> {
    let (firing, ended) = listed(stand_in);
    if !firing.is_empty() || ended.is_empty() {
        return Ok(true);
    }
    let there = place(stand_in);
    for alert in ended {
        let ends = |one: &StandIn| one.place() == there && lists(listed(&one.notification).1, alert.number);
        if !about(writer, alert.number)?.iter().any(ends) {
            return Ok(true);
        }
    }
    Ok(false)
}
