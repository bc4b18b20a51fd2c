//! The templates of messages: the shipped ones, and what people put in their place. Parsed once for each set of rule files.
//!
//! A template sees a page that was made for its receiver's class, or one entry of it, and nothing else.

mod check;

pub use check::Sample;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value as Shown};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde::Serialize;

use super::page::{self, Entry, Page};
use crate::config::{Bundle, Place, Problem, Problems, Source, nearest};
use crate::telemetry;

/// Steps that one template may take: one that runs away stops there. The longest page takes a twentieth.
const FUEL: u64 = 1_000_000;

/// Templates within templates: each level takes room on the stack.
const DEPTH: usize = 40;

/// Bytes of one rendered template.
const LONGEST: usize = 1 << 20;

/// Characters of a headline.
const LONGEST_HEADLINE: usize = 200;

/// Under this name a template of one's own can include or extend the shipped one.
const SHIPPED: &str = "shipped/";

/// What texts for Slack are escaped for.
const SLACK: &str = "slack";

/// What a template makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// The subject of a mail, and the head of a Slack message.
    Headline,
    MailText,
    MailHtml,
    /// What stands above the lists of a Slack message.
    SlackLead,
    /// One alert in a Slack message.
    SlackEntry,
}

impl Form {
    const ALL: [Self; 5] = [Self::Headline, Self::MailText, Self::MailHtml, Self::SlackLead, Self::SlackEntry];

    /// The file below `templates/` that takes its place.
    const fn file(self) -> &'static str {
        match self {
            Self::Headline => "headline.txt",
            Self::MailText => "mail.txt",
            Self::MailHtml => "mail.html",
            Self::SlackLead => "slack_lead.mrkdwn",
            Self::SlackEntry => "slack_entry.mrkdwn",
        }
    }

    const fn shipped(self) -> (&'static str, &'static str) {
        match self {
            Self::Headline => ("shipped/headline.txt", include_str!("headline.txt")),
            Self::MailText => ("shipped/mail.txt", include_str!("mail.txt")),
            Self::MailHtml => ("shipped/mail.html", include_str!("mail.html")),
            Self::SlackLead => ("shipped/slack_lead.mrkdwn", include_str!("slack_lead.mrkdwn")),
            Self::SlackEntry => ("shipped/slack_entry.mrkdwn", include_str!("slack_entry.mrkdwn")),
        }
    }
}

/// Templates, ready to be rendered.
pub struct Templates {
    environment: Environment<'static>,
    /// Those that people wrote, by their names below `templates/`.
    own: BTreeMap<String, Arc<Source>>,
    /// Those of them that could not be rendered for a message that went out, with where and why.
    faults: Mutex<BTreeMap<&'static str, String>>,
}

impl Templates {
    /// The shipped templates alone.
    #[must_use]
    pub fn shipped() -> Self {
        let mut environment = environment();
        for form in Form::ALL {
            let (name, source) = form.shipped();
            // One that does not parse is missed when it is rendered; the checks render all of them.
            let _ = environment.add_template(name, source);
            let _ = environment.add_template(form.file(), source);
        }
        Self { environment, own: BTreeMap::new(), faults: Mutex::default() }
    }

    /// The templates of a bundle in the place of the shipped ones; warnings stand beside them.
    ///
    /// # Errors
    /// Every template that does not parse, warnings included.
    pub fn of(bundle: &Bundle) -> Result<(Self, Vec<Problem>), Problems> {
        let mut templates = Self::shipped();
        let mut problems = Problems::default();
        for (name, file) in bundle.templates() {
            let source = file.source();
            if name.starts_with(SHIPPED) {
                let message = format!("{} has the name of a shipped template", source.name);
                problems.push(Problem::general(message).help("put it into another folder below templates/"));
                continue;
            }
            templates.own.insert(name.to_owned(), Arc::clone(&source));
            if let Err(error) = templates.environment.add_template_owned(name.to_owned(), file.text.clone()) {
                problems.push(templates.problem(&error, &source));
            }
        }
        problems.extend(templates.unused());
        if problems.any_errors() { Err(problems) } else { Ok((templates, problems.into_vec())) }
    }

    /// Whether people wrote any.
    #[must_use]
    pub fn are_shipped(&self) -> bool {
        self.own.is_empty()
    }

