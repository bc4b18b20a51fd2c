//! `falls:` and `rises:`: a number that passes a limit, from one side to the other.

use super::kind::key_place;
use super::rule::Draft;
use crate::config::check::article;
use crate::config::problem::Problem;
use crate::config::suggest::nearest;
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::Node;
use crate::engine::{Condition, EventPattern, Field, FieldType, Protection, Read};

/// A way past a limit.
struct Way {
    key: &'static str,
    limit: &'static str,
    example: &'static str,
    /// How the number before it is compared with the limit, and the one after it.
    before: &'static str,
    after: &'static str,
}

const WAYS: [Way; 2] = [
    Way { key: "falls", limit: "below", example: "{ field: device.battery, below: 20 }", before: ">=", after: "<" },
    Way { key: "rises", limit: "above", example: "{ field: device.battery, above: 80 }", before: "<=", after: ">" },
];

impl Draft<'_> {
    /// What must hold of the rule's event: its `where`, and a number that passes a limit at it.
    pub(super) fn tested(&mut self, fields: &Fields<'_>, events: &[EventPattern]) -> Option<Option<Condition>> {
        let walk = self.walk;
        let written = fields.get("where");
        let condition = written.map(|node| self.condition(node, events));
        let passed: Vec<_> = WAYS
            .iter()
            .filter_map(|way| fields.get(way.key).map(|node| (way, node)))
            .map(|(way, node)| self.passing(way, node))
            .collect();
        match passed.as_slice() {
            [] => super::rule::all(condition),
            [passed] => {
                let (Some(passed), Some(condition)) = (passed, super::rule::all(condition)) else { return None };
                let text = match &condition {
                    None => passed.clone(),
                    // Brackets keep an `||` together.
                    Some(condition) => format!("{passed} && ({})", condition.source()),
                };
                match Condition::compile(&text) {
                    Ok(condition) => Some(Some(condition)),
                    Err(error) => {
                        let node = written.unwrap_or(fields.node);
                        let help = "shorten it, or write two rules";
                        walk.error(node, format!("this cannot stand beside `falls` or `rises`: {error}"), help);
                        None
                    }
                }
            }
            _ => {
                let problem = Problem::error(key_place(fields, "rises"), "`falls` and `rises` in one rule");
                walk.add(problem.help("a number never does both at once: write two rules"));
                None
            }
        }
    }

    /// The condition that stands for a way past a limit.
    fn passing(&mut self, way: &Way, node: &Node) -> Option<String> {
        let walk = self.walk;
        let what = format!("`{}`", way.key);
        let part = walk.fields(node, &format!("the keys of {what}"), way.example)?;
        let field = part
            .need(walk, "field", &what, "say which number: field: device.battery")
            .and_then(|node| self.own_number(node));
        let example = if way.limit == "below" { "20" } else { "80" };
        let limit_node = part.need(walk, way.limit, &what, &format!("say the limit: {}: {example}", way.limit));
        let limit = limit_node.and_then(|node| self.limit(node, example));
        part.done(walk, &what, &[]);
        let (field, limit) = (field?, limit?);
        let subject = self.subject.as_str();
        for root in ["previous", subject] {
            let path = vec![root.to_owned(), field.name.to_owned()];
            self.reads.push(Read { path, protection: field.protection });
        }
        let Way { before, after, .. } = way;
        let name = field.name;
        Some(format!("previous.{name} {before} {limit} && {subject}.{name} {after} {limit}"))
    }

    /// The limit as conditions write it.
    fn limit(&mut self, node: &Node, example: &str) -> Option<String> {
        let number = self.words.settings.number(self.walk, node, example)?;
        let crate::config::yaml::Value::Scalar(scalar) = &node.value else { return None };
        match scalar.text.strip_prefix("settings.") {
            Some(name) => {
                let path = vec!["settings".to_owned(), name.to_owned()];
                self.reads.push(Read { path, protection: Protection::None });
                Some(scalar.text.clone())
            }
            None => Some(number.to_string()),
        }
    }

    fn own_number(&self, node: &Node) -> Option<&'static Field> {
        let field = self.own_field(node, "device.battery")?;
        if field.ty != FieldType::Number {
            let numbers: Vec<String> = Field::of(self.subject)
                .filter(|field| field.ty == FieldType::Number)
                .map(|field| format!("{}.{}", self.subject, field.name))
                .collect();
            let help = match numbers.as_slice() {
                [] => format!("{} has no numbers; write the condition into `where`", article(self.subject)),
                numbers => format!("{} has the numbers {}", article(self.subject), numbers.join(", ")),
            };
            self.walk.error(node, format!("`{}.{}` is not a number", self.subject, field.name), help);
            return None;
        }
        Some(field)
    }

    /// One of the fields of the rule's own subject, by its whole name.
    pub(super) fn own_field(&self, node: &Node, example: &str) -> Option<&'static Field> {
        let walk: &Walk = self.walk;
        let name = walk.full_text(node, example)?;
        if !self.told {
            return None;
        }
        let subject = self.subject;
        let own = name.strip_prefix(subject.as_str()).and_then(|rest| rest.strip_prefix('.'));
        if let Some(field) = own.and_then(|field| Field::find(subject, field)) {
            return Some(field);
        }
        let all: Vec<String> = Field::of(subject).map(|field| format!("{subject}.{}", field.name)).collect();
        let help = match nearest(name, all.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if Field::find(subject, name).is_some() => format!("write {subject}.{name}"),
            None => {
                let names: Vec<&str> = Field::of(subject).map(|field| field.name).collect();
                format!("the rule is about {}, which has {}", article(subject), names.join(", "))
            }
        };
        walk.error(node, format!("`{name}` is not a field of the rule's own subject"), help);
        None
    }
}
