//! Sending again what was given up.

use std::sync::Arc;

use actix_web::{HttpResponse, web};

use super::{Admin, failed};
use crate::engine::{Admission, Channel, Notification, Receiver, Remark, RuleSet, admit};
use crate::store::{Resend, is_rest};

pub(super) async fn resend(admin: web::Data<Admin>, request: web::Json<Resend>) -> HttpResponse {
    let shared = Arc::clone(&admin.shared);
    let resent = web::block(move || {
        let rules = shared.rule_sets.borrow().clone();
        let now = shared.clock.now();
        let resent = shared.store.resend(&request, now, &mut |old| readdressed(old, &rules));
        shared.outbox.notify_one();
        resent
    });
    match resent.await {
        Ok(Ok(Ok(resent))) => HttpResponse::Ok().json(resent),
        Ok(Ok(Err(why))) => failed(409, &why.to_string()),
        Ok(Err(error)) => failed(503, &error.to_string()),
        Err(_) => failed(503, "shutting down"),
    }
}

/// The message for its receiver as the rules in force have it: what may leave to it, and where it is, may have changed since.
///
/// # Errors
/// Where there is no such receiver any more, or no channel of that kind.
fn readdressed(old: &Notification, rules: &RuleSet) -> Result<Notification, String> {
    let mut new = old.clone();
    new.remarks.retain(|remark| !matches!(remark, Remark::SentAgain { .. }));
    new.remarks.push(Remark::SentAgain { due: old.due });
    let receiver = rules.receiver(&old.receiver);
    match receiver {
        Some(receiver) => {
            new.phi = receiver.phi;
            new.channel = match admit(old, rules) {
                // The others of its addresses have it.
                Admission::AsItIs => old.channel.clone(),
                Admission::Changed(left) if is_rest(&old.key) => left.channel,
                Admission::Changed(_) | Admission::Nowhere => channel(receiver, &old.channel)?.clone(),
            };
        }
        // What Pulsewarden says of itself has its own address.
        None if old.receiver == "self" => {}
        None => return Err(format!("the rules in force have no receiver `{}`", old.receiver)),
    }
    Ok(new)
}

/// The channel that it had, or the only one of its kind.
fn channel<'r>(receiver: &'r Receiver, old: &Channel) -> Result<&'r Channel, String> {
    let same = receiver.channels.iter().find(|channel| *channel == old);
    let mut alike = receiver.channels.iter().filter(|channel| channel.kind() == old.kind());
    let only = alike.next().filter(|_| alike.next().is_none());
    same.or(only).ok_or_else(|| {
        format!("the receiver `{}` has no longer that channel, nor a single other by {}", receiver.name, old.kind())
    })
}
