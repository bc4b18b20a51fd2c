//! `impilo`: the subscriptions and the webhook secret of the account, through the running daemon.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::output::{counted, instant, json, printable, table, text};
use super::people::length;
use super::{FINE, Json, WRONG};
use crate::account::doctor::to_configure;
use crate::account::rotation::Rotated;
use crate::account::webhooks::{Action, Plan, Step, StepResult};
use crate::api::client::AdminClient;
use crate::api::{RotateRequest, SyncRequest, Tested, TryRequest, Webhooks};
use crate::config::Settings;

#[derive(Debug, Subcommand)]
pub enum WebhookCommand {
    /// List the subscriptions of the account, and which lead to this daemon
    List(Json),
    /// Compare the subscriptions with those that the rules in force and the state of devices need; changes nothing without --apply
    ///
    /// They lead to `public_url`. What the daemon did not make stays, unless --delete-unknown says otherwise; subscriptions to
    /// other addresses always stay. Exit code 1 where something is to be done, or could not be.
    Sync(SyncArguments),
    /// Let Impilo send a test webhook, and wait for it; exit code 1 where it does not come
    ///
    /// It is an `order.status` of an order that does not exist, with the status voided and an external number by which it is
    /// recognised. It is kept like any other, and goes where every subscription to that type leads.
    Test(TestArguments),
}

#[derive(Debug, Args)]
pub struct TestArguments {
    /// How long to wait for it
    #[arg(long, value_name = "LENGTH", value_parser = length, default_value = "60s")]
    wait: Duration,
    #[command(flatten)]
    how: Json,
}

#[derive(Debug, Args)]
pub struct SyncArguments {
    /// Carry the plan out
    #[arg(long)]
    apply: bool,
    /// Also delete needless subscriptions to this daemon that it did not make
    #[arg(long)]
    delete_unknown: bool,
    /// Print JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// Give Impilo a new webhook secret, and accept the old one for four hours more
    ///
    /// The new secret is kept beside the store before Impilo has it. Where this is cut short, run it again. The account has one
    /// secret for all its subscriptions: where some lead to other addresses, nothing is changed without --yes.
    Rotate(RotateArguments),
}

#[derive(Debug, Args)]
pub struct RotateArguments {
    /// Also where other addresses get the new secret, and refuse webhooks until they know it
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    how: Json,
}

pub(super) async fn webhooks(settings: &Settings, command: &WebhookCommand) -> anyhow::Result<u8> {
    let client = AdminClient::patient(&settings.admin.socket)?;
    match command {
        WebhookCommand::List(how) => {
            let webhooks: Webhooks = client.get("/api/v1/impilo/webhooks").await?;
            if how.json {
                json(&webhooks)?;
            } else {
                list(&webhooks)?;
            }
            Ok(FINE)
        }
        WebhookCommand::Test(TestArguments { wait, how }) => {
            let wait_s = wait.as_secs().max(1);
            let tested: Tested = client.post("/api/v1/impilo/webhooks/test", &TryRequest { wait_s }).await?;
            if how.json {
                json(&tested)?;
            } else {
                text(&match (tested.after_ms, tested.others) {
                    (Some(after), _) => format!("The test webhook came from Impilo and is kept, after {after} ms.\n"),
                    (None, 0) => format!(
                        "Impilo was asked for a test webhook, and none came within {wait_s} s; see `pulsewarden doctor`, and the proxy \
                         before this daemon.\n"
                    ),
                    (None, others) => format!(
                        "Impilo was asked for a test webhook, and none came within {wait_s} s that could be recognised. {} of its type \
                         came, without the number that the test was sent with: they may be orders' own, or Impilo does not repeat \
                         the number. So nothing is proven; see `pulsewarden doctor`.\n",
                        counted(usize::try_from(others).unwrap_or(usize::MAX), "webhook")
                    ),
                })?;
            }
            Ok(if tested.after_ms.is_some() { FINE } else { WRONG })
        }
        WebhookCommand::Sync(arguments) => {
            let request = SyncRequest { apply: arguments.apply, delete_unknown: arguments.delete_unknown };
            let plan: Plan = client.post("/api/v1/impilo/webhooks/sync", &request).await?;
            if arguments.json {
                json(&plan)?;
            } else {
                text(&told(&plan, request))?;
            }
            let open = plan.steps.iter().any(|step| step.result != Some(StepResult::Done));
            Ok(if open { WRONG } else { FINE })
        }
    }
}

