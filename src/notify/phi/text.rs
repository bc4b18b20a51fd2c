//! The texts of rules, rendered for a receiver that may see so much and no more.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::value::Value as Shown;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use super::{Told, instant, shown};
use crate::engine::{Alert, Phi};

/// Steps that one text may take: a template that runs away stops there.
const FUEL: u64 = 50_000;

/// Characters of one rendered text.
const LONGEST: usize = 1500;

/// What texts are rendered in.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_formatter(|out, state, value| {
        if value.is_undefined() || value.is_none() {
            return Ok(out.write_str(super::UNKNOWN)?);
        }
        minijinja::escape_formatter(out, state, value)
    });
    environment
});

/// A rule's texts about an alert for a receiver that may see so much, rendered from the alert's evidence and nothing else.
pub(in crate::notify) struct Texts<'a> {
    templates: &'a BTreeMap<String, String>,
    context: Shown,
}

impl<'a> Texts<'a> {
    pub(in crate::notify) fn of(alert: &'a Alert, phi: Phi) -> Self {
        Self { templates: &alert.annotations, context: context(alert, phi) }
    }

    /// `None` where the rule has no such text, or it comes to nothing.
    pub(in crate::notify) fn get(&self, name: &str) -> Option<Told> {
        let rendered = ENVIRONMENT.render_str(self.templates.get(name)?, &self.context).ok()?;
        let text: String = rendered.chars().take(LONGEST).collect();
        Some(Told(text.trim().to_owned())).filter(|text| !text.is_empty())
    }
}

/// The names that a text can use: `device.serial` and the like from the evidence, `labels`, `alert`.
fn context(alert: &Alert, phi: Phi) -> Shown {
    let mut roots: BTreeMap<String, Shown> = BTreeMap::new();
    let mut tree = Tree::default();
    for (path, seen) in &alert.evidence.values {
        tree.put(path.split('.'), shown(seen, phi));
    }
    for (root, node) in tree.children {
        roots.insert(root, node.into_shown());
    }
    let labels: BTreeMap<String, Shown> =
        alert.labels.iter().map(|(name, seen)| (name.clone(), shown(seen, phi))).collect();
    roots.insert("labels".to_owned(), Shown::from(labels));
    let own: BTreeMap<&str, Shown> = BTreeMap::from([
        ("number", Shown::from(alert.number)),
        ("severity", Shown::from(alert.severity.as_str())),
        ("opened_at", Shown::from(instant(alert.opened_at).0)),
        ("count", Shown::from(alert.count)),
    ]);
    roots.insert("alert".to_owned(), Shown::from(own));
    Shown::from(roots)
}

/// Dotted names as nested maps.
#[derive(Default)]
struct Tree {
    value: Option<Shown>,
    children: BTreeMap<String, Tree>,
}

impl Tree {
    fn put<'p>(&mut self, mut path: impl Iterator<Item = &'p str>, value: Shown) {
        match path.next() {
            Some(step) => self.children.entry(step.to_owned()).or_default().put(path, value),
            None => self.value = Some(value),
        }
    }

    fn into_shown(self) -> Shown {
        match self.value {
            Some(value) => value,
            None => {
                let children: BTreeMap<String, Shown> =
                    self.children.into_iter().map(|(name, child)| (name, child.into_shown())).collect();
                Shown::from(children)
            }
        }
    }
}
