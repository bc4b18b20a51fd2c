//! From rule files to a [`RuleSet`]: every file is read, then settings, then rules, then what refers across files.

mod calendars;
mod channels;
mod condition;
mod digests;
mod end;
mod events;
mod inhibit;
mod intervals;
mod kind;
mod length;
mod overrides;
mod passing;
mod receivers;
mod route;
mod rule;
mod sparing;
mod tables;
mod text;
mod trigger;
mod values;
mod zone;

use super::bundle::{Bundle, Origin, RuleFile};
use super::problem::{Place, Problem, Problems};
use super::walk::{Fields, Walk};
use super::yaml::{Node, Value, parse};
use crate::engine::{Digest, InhibitRule, Receiver, Route, Rule, RuleFiles, RuleSet, Severity};

/// What other versions know at the top of a rule file.
const LATER: [&str; 3] = ["mute_time_intervals", "templates", "global"];

/// One file on its way.
struct File<'w> {
    origin: Origin,
    /// Its path below the folder of rules.
    name: &'w str,
    walk: &'w Walk,
    root: Option<Node>,
}

impl File<'_> {
    /// The value of a key at the top of the file.
    fn get(&self, key: &str) -> Option<&Node> {
        let Value::Map(entries) = &self.root.as_ref()?.value else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Value::Map(entries) = &mut self.root.as_mut()?.value else { return None };
        entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value)
    }
}

/// Something that a file says, and where.
struct Placed<T> {
    value: T,
    origin: Origin,
    place: Place,
}

/// Something with a name. What is wrong in itself keeps its name, so that others can still refer to it.
struct Named<T> {
    name: String,
    value: Option<T>,
    origin: Origin,
    place: Place,
}

/// A reference that can be judged only when all files are read.
struct Reference {
    name: String,
    place: Place,
}

/// What the rules of every file can name, wherever it stands.
#[derive(Default)]
struct Vocabulary {
    settings: values::Values,
    calendars: calendars::Calendars,
    tables: tables::Tables,
    intervals: intervals::Intervals,
}

/// What the files say, before it is put together.
#[derive(Default)]
struct Draft {
    words: Vocabulary,
    rules: Vec<Named<Rule>>,
    /// Labels that rules add, those of rules that are wrong otherwise included.
    labels: Vec<String>,
    receivers: Vec<Named<Receiver>>,
    route: Option<Placed<Route>>,
    inhibit_rules: Vec<InhibitRule>,
    digests: Vec<Named<Digest>>,
    /// Names that rules had before, each with the rule that has them now.
    earlier: Vec<(String, Reference)>,
    /// Rules that overrides switch off.
    disabled: Vec<String>,
    /// Receivers that routes and digests name.
    to_receivers: Vec<Reference>,
    /// Receivers that have a fallback, with the one that they name.
    fallbacks: Vec<(String, Reference)>,
    /// Labels that routes group by.
    to_labels: Vec<Reference>,
    /// What receivers use and the configuration must have: incoming webhooks of Slack, endpoints, integrations of PagerDuty,
    /// Slack's bot, and mail.
    to_webhooks: Vec<Reference>,
    to_endpoints: Vec<Reference>,
    to_integrations: Vec<Reference>,
    to_bot: Vec<Place>,
    mail: Vec<Place>,
}

pub use channels::against_settings;
pub use tables::named_by as tables_named_by;

// What the schema of rule files says as well.
pub(in crate::config) use calendars::{DAYS, MOST_HOLIDAYS};
pub(in crate::config) use digests::{SECTIONS, TOO_FINE};
pub(in crate::config) use receivers::PHI;
pub(in crate::config) use rule::BUILT_IN_LABELS;
pub(in crate::config) use trigger::MOST as MOST_COUNTED;

