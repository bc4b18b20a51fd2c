//! What the reader says of a file, and whether it says that a shape is wrong.

use pulsewarden::config::{Bundle, Level, Problems, read_test_text};
use pulsewarden::impilo::schema::EVENT_TYPES;
use serde_json::Value as Json;

use super::plain_yaml;

/// What the reader says of a shape: keys, what goes together, words of a few, numbers and lengths of time. The rest are names
/// that stand elsewhere, conditions, texts, and YAML itself.
const OF_SHAPE: [&str; 39] = [
    "unknown key `",
    " needs `",
    "nothing is written after `",
    " is not supported by this version",
    " belongs into ",
    " is not a key here",
    " is called `",
    " has no unit",
    " is not a length of time",
    " is less than nothing",
    " is not a severity",
    " is not a kind of subject",
    " is not one of the settings of",
    " is not something of which there can be a share",
    " is not what a share of devices can count",
    " in one rule",
    " is a list, and this is a map",
    " cannot be a name",
    " cannot be the name of",
    "this number is out of range",
    "this list is empty",
    "this text is empty",
    "this end has ",
    "this raise has ",
    "every alert has a label ",
    " is not a label by which a table can be looked up",
    " is not a time zone",
    " is not a date",
    " is not a time of day",
    " is neither a day nor days",
    " is not a percentage",
    " is not an event type",
    "nothing tells what this rule is about",
    "a series has no `at`",
    " belongs to a series",
    "this test expects nothing",
    "an alert is always about something",
    "this does not say what ",
    "this does not say which ",
];

/// What the reader says of a file.
pub struct Said {
    /// The file as it was written.
    pub text: String,
    pub wrong: bool,
    /// Whether a shape is wrong.
    pub shape: bool,
    pub all: Problems,
}

impl Said {
    fn of(text: &str, problems: Problems) -> Self {
        let of_shape = |message: &str| {
            // What a setting holds, and what an event of a type must name, is no question of shape.
            let other = message.starts_with("the setting `")
                || EVENT_TYPES.iter().any(|event| message.starts_with(&format!("`{}`", event.name)));
            message.starts_with("expected ") || (!other && OF_SHAPE.iter().any(|words| message.contains(words)))
        };
        let mut errors = problems.iter().filter(|problem| problem.level == Level::Error).peekable();
        let (wrong, shape) = (errors.peek().is_some(), errors.any(|error| of_shape(&error.message)));
        Self { text: text.to_owned(), wrong, shape, all: problems }
    }

    /// Of a file of test cases.
    pub fn of_tests(file: &Json) -> Self {
        let text = plain_yaml::write(file, "~");
        let read = read_test_text("a.test.yaml", &text, None);
        let mut problems = read.problems;
        // Settings are judged where the test is run.
        for settings in read.cases.into_iter().filter_map(|case| case.settings) {
            problems.extend(Bundle::of(&[]).with(settings).compile().err().unwrap_or_default());
        }
        Self::of(&text, problems)
    }

    /// Of a rule file, beside another one and a table.
    pub fn of_rules(file: &Json) -> Self {
        Self::of_rule_text(&plain_yaml::write(file, ""))
    }

    /// The same of what may not even be YAML.
    pub fn of_rule_text(text: &str) -> Self {
        let other = "rules: { alert: Other, event: device.weakSignal, count: { at_least: 3, within: 1d } }";
        let files = [("a.yaml", text), ("other.yaml", other), ("teams.csv", "site,team\nNorth,red\n")];
        match Bundle::of(&files).compile() {
            Ok((_, warnings)) => Self::of(text, warnings.into_iter().collect()),
            Err(problems) => Self::of(text, problems),
        }
    }
}
