//! `preview`: a message as it would go to a receiver, in files.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::output::{audited, colors_stderr, printable, text};
use super::{FINE, USED_WRONGLY, WRONG, reader};
use crate::clock::Clock;
use crate::config::{Bundle, Problems, Settings, nearest};
use crate::digest;
use crate::engine::{Alert, Channel, Content, Labels, Notification, Phi, Receiver, RuleSet};
use crate::notify::{self, Templates};
use crate::replay::sample_alert;
use crate::store::{Rendered, Store};

#[derive(Debug, Args)]
pub struct PreviewArguments {
    /// An alert's number, or the name of a digest; or that of a rule, for an alert with invented values
    #[arg(value_name = "ALERT|DIGEST")]
    what: String,
    /// The receiver, as the rule files name it
    #[arg(long)]
    receiver: String,
    /// The folder that the files are written to
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    out: PathBuf,
    /// Show what leaves to receivers of `phi: full` alone, such as names; the log records who did
    #[arg(long)]
    phi: bool,
}

/// What is to be shown.
struct Shown {
    content: Content,
    /// It speaks of people who are not invented.
    real: bool,
}

pub(super) fn run(settings: &Settings, arguments: &PreviewArguments) -> anyhow::Result<u8> {
    let bundle = Bundle::read(settings.library.as_deref(), &settings.rules);
    let read = |bundle: Bundle| -> Result<(RuleSet, Templates), Problems> {
        Ok((bundle.compile()?.0, Templates::of(&bundle)?.0))
    };
    let (rules, templates) = match bundle.and_then(read) {
        Ok(read) => read,
        Err(problems) => {
            eprint!("{}", problems.render(colors_stderr()));
            return Ok(WRONG);
        }
    };
    let Some(receiver) = rules.receiver(&arguments.receiver) else {
        let names = rules.receivers.iter().map(|receiver| receiver.name.as_str());
        return refuse(
            &format!("no receiver is named `{}`", printable(&arguments.receiver)),
            &arguments.receiver,
            names,
        );
    };
    let Some(shown) = find(settings, &rules, &arguments.what)? else {
        let names = rules.digests.iter().map(|digest| digest.name.as_str());
        let names = names.chain(rules.rules.iter().map(|rule| rule.name.as_str()));
        let what = printable(&arguments.what);
        return refuse(&format!("there is no alert, digest or rule `{what}`"), &arguments.what, names);
    };
    if receiver.phi == Phi::Full && shown.real {
        if !arguments.phi {
            eprintln!(
                "pulsewarden: the receiver {} is told everything, names too; add --phi to see that, which the log records",
                receiver.name
            );
            return Ok(USED_WRONGLY);
        }
        audited("preview", &format!("{} for {}", arguments.what, receiver.name));
    }
    fs::create_dir_all(&arguments.out)
        .with_context(|| format!("the folder {} cannot be made", arguments.out.display()))?;
    let stem = format!("preview-{}-{}", file_name(&arguments.what), file_name(&receiver.name));
    for channel in channels(receiver) {
        let rendered = notify::render(&notification(receiver, channel, shown.content.clone()), &templates, None);
        for (ending, content) in files(rendered)? {
            let path = arguments.out.join(format!("{stem}.{ending}"));
            write(&path, &content).with_context(|| format!("{} cannot be written", path.display()))?;
            text(&format!("{}\n", path.display()))?;
        }
    }
    let faults = templates.faults();
    for fault in &faults {
        eprintln!("pulsewarden: {fault}; the shipped template made this; `pulsewarden check` says more");
    }
    Ok(if faults.is_empty() { FINE } else { WRONG })
}

fn refuse<'n>(why: &str, name: &str, names: impl Iterator<Item = &'n str>) -> anyhow::Result<u8> {
    let help = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    eprintln!("pulsewarden: {why}{help}");
    Ok(WRONG)
}

/// An alert of the store, a digest over it, or an invented alert of a rule.
fn find(settings: &Settings, rules: &RuleSet, what: &str) -> anyhow::Result<Option<Shown>> {
    if let Ok(number) = what.parse() {
        let found = reader(settings)?.alert(number)?;
        return Ok(found.map(|alert| Shown { content: about(alert), real: true }));
    }
    if let Some(digest) = rules.digests.iter().find(|digest| digest.name == what) {
        let content = digest::content(&reader(settings)?, rules, digest, Clock::Wall.now())?;
        return Ok(Some(Shown { content, real: true }));
    }
    let rule = rules.rule(what);
    Ok(rule.map(|rule| Shown { content: about(sample_alert(rules, rule)), real: false }))
}

fn about(alert: Alert) -> Content {
    let (firing, ended) = if alert.end.is_none() { (vec![alert], Vec::new()) } else { (Vec::new(), vec![alert]) };
    Content::Alerts {
        group_labels: Labels::new(),
        firing,
        ended,
        firing_omitted: 0,
        ended_omitted: 0,
        repeat: false,
        update: false,
        thread: 0,
    }
}

/// One channel of each kind that the receiver has; of every kind where it has none yet.
fn channels(receiver: &Receiver) -> Vec<Channel> {
    let mut channels = receiver.channels.clone();
    if channels.is_empty() {
        channels = vec![
            Channel::Email { to: vec!["nobody@example.com".to_owned()] },
            Channel::SlackWebhook { webhook: String::new() },
        ];
    }
    channels.sort_by_key(Channel::kind);
    channels.dedup_by_key(|channel| channel.kind());
    channels
}

fn notification(receiver: &Receiver, channel: Channel, content: Content) -> Notification {
    Notification {
        key: "preview".to_owned(),
        receiver: receiver.name.clone(),
        phi: receiver.phi,
        channel,
        group: String::new(),
        due: Clock::Wall.now(),
        content,
        remarks: Vec::new(),
    }
}

/// What a message is in files: the end of each name, and the text.
fn files(rendered: Rendered) -> anyhow::Result<Vec<(&'static str, String)>> {
    match rendered {
        Rendered::Email { subject, text, html, attachments } => {
            let mail = [("html", html), ("txt", format!("Subject: {subject}\n\n{text}"))];
            // A mail has one table at most.
            Ok(mail.into_iter().chain(attachments.into_iter().take(1).map(|table| ("csv", table.content))).collect())
        }
        Rendered::Slack { body } => Ok(vec![("slack.json", pretty(&body)?)]),
        Rendered::Webhook { body } => Ok(vec![("webhook.json", pretty(&body)?)]),
        Rendered::Pagerduty { events } => Ok(vec![("pagerduty.json", pretty(&format!("[{}]", events.join(",")))?)]),
        Rendered::Failed { error } => anyhow::bail!(error),
    }
}

/// JSON on lines that people can read.
fn pretty(json: &str) -> anyhow::Result<String> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
}

/// Others must not read it: it may speak of patients.
fn write(path: &Path, content: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())
}

/// A name of rule files as a part of a file's name.
fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