/// Builds and checks the rule set; warnings stand beside it.
pub fn compile(bundle: &Bundle) -> Result<(RuleSet, Vec<Problem>), Problems> {
    let (mut draft, mut problems) = read(bundle);
    problems.extend(refer(&mut draft));
    if problems.any_errors() {
        return Err(problems);
    }
    problems.extend(nobody_told(&draft));
    problems.extend(unread_settings(&draft));
    problems.extend(receivers::digests_to_nobody(&draft));
    let Vocabulary { settings, calendars, tables, .. } = draft.words;
    let settings = settings.known.into_iter().map(|(name, placed)| (name, placed.value)).collect();
    let calendars = calendars.known.into_iter().filter_map(|(name, placed)| Some((name, placed.value?))).collect();
    let set = RuleSet::new(RuleFiles {
        hash: bundle.hash(),
        rules: draft.rules.into_iter().filter_map(|named| named.value).collect(),
        settings,
        calendars,
        tables: tables.known,
        receivers: draft.receivers.into_iter().filter_map(|named| named.value).collect(),
        route: draft.route.map(|placed| placed.value),
        inhibit_rules: draft.inhibit_rules,
        digests: draft.digests.into_iter().filter_map(|named| named.value).collect(),
    });
    Ok((set, problems.into_vec()))
}

/// What is allowed, but leaves everybody in the dark.
fn nobody_told(draft: &Draft) -> Option<Problem> {
    if draft.rules.is_empty() {
        let problem = Problem::general_warning("there are no rules, so nothing will ever raise an alert");
        return Some(problem.help("leave `library` at its default for the shipped rules, or write rules of your own"));
    }
    if draft.route.is_none() {
        let problem = Problem::general_warning("there is no route, so alerts are recorded and nobody is told");
        return Some(
            problem.help(
                "add to a rule file: receivers: [{ name: …, email: [{ to: [ … ] }] }] and route: { receiver: … }",
            ),
        );
    }
    None
}

/// Settings that no condition, text or length reads. Rules that are switched off count.
fn unread_settings(draft: &Draft) -> Vec<Problem> {
    let reads = draft.rules.iter().filter_map(|rule| rule.value.as_ref()).flat_map(|rule| &rule.reads);
    let of_settings = reads.filter_map(|read| match read.path.as_slice() {
        [root, name, ..] if root == "settings" => Some(name.as_str()),
        _ => None,
    });
    draft.words.settings.unread(&of_settings.collect())
}

fn read(bundle: &Bundle) -> (Draft, Problems) {
    let mut draft = Draft::default();
    let mut incomplete = bundle.is_incomplete();
    let walk = Walk::strict();
    let mut files: Vec<_> = bundle
        .rule_files()
        .map(|file| {
            let (root, syntax) = parse(&file.source());
            incomplete |= root.is_none();
            walk.extend(syntax);
            let root = root.filter(|root| !matches!(root.value, Value::Empty));
            File { origin: file.origin, name: &file.name, walk: &walk, root }
        })
        .collect();
    // Rules of every file may read every setting, calendar and label of a table, so these come first.
    let words = &mut draft.words;
    words.settings.incomplete = incomplete;
    words.calendars.incomplete = incomplete;
    words.tables.incomplete = incomplete;
    words.intervals.incomplete = incomplete;
    for file in &files {
        if let Some(node) = file.get("settings") {
            values::read(file, node, &mut words.settings);
        }
        if let Some(node) = file.get("calendars") {
            calendars::read(file, node, &mut words.calendars);
        }
        if let Some(node) = file.get("time_intervals") {
            for node in walk.items(node) {
                intervals::read(file, node, &mut words.intervals);
            }
        }
        if let Some(node) = file.get("tables") {
            let find = |name: &str| bundle.table(file.origin, name).map(RuleFile::source);
            tables::read(file, node, &mut words.tables, &find);
        }
    }
    draft.disabled = overrides::apply(&walk, &mut files, incomplete);
    for file in &files {
        if let Some(root) = &file.root
            && let Some(fields) = walk.fields(root, "the keys of a rule file", "rules: […]")
        {
            read_file(file, fields, &mut draft);
        }
    }
    drop(files);
    (draft, walk.into_problems())
}

