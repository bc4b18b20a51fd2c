//! A history as lines of JSON, without a port: what a receiver gets that takes everything and is never away.

use std::io::{self, Write};

use super::quirks::Quirks;
use super::state::{Account, Next};
use super::{Options, Tally};
use crate::engine::Timestamp;
use crate::simulate::{Fleet, Happening};

/// Envelopes written between two reports of how far it is.
const REPORT_EVERY: u64 = 1000;

/// Writes the history of a plan, one envelope a line, each with `received_at` beside `id`, `type` and `payload`, and what
/// goes wrong to `truths`. `progress` hears at which time it is.
///
/// # Errors
/// When something cannot be written.
pub fn stream(
    options: &Options,
    out: &mut dyn Write,
    mut truths: Option<Box<dyn Write + Send>>,
    progress: &mut dyn FnMut(Timestamp),
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    if options.quirks == Quirks::default() {
        for happening in Fleet::new(options.plan) {
            match (happening, &mut truths) {
                (Happening::Webhook(webhook), _) => {
                    write(out, webhook.at, &webhook.body)?;
                    tally.told += 1;
                    if tally.told.is_multiple_of(REPORT_EVERY) {
                        progress(webhook.at);
                    }
                }
                (Happening::Truth(truth), Some(truths)) => truth.write_line(truths)?,
                (Happening::Truth(_), None) => {}
            }
        }
        tally.delivered = tally.told;
        truths.map_or(Ok(()), |mut truths| truths.flush())?;
    } else {
        let mut account = Account::new(options, truths);
        account.secret = Some("right".into());
        account.subscribe_to_all("http://receiver.invalid/");
        loop {
            match account.next(Timestamp(i64::MAX)) {
                Next::Send(attempt) => {
                    let accepted = attempt.secret == account.secret;
                    if accepted {
                        write(out, attempt.at, &attempt.body)?;
                    }
                    account.end(&attempt, Some(if accepted { 200 } else { 401 }));
                    if account.tally.attempts.is_multiple_of(REPORT_EVERY) {
                        progress(attempt.at);
                    }
                }
                Next::More => {}
                Next::Rest(_) => break,
            }
        }
        account.close()?;
        tally = account.tally;
    }
    out.flush()?;
    Ok(tally)
}

/// One envelope as a line. Envelopes are objects that are not empty.
fn write(out: &mut dyn Write, at: Timestamp, envelope: &[u8]) -> io::Result<()> {
    write!(out, r#"{{"received_at":"{at}","#)?;
    out.write_all(envelope.get(1..).unwrap_or_default())?;
    out.write_all(b"\n")
}