fn list(webhooks: &Webhooks) -> anyhow::Result<()> {
    let row = |row: &crate::api::WebhookRow| {
        let leads = if row.here { "here" } else { "elsewhere" };
        vec![row.id.to_string(), printable(&row.kind), leads.to_owned(), printable(&row.url)]
    };
    if webhooks.webhooks.is_empty() {
        return text("The account has no subscription.\n");
    }
    let rows = webhooks.webhooks.iter().map(row).collect();
    let here = match &webhooks.url {
        Some(url) => format!("Here is {url}"),
        None => "`public_url` is not configured, so none can be known to lead here".to_owned(),
    };
    text(&format!("{}\n{here}\n", table(&["ID", "TYPE", "LEADS", "ADDRESS"], rows)))
}

fn told(plan: &Plan, request: SyncRequest) -> String {
    let mut out = format!("Impilo should send to {}\n", plan.url);
    if !plan.steps.is_empty() {
        let head = if request.apply { ["", "TYPE", "ID", "RESULT"] } else { ["", "TYPE", "ID", "WHY"] };
        let rows = plan.steps.iter().map(|step| {
            let id = step.id.map_or_else(String::new, |id| id.to_string());
            let last = if request.apply { result(step) } else { why(step) };
            vec![verb(step.action).to_owned(), printable(&step.kind), id, last]
        });
        out += &format!("\n{}", table(&head, rows.collect()));
    }
    for left in &plan.left {
        out += &format!("left alone: {} {} to {}: {}\n", printable(&left.kind), left.id, left.url, left.why);
    }
    if plan.elsewhere > 0 {
        out += &format!("{} to other addresses left alone\n", counted(plan.elsewhere, "subscription"));
    }
    out += &match (plan.steps.len(), request.apply) {
        (0, _) => format!("\nNothing is to be done: {} come here.\n", counted(plan.in_order.len(), "type")),
        (steps, false) => format!("\n{} to be taken; carry the plan out with --apply.\n", counted(steps, "step")),
        (steps, true) => {
            let done = plan.steps.iter().filter(|step| step.result == Some(StepResult::Done)).count();
            if done == steps {
                format!("\n{} taken.\n", counted(steps, "step"))
            } else {
                format!("\n{done} of {steps} steps taken; run this again.\n")
            }
        }
    };
    out
}

const fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Move => "move here",
        Action::Delete => "delete",
    }
}

fn why(step: &Step) -> String {
    match &step.from {
        Some(from) => format!("{} ({})", step.why, printable(from)),
        None => step.why.clone(),
    }
}

fn result(step: &Step) -> String {
    match &step.result {
        Some(StepResult::Done) => "done".to_owned(),
        Some(StepResult::Failed(error)) => format!("failed: {error}"),
        None => "not tried".to_owned(),
    }
}

pub(super) async fn secret(settings: &Settings, command: &SecretCommand) -> anyhow::Result<u8> {
    let SecretCommand::Rotate(how) = command;
    let client = AdminClient::patient(&settings.admin.socket)?;
    let request = RotateRequest { for_all: how.yes };
    let rotated: Rotated = client.post("/api/v1/impilo/secret/rotate", &request).await?;
    if how.how.json {
        json(&rotated)?;
        return Ok(FINE);
    }
    let begun = if rotated.was_begun {
        "Impilo has the new secret already: an earlier rotation was cut short."
    } else {
        "Impilo has a new webhook secret."
    };
    let old = match rotated.old_until {
        Some(until) => format!(" The old one is accepted until {}, for what Impilo sends again.", instant(until)),
        None => String::new(),
    };
    text(&format!(
        "{begun}{old}\nThe new one is in {} and accepted from there. {}\n",
        rotated.secret.display(),
        to_configure(&rotated.secret)
    ))?;
    Ok(FINE)
}