    /// The templates that could not be rendered for a message, with where and why. The shipped ones took their place.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.lock().values().cloned().collect()
    }

    /// Whether somebody's own template makes this page. What Pulsewarden says of itself is none of them: it must be read
    /// whatever people wrote.
    pub(super) fn has_own_for(&self, form: Form, page: &Page) -> bool {
        self.own.contains_key(form.file()) && page.kind != page::SELF
    }

    /// A page in one form.
    pub(super) fn page(&self, form: Form, page: &Page) -> Result<String, String> {
        self.render(form, self.has_own_for(form, page), &Shown::from(Serde(page)))
    }

    /// The one line that stands for a page that was made for `none`.
    pub(super) fn headline(&self, open: &Page) -> Result<String, String> {
        let line = self.page(Form::Headline, open)?;
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(words.join(" ").chars().take(LONGEST_HEADLINE).collect())
    }

    /// One entry of a Slack message.
    pub(super) fn entry(&self, entry: &Entry) -> Result<String, String> {
        #[derive(Serialize)]
        struct Context<'e> {
            entry: &'e Entry,
        }
        let own = self.own.contains_key(Form::SlackEntry.file());
        let made = self.render(Form::SlackEntry, own, &Shown::from(Serde(Context { entry })))?;
        Ok(made.trim().to_owned())
    }

    /// What somebody else's template cannot do, the shipped one does: the message goes out all the same.
    fn render(&self, form: Form, own: bool, context: &Shown) -> Result<String, String> {
        if own {
            match self.render_named(form.file(), context) {
                Ok(made) => return Ok(made),
                Err(error) => self.fell_back(form, &error),
            }
        }
        let (name, _) = form.shipped();
        self.render_named(name, context).map_err(|error| format!("the message cannot be rendered: {}", brief(&error)))
    }

    fn render_named(&self, name: &str, context: &Shown) -> Result<String, Error> {
        let made = self.environment.get_template(name)?.render(context)?;
        match made.trim() {
            "" if name.ends_with(Form::Headline.file()) => Err(refusal("a headline must not be empty")),
            "" if [Form::MailText, Form::MailHtml, Form::SlackEntry].iter().any(|form| name.ends_with(form.file())) => {
                Err(refusal("a message must not be empty"))
            }
            _ if made.len() > LONGEST => Err(refusal("what it makes is longer than 1 MiB")),
            _ => Ok(made),
        }
    }

    fn fell_back(&self, form: Form, error: &Error) {
        let what = brief(error);
        let mut faults = self.lock();
        if faults.insert(form.file(), format!("templates/{}: {what}", form.file())).is_none() {
            telemetry::template_failed(form.file(), &what);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong with a template, at its place. `within` is where it stands that nobody knows better.
    fn problem(&self, error: &Error, within: &Arc<Source>) -> Problem {
        let error = innermost(error);
        let source = error.name().and_then(|name| self.source(name)).unwrap_or_else(|| Arc::clone(within));
        let at = error.range().filter(|at| at.start < at.end && at.end <= source.text.len());
        let at = at.unwrap_or_else(|| line_of(&source.text, error.line()));
        let said = source.text.get(at.clone()).unwrap_or_default().trim().to_owned();
        let place = Place { source, at };
        match error.kind() {
            ErrorKind::UndefinedError => {
                let name = said.rsplit(['.', ' ']).next().unwrap_or_default();
                let problem = Problem::error(place, format!("this template names nothing that there is: `{said}`"));
                match nearest(name, check::NAMES).filter(|near| *near != name) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem.help("docs/templates.md lists what a template can name"),
                }
            }
            ErrorKind::TemplateNotFound => {
                let shipped = Form::ALL.map(|form| form.shipped().0);
                let name = said.split(['"', '\'']).nth(1).unwrap_or(&said);
                let known = self.own.keys().map(String::as_str).chain(shipped);
                let problem = Problem::error(place, "there is no such template");
                match nearest(name, known) {
                    Some(near) => problem.help(format!("did you mean `{near}`?")),
                    None => problem.help(format!("name one of templates/, or a shipped one: {}", shipped.join(", "))),
                }
            }
            kind => {
                let what = error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}"));
                Problem::error(place, format!("this template cannot be rendered: {what}"))
            }
        }
    }

    fn source(&self, name: &str) -> Option<Arc<Source>> {
        let shipped = || {
            let known = Form::ALL.map(Form::shipped).into_iter().find(|(known, _)| *known == name);
            known.map(|(name, text)| Arc::new(Source::new(name, text)))
        };
        self.own.get(name).cloned().or_else(shipped)
    }

    /// Files that stand for nothing, and that no other template names.
    fn unused(&self) -> Vec<Problem> {
        let forms = Form::ALL.map(Form::file);
        let named = |name: &str| self.own.values().any(|source| source.text.contains(name));
        let strange = self.own.iter().filter(|(name, _)| !forms.contains(&name.as_str()) && !named(name));
        strange
            .map(|(name, source)| {
                let message = format!("no message is made by {}, and no template names it", source.name);
                let problem = Problem::general_warning(message);
                match nearest(name, forms) {
                    Some(near) => problem.help(format!("did you mean {near}?")),
                    None => problem.help(format!("messages are made by {}", forms.join(", "))),
                }
            })
            .collect()
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // The delimiters are the usual ones, which cannot be refused.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        Some((_, "mrkdwn")) => AutoEscape::Custom(SLACK.into()),
        _ => AutoEscape::None,
    });
    environment.set_formatter(write);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    // Errors then know their place in the template.
    environment.set_debug(true);
    environment
}

/// Writes a value as the template's form needs it; what is not there, as nothing.
fn write(out: &mut Output, state: &mut State<'_, '_>, value: &Shown) -> Result<(), Error> {
    if value.is_none() {
        return Ok(());
    }
    match state.auto_escape() {
        AutoEscape::Custom(name) if name == SLACK && !value.is_safe() && !value.is_undefined() => {
            Ok(out.write_str(&super::slack::escaped(&value.to_string()))?)
        }
        AutoEscape::Custom(_) if !value.is_undefined() => Ok(out.write_str(&value.to_string())?),
        _ => minijinja::escape_formatter(out, state, value),
    }
}

fn refusal(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why)
}

/// The error at the bottom: the others say which template included or called it.
fn innermost(error: &Error) -> &Error {
    let mut at = error;
    while let Some(inner) = at.source().and_then(|inner| inner.downcast_ref::<Error>()) {
        at = inner;
    }
    at
}

/// What went wrong and where, without any value: that may be protected.
fn brief(error: &Error) -> String {
    let error = innermost(error);
    match (error.name(), error.line()) {
        (Some(name), Some(line)) => format!("{} in line {line} of {name}", error.kind()),
        _ => error.kind().to_string(),
    }
}

/// The bytes of a line, counted from one; of the first where it is not known.
fn line_of(text: &str, line: Option<usize>) -> std::ops::Range<usize> {
    let line = line.unwrap_or(1).saturating_sub(1);
    let start = text.split_inclusive('\n').take(line).map(str::len).sum::<usize>().min(text.len());
    let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    start..end
}