fn read_file(file: &File<'_>, fields: Fields<'_>, draft: &mut Draft) {
    let walk = file.walk;
    fields.get("settings");
    fields.get("calendars");
    fields.get("tables");
    fields.get("time_intervals");
    for node in named(file, &fields, "rules", "alert", &mut draft.rules) {
        let read = rule::read(walk, node, &draft.words);
        draft.labels.extend(read.labels);
        if let Some((name, place)) = read.name {
            let earlier = read.was.into_iter().map(|(was, place)| (name.clone(), Reference { name: was, place }));
            draft.earlier.extend(earlier);
            let rule = Named { name, value: read.rule, origin: file.origin, place };
            unique(walk, &draft.rules, &rule);
            draft.rules.push(rule);
        }
    }
    for node in named(file, &fields, "receivers", "name", &mut draft.receivers) {
        receivers::read_receiver(file, node, draft);
    }
    if let Some(node) = fields.get("route") {
        route::read(file, node, draft);
    }
    for node in fields.get("inhibit_rules").map_or(&[][..], |node| walk.items(node)) {
        inhibit::read(file, node, draft);
    }
    for node in named(file, &fields, "digests", "digest", &mut draft.digests) {
        digests::read(file, node, draft);
    }
    fields.get("override");
    fields.elsewhere(
        walk,
        &[
            "listen",
            "storage",
            "impilo",
            "email",
            "slack",
            "webhook",
            "pagerduty",
            "self",
            "retention",
            "delivery",
            "log",
        ],
        "pulsewarden.yaml",
        "move it to /etc/pulsewarden/pulsewarden.yaml",
    );
    fields.done(walk, "a rule file", &LATER);
}

/// The items of a list of things with names. Where a map stands in its place, the names count, so that others can refer
/// to them.
fn named<'n, T>(
    file: &File<'_>,
    fields: &Fields<'n>,
    key: &'static str,
    name: &str,
    to: &mut Vec<Named<T>>,
) -> &'n [Node] {
    let Some(node) = fields.get(key) else { return &[] };
    let (items, names) = file.walk.named_items(node, key, name);
    let place = file.walk.place(node);
    let named = |name: &str| Named { name: name.to_owned(), value: None, origin: file.origin, place: place.clone() };
    to.extend(names.into_iter().map(named));
    items
}

/// Complains where something of this name was there before.
fn unique<T>(walk: &Walk, all: &[Named<T>], new: &Named<T>) {
    let name = &new.name;
    let Some(first) = all.iter().find(|known| known.name == *name) else { return };
    let problem = Problem::error(new.place.clone(), format!("`{name}` is defined twice"));
    let problem = problem.related(first.place.clone(), "first here");
    walk.add(if first.origin == Origin::Library && new.origin == Origin::Own {
        let change = format!("to change a shipped rule, write override: [{{ alert: {name}, … }}]");
        problem.help(change).help("to add a rule, choose another name")
    } else {
        problem.help("give one of the two another name")
    });
}

/// Judges what refers to something in another place, and leaves out what is switched off. What may stand in a file that
/// could not be read is not called missing.
fn refer(draft: &mut Draft) -> Problems {
    let mut problems = Problems::default();
    earlier_names(draft, &mut problems);
    draft.rules.retain(|rule| !draft.disabled.contains(&rule.name));
    if !draft.words.settings.incomplete {
        receivers::check_references(draft, &mut problems);
    }
    problems
}

/// Judges the names that rules had before: what is kept under one can go on in one rule only.
fn earlier_names(draft: &Draft, problems: &mut Problems) {
    for (at, (rule, earlier)) in draft.earlier.iter().enumerate() {
        let name = &earlier.name;
        let error = |message: String| Problem::error(earlier.place.clone(), message);
        if name == rule {
            problems.push(error(format!("the rule is named `{name}` now")).help("write the name that it had before"));
        } else if let Some(other) = draft.rules.iter().find(|other| other.name == *name) {
            let problem = error(format!("there is a rule named `{name}`, so its alerts stay with it"));
            problems.push(problem.related(other.place.clone(), "this one").help("remove the name here"));
        } else if let Some((_, first)) = draft.earlier[..at].iter().find(|(_, first)| first.name == *name) {
            let problem = error(format!("two rules say that they were named `{name}`"));
            problems.push(problem.related(first.place.clone(), "first here").help("keep one of the two"));
        }
    }
}

/// The words for severities.
pub(in crate::config) const SEVERITIES: [(&str, Severity); 3] =
    [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];
