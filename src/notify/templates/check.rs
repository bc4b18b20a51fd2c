//! Every template, tried with messages of every sort for receivers of every class, before it may make one.

use std::collections::BTreeSet;

use minijinja::value::{Serde, Value as Shown};
use serde::Serialize;

use super::{Form, Templates};
use crate::config::{Place, Problem, Problems, Source};
use crate::engine::{Notification, Phi};
use crate::notify::page::{self, Entry, Page};

/// What templates can name.
pub(super) const NAMES: [&str; 27] = [
    "headline",
    "preheader",
    "link",
    "kind",
    "tone",
    "lead",
    "sections",
    "foot",
    "title",
    "entries",
    "lines",
    "details",
    "bars",
    "label",
    "value",
    "share",
    "pad",
    "blocks",
    "more",
    "entry",
    "number",
    "badge",
    "summary",
    "description",
    "action",
    "runbook",
    "facts",
];

/// A message to try templates with.
pub struct Sample {
    /// What it is, in a few words.
    pub what: String,
    pub notification: Notification,
    /// Something that stands in every text of it and that must come out escaped.
    pub markup: Option<&'static str>,
}

/// What one template is tried with.
#[derive(Serialize)]
#[serde(untagged)]
enum Tried<'p> {
    Page(&'p Page),
    Entry { entry: &'p Entry },
}

impl Templates {
    /// Renders every template with every sample, for receivers of every class, and says what fails: each fault once, with the
    /// first message that shows it.
    #[must_use]
    pub fn check(&self, samples: &[Sample]) -> Problems {
        let mut found = Found { known: BTreeSet::new(), problems: Problems::default() };
        for sample in samples {
            for phi in [Phi::None, Phi::Ids, Phi::Full] {
                self.check_with(sample, phi, &mut found);
            }
        }
        found.problems
    }

    fn check_with(&self, sample: &Sample, phi: Phi, found: &mut Found) {
        let page = page::of(&sample.notification, phi);
        let when = format!("rendering {} for a receiver of phi {}", sample.what, word(phi));
        for form in Form::ALL {
            let tried: Vec<Tried<'_>> = match form {
                Form::Headline if phi != Phi::None => continue,
                Form::SlackEntry => {
                    let entries = page.sections.iter().flat_map(|section| &section.entries);
                    entries.take(2).map(|entry| Tried::Entry { entry }).collect()
                }
                _ => vec![Tried::Page(&page)],
            };
            let (shipped, text) = form.shipped();
            let names = [Some(shipped), self.has_own_for(form, &page).then(|| form.file())];
            for name in names.into_iter().flatten() {
                let source = self.own.get(name).cloned();
                let source = source.unwrap_or_else(|| std::sync::Arc::new(Source::new(shipped, text)));
                for context in &tried {
                    let problem = match self.render_named(name, &Shown::from(Serde(context))) {
                        Err(error) => self.problem(&error, &source).label(when.as_str()),
                        Ok(made) => match sample.markup.filter(|_| form.has_markup()) {
                            Some(markup) if made.contains(markup) => {
                                let place = Place { at: super::line_of(&source.text, None), source: source.clone() };
                                Problem::error(place, "a value comes out as markup")
                                    .label(when.as_str())
                                    .help("remove `safe`, and include no template with another ending than this one's")
                            }
                            _ => continue,
                        },
                    };
                    found.add(problem);
                }
            }
        }
    }
}

impl Form {
    /// Whether what it makes is read as markup.
    const fn has_markup(self) -> bool {
        matches!(self, Self::MailHtml | Self::SlackLead | Self::SlackEntry)
    }
}

/// What was found, each fault once.
struct Found {
    known: BTreeSet<String>,
    problems: Problems,
}

impl Found {
    fn add(&mut self, problem: Problem) {
        if self.known.insert(problem.to_string()) {
            self.problems.push(problem);
        }
    }
}

const fn word(phi: Phi) -> &'static str {
    match phi {
        Phi::None => "none",
        Phi::Ids => "ids",
        Phi::Full => "full",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::config::Bundle;
    use crate::replay::samples;

    fn keys(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.keys().cloned());
                fields.values().for_each(|value| keys(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_name_is_known_to_the_help_and_to_the_document() {
        let rules = Bundle::of(&[("a.yaml", "rules: [{ alert: A, event: device.lowBattery }]")]).compile().unwrap().0;
        let mut found = BTreeSet::from(["entry".to_owned()]);
        for sample in samples(&rules) {
            keys(&serde_json::to_value(page::of(&sample.notification, Phi::Full)).unwrap(), &mut found);
        }
        assert_eq!(found, NAMES.into_iter().map(str::to_owned).collect());
        let document = include_str!("../../../docs/templates.md");
        let named = found.iter().map(String::as_str).chain(Form::ALL.map(Form::file));
        let missing: Vec<&str> = named.filter(|name| !document.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
