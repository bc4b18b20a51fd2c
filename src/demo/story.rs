//! The story that the demo tells: a new customer's morning, four hours in which nobody was there, and the return.

use std::time::Duration;

use super::cast::{Cast, Told};
use super::stage::Stage;
use crate::account::webhooks::StepResult;
use crate::engine::Timestamp;

/// When the story begins: Monday, 5 January 2026, 13:00 UTC, when many patients in America measure.
pub(super) const BEGIN: Timestamp = Timestamp(1_767_618_000_000);

/// When the daemon is back.
const BACK: Timestamp = Timestamp(BEGIN.0 + 4 * 3600 * 1000);

/// The digest of the demo's rules.
const DIGEST: &str = "end-of-day";

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Tells it all.
///
/// # Errors
/// When the daemon does not start, or does not do what it should.
pub(super) async fn tell(stage: &mut Stage) -> anyhow::Result<()> {
    let cast = Cast::of(&stage.stand_in)?;
    connect(stage).await?;
    morning(stage, &cast).await?;
    absence(stage, &cast).await;
    back(stage, &cast).await
}

async fn connect(stage: &mut Stage) -> anyhow::Result<()> {
    stage.show.chapter(
        "1  A new customer",
        "Pulsewarden starts for the first time. It knows Impilo's address, an API key and the webhook secret. It asks Impilo to \
         send what its rules need, as `pulsewarden impilo webhooks sync --apply` does, and for the list of devices.",
    );
    stage.start(BEGIN).await?;
    let plan = stage.subscribe().await?;
    let done = plan.steps.iter().filter(|step| step.result == Some(StepResult::Done)).count();
    stage.aside(&format!(
        "Impilo sends {done} types of event from now on: batteries, signals, readings, orders, returns and more."
    ));
    let devices = stage.settled(DIGEST).await?;
    stage.aside(&format!("Impilo has told who has which device: {devices} are with patients."));
    stage.pass(2.0).await;
    Ok(())
}

async fn morning(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    stage.show.chapter("2  An ordinary morning", "");
    let (given, measured) = (cast.given(stage.now()), cast.reading(stage.now()));
    stage.event(0.0, "A patient gets a blood pressure monitor …", given).await;
    stage.event(1.0, "… and measures. All is well, and nobody is told.", measured).await;
    stage.event(2.0, "Its batteries are not new: it warns of them, at 18 %.", cast.battery(18)).await;
    stage.told("[WARNING] Device battery low").await?;
    stage.event(4.0, "The same at 9 %. The alert is open already, so nobody is told twice.", cast.battery(9)).await;
    let order = cast.order("unableToFulfill", stage.now());
    stage.event(2.5, "A patient's new scale cannot be sent.", order).await;
    stage.told("[CRITICAL] Order unable to fulfill").await?;
    stage.pass(3.0).await;
    for (number, weak) in cast.fading().enumerate() {
        match number {
            0 => stage.event(0.0, "A device of a small clinic has a weak signal. One alone says nothing.", weak).await,
            1 => stage.event(1.5, "So has another one of that clinic, and one after the other …", weak).await,
            _ => stage.unseen(0.2, weak).await,
        }
    }
    stage.told("[CRITICAL] Site connectivity outage").await?;
    let order = cast.order("shipped", stage.now());
    stage.event(4.0, "The warehouse has found another scale, and sends it.", order).await;
    stage.told("[RESOLVED] Order unable to fulfill").await?;
    stage.pass(3.0).await;
    Ok(())
}

async fn absence(stage: &mut Stage, cast: &Cast) {
    stage.show.chapter(
        "3  Nobody is there",
        "The machine is restarted for an update, and Pulsewarden does not come back with it. Impilo tries to deliver each event \
         four times within two hours, and then forgets it. Four hours pass; the demo leaves most of them out.",
    );
    stage.stop().await;
    let at = |after: u64| BEGIN.plus(minutes(after));
    let lost: [(u64, &str, Told); 4] = [
        (40, "The monitor's battery, at 4 %: that would be critical.", cast.battery(4)),
        (75, "Another patient's glucometer warns of its battery, at 12 %.", cast.other_battery(12)),
        (95, "Another order cannot be sent …", cast.later_order("unableToFulfill", at(95))),
        (165, "… and was sent after all.", cast.later_order("shipped", at(165))),
    ];
    for (after, what, told) in lost {
        stage.lose(1.2, at(after), what, told).await;
    }
    stage.skip_to(BACK).await;
    let (untold, tally) = (stage.untold(), stage.stand_in.tally());
    stage.aside(&format!(
        "With those of all other devices it is {untold} events. Impilo has tried {} times to deliver them, and has given up \
         {} of them for good.",
        tally.unreached, tally.given_up
    ));
    stage.wait(3.0).await;
}

async fn back(stage: &mut Stage, cast: &Cast) -> anyhow::Result<()> {
    stage.show.chapter(
        "4  Back again",
        "Pulsewarden starts. Before it decides anything, it reads Impilo's log for what it missed, and puts that where it \
         belongs in time. Then one message tells of the whole absence, and not one for each alert.",
    );
    stage.start(BACK).await?;
    stage.told("after an outage").await?;
    stage.pass(4.0).await;
    let full = cast.battery(96);
    stage.event(0.0, "The monitor has new batteries, at 96 %. That is proof, and ends its alert.", full).await;
    stage.told("[RESOLVED] Device battery low").await?;
    stage.pass(3.0).await;
    stage.show.chapter(
        "5  The digest of the day",
        "It comes every day at 18:00, and begins with whom to call. Here it is asked for now, as `pulsewarden digest send` does.",
    );
    stage.send(DIGEST).await?;
    stage.told("[DIGEST]").await?;
    stage.pass(1.0).await;
    stage.sum_up().await
}
