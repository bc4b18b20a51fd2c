//! What becomes of leased messages that the rule set in force does not let go as they are.

use rusqlite::{OptionalExtension, params};

use super::connection::{Failure, Writer, json};
use super::journal;
use crate::engine::{DeliveryFailure, Timestamp};
use crate::store::{Amended, Amendment};

/// How long a message waits for the rules by which it can be judged, in milliseconds.
const WAITS: i64 = 1000;

/// Amends what no attempt was made of. Where other rules have come into force since it was judged, it waits to be judged again.
pub(super) fn amend(
    writer: &mut Writer<'_>,
    amendments: &[Amendment],
    rule_set: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut select = writer.sql.prepare_cached("SELECT rule_set FROM progress")?;
    let in_force: String = select.query_row([], |row| row.get(0))?;
    drop(select);
    for Amendment { delivery, becomes } in amendments {
        let id = delivery.cast_signed();
        match becomes {
            Amended::Changed(notification) if in_force == rule_set => {
                let body = json(&**notification).map_err(|error| Failure::body("a message to be kept", &error))?;
                let mut update = writer.sql.prepare_cached(
                    "UPDATE outbox SET notification = ?2, rendered = NULL, leased = 0, attempts = attempts - 1,
                            next_attempt_at = ?3
                     WHERE id = ?1 AND state = 0 AND leased = 1",
                )?;
                update.execute(params![id, body, now.0])?;
            }
            Amended::Over(why) if in_force == rule_set => {
                let mut update = writer.sql.prepare_cached(
                    "UPDATE outbox SET state = 2, leased = 0, attempts = attempts - 1, next_attempt_at = NULL, ended_at = ?2,
                            last_error = ?3
                     WHERE id = ?1 AND state = 0 AND leased = 1 RETURNING key, group_id",
                )?;
                let over: Option<(String, String)> =
                    update.query_row(params![id, now.0, why], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
                drop(update);
                if let Some((key, group)) = over.filter(|(_, group)| !group.is_empty()) {
                    journal::delivery_failed(writer, &DeliveryFailure { key, group }, now)?;
                }
            }
            Amended::Changed(_) | Amended::Over(_) | Amended::Later => {
                let mut update = writer.sql.prepare_cached(
                    "UPDATE outbox SET leased = 0, attempts = attempts - 1, next_attempt_at = ?2
                     WHERE id = ?1 AND state = 0 AND leased = 1",
                )?;
                update.execute(params![id, now.0 + WAITS])?;
            }
        }
    }
    Ok(())
}
