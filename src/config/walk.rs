//! Reading values out of a tree, noting every problem on the way and going on.

use std::cell::RefCell;
use std::time::Duration;

use super::measure;
use super::problem::{Level, Place, Problem, Problems};
use super::suggest::nearest;
use super::yaml::{Entry, Node, Scalar, Value, is_doubtful, plain_truth, quote};

/// A walk through files, which gathers what is wrong with them.
pub struct Walk {
    problems: RefCell<Problems>,
    /// Whether a key may stand without a value, and then counts as left out.
    empty_keys: bool,
}

/// A map whose keys are being read. [`Fields::done`] complains about those that nobody asked for.
pub struct Fields<'n> {
    pub node: &'n Node,
    entries: &'n [Entry],
    known: RefCell<Vec<&'static str>>,
    /// Keys without a value that were complained of.
    noted: RefCell<Vec<&'static str>>,
    /// What is to be said of missing keys, each with the key that may have been meant for it.
    missed: RefCell<Vec<(&'n str, Problem)>>,
}

impl Walk {
    pub fn new() -> Self {
        Self { problems: RefCell::default(), empty_keys: true }
    }

    /// A walk in which a key without a value is an error: a rule whose condition was forgotten would fire at every
    /// event.
    pub fn strict() -> Self {
        Self { empty_keys: false, ..Self::new() }
    }

    pub fn into_problems(self) -> Problems {
        self.problems.into_inner()
    }

    pub fn add(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub fn extend(&self, problems: Problems) {
        self.problems.borrow_mut().extend(problems);
    }

    pub fn place(&self, node: &Node) -> Place {
        node.place.clone()
    }

    /// Notes an error at `node`, with what to do about it.
    pub fn error(&self, node: &Node, message: impl Into<String>, help: impl Into<String>) {
        self.add(Problem::error(self.place(node), message).help(help));
    }

    /// Notes a warning at `node`, with what to do about it.
    pub fn warn(&self, node: &Node, message: impl Into<String>, help: impl Into<String>) {
        self.add(Problem { level: Level::Warning, ..Problem::error(self.place(node), message).help(help) });
    }

    /// The keys of a map. `what` names it in messages, as in "a receiver".
    pub fn fields<'n>(&self, node: &'n Node, what: &str, example: &str) -> Option<Fields<'n>> {
        match &node.value {
            Value::Map(entries) => Some(Fields {
                node,
                entries,
                known: RefCell::default(),
                noted: RefCell::default(),
                missed: RefCell::default(),
            }),
            _ => {
                self.wrong_type(node, what, example);
                None
            }
        }
    }

    /// The items of a list; a single item may stand for a list of one.
    pub fn items<'n>(&self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(items) => items,
            Value::Empty => &[],
            _ => std::slice::from_ref(node),
        }
    }

    /// The items of a list that needs at least one.
    pub fn some_items<'n>(&self, node: &'n Node, example: &str) -> &'n [Node] {
        let items = self.items(node);
        if items.is_empty() {
            self.error(node, "this list is empty", format!("write at least one, as in [{example}]"));
        }
        items
    }

    /// The items of a list whose items are maps with a `name` of their own. Somebody may write a map of them by name
    /// instead: that is said once, and gives the names.
    pub fn named_items<'n>(&self, node: &'n Node, key: &str, name: &str) -> (&'n [Node], Vec<&'n str>) {
        let Value::Map(entries) = &node.value else { return (self.items(node), Vec::new()) };
        let by_name = |entry: &Entry| matches!(entry.value.value, Value::Map(_) | Value::Empty);
        let Some(first) = entries.first().filter(|_| entries.iter().all(by_name)) else {
            return (self.items(node), Vec::new());
        };
        let problem = Problem::error(first.place.clone(), format!("`{key}` is a list, and this is a map"));
        let first = first.shown();
        self.add(
            problem.help(format!("begin each with a dash and its name: `- {name}: {first}`, its keys below that")),
        );
        (&[], entries.iter().map(|entry| &*entry.key).collect())
    }

    /// Text, quoted or not. An unquoted number or truth value is refused, since it would read as something else.
    pub fn text<'n>(&self, node: &'n Node, example: &str) -> Option<&'n str> {
        self.instead(node, |text| Some(format!("write {}", quote(text))));
        let scalar = self.scalar(node, "text", example)?;
        if !scalar.is_text() {
            let help = format!("write \"{}\"", self.quotable(node, &scalar.text));
            self.error(node, format!("expected text, found {}", scalar.describe()), help);
            return None;
        }
        Some(&scalar.text)
    }

    /// Text that says something.
    pub fn full_text<'n>(&self, node: &'n Node, example: &str) -> Option<&'n str> {
        let text = self.text(node, example)?;
        if text.trim().is_empty() {
            self.error(node, "this text is empty", format!("write something like {example}"));
            return None;
        }
        Some(text)
    }

    /// Whether a plain word stands there.
    pub fn is_word(&self, node: &Node, word: &str) -> bool {
        matches!(&node.value, Value::Scalar(scalar) if scalar.text == word)
    }

    /// True or false.
    pub fn flag(&self, node: &Node) -> Option<bool> {
        self.instead(node, |text| Some(format!("write {}", plain_truth(text)?)));
        let scalar = self.scalar(node, "true or false", "true or false")?;
        match (scalar.describe(), scalar.text.to_ascii_lowercase().as_str()) {
            ("true or false", text) => Some(text == "true"),
            (found, "true" | "false") => {
                self.error(node, format!("expected true or false, found {found}"), "remove the quotes");
                None
            }
            _ => {
                self.wrong_type(node, "true or false", "true or false");
                None
            }
        }
    }

    /// A whole number within `range`.
    pub fn count(&self, node: &Node, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let example = range.start().max(&1).to_string();
        let scalar = self.scalar(node, "a whole number", &example)?;
        let number = (scalar.describe() == "a number").then(|| scalar.text.parse::<u64>().ok()).flatten();
        match number {
            Some(number) if range.contains(&number) => Some(number),
            Some(_) => {
                let (least, most) = range.into_inner();
                self.error(node, "this number is out of range", format!("write a number from {least} to {most}"));
                None
            }
            None => {
                self.wrong_type(node, "a whole number", &example);
                None
            }
        }
    }

    /// A length of time such as `30s`, at least `least`.
    pub fn duration(&self, node: &Node, example: &str, least: Duration) -> Option<Duration> {
        self.instead(node, |_| Some(format!("write a length of time, as in {example}")));
        let scalar = self.scalar(node, "a length of time", example)?;
        match measure::duration(&scalar.text) {
            Ok(length) if length < least => {
                let help = format!("write at least {}", measure::show_duration(least));
                self.error(node, "this length of time is too short", help);
                None
            }
            Ok(length) => Some(length),
            Err(reason) => {
                let text = self.quotable(node, &scalar.text);
                self.error(node, reason.message(text), reason.help(text, example, least));
                None
            }
        }
    }

    /// A number of bytes such as `512MiB`.
    pub fn size(&self, node: &Node, example: &str) -> Option<u64> {
        let scalar = self.scalar(node, "a size", example)?;
        match measure::size(&scalar.text) {
            Some(size) => Some(size),
            None => {
                let help = match measure::meant_size(&scalar.text) {
                    Some(meant) => format!("write {meant}"),
                    None => format!("write a number with B, KiB, MiB or GiB, as in {example}"),
                };
                self.error(node, format!("`{}` is not a size", self.quotable(node, &scalar.text)), help);
                None
            }
        }
    }

    /// One word of a few; `what` says what they are, as in "a severity".
    pub fn choice<T: Copy>(&self, node: &Node, what: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        self.instead(node, |_| Some(format!("write {}", one_of(&words))));
        let scalar = self.scalar(node, what, words.first().copied().unwrap_or_default())?;
        let found = choices.iter().find(|(word, _)| *word == scalar.text).map(|(_, value)| *value);
        if found.is_none() {
            let help = match nearest(&scalar.text, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write {}", one_of(&words)),
            };
            self.error(node, format!("`{}` is not {what}", self.quotable(node, &scalar.text)), help);
        }
        found
    }

    /// For a scalar that was complained of as doubtful, before it was known what is wanted here: what to write.
    fn instead(&self, node: &Node, help: impl FnOnce(&str) -> Option<String>) {
        if let Value::Scalar(scalar) = &node.value
            && scalar.faulty
            && is_doubtful(&scalar.text)
            && let Some(help) = help(&scalar.text)
        {
            self.problems.borrow_mut().help_at(&node.place, help);
        }
    }

    /// The text of a node for use in a message; an ellipsis where it may not be shown.
    pub fn quotable<'t>(&self, node: &Node, text: &'t str) -> &'t str {
        node.quotable(text)
    }

    /// The scalar of a node that must have one, and was not complained of before.
    pub fn scalar<'n>(&self, node: &'n Node, expected: &str, example: &str) -> Option<&'n Scalar> {
        match &node.value {
            Value::Scalar(scalar) if scalar.faulty => None,
            Value::Scalar(scalar) => Some(scalar),
            _ => {
                self.wrong_type(node, expected, example);
                None
            }
        }
    }

    pub fn wrong_type(&self, node: &Node, expected: &str, example: &str) {
        if let Value::Scalar(scalar) = &node.value
            && scalar.faulty
        {
            return;
        }
        if node.written().starts_with("{{") {
            return;
        }
        let help = format!("write {}{example}", if expected == "true or false" { "" } else { "something like " });
        // A collection over many lines is shown by its first.
        self.add(
            Problem::error(node.first_line(), format!("expected {expected}, found {}", node.describe())).help(help),
        );
    }
}

impl<'n> Fields<'n> {
    /// The value of `key`; `None` where the key is missing or nothing is written after it.
    pub fn get(&self, key: &'static str) -> Option<&'n Node> {
        self.find(key).filter(|node| !matches!(node.value, Value::Empty))
    }

    /// The value of a key that goes by another name in this place, with an error that says so; `None` where `key`
    /// stands here, or neither does.
    pub fn renamed(&self, walk: &Walk, key: &'static str, others: &[&'static str]) -> Option<&'n Node> {
        let other = others.iter().find(|other| !self.has(key) && self.has(other))?;
        let entry = self.entries.iter().find(|entry| entry.key == **other)?;
        walk.add(
            Problem::error(entry.place.clone(), format!("`{other}` is called `{key}` here"))
                .help(format!("write `{key}:`")),
        );
        self.get(other)
    }

    /// Complains about keys that have their place in another file.
    pub fn elsewhere(&self, walk: &Walk, keys: &[&'static str], what: &str, help: &str) {
        for entry in self.entries {
            if let Some(key) = keys.iter().find(|key| entry.key == **key) {
                self.find(key);
                self.noted.borrow_mut().push(key);
                walk.add(Problem::error(entry.place.clone(), format!("`{key}` belongs into {what}")).help(help));
            }
        }
    }

    /// Complains about keys of other programs, with what to do instead.
    pub fn refuse(&self, walk: &Walk, keys: &[&'static str], help: &str) {
        for entry in self.entries {
            if let Some(key) = keys.iter().find(|key| entry.key == **key) {
                self.find(key);
                self.noted.borrow_mut().push(key);
                walk.add(Problem::error(entry.place.clone(), format!("`{key}` is not a key here")).help(help));
            }
        }
    }

    /// As [`Fields::get`], and an error where there is none.
    pub fn need(&self, walk: &Walk, key: &'static str, what: &str, example: &str) -> Option<&'n Node> {
        let found = self.find(key);
        match found {
            Some(node) if !matches!(node.value, Value::Empty) => Some(node),
            Some(_) => {
                self.noted.borrow_mut().push(key);
                self.nothing_after(walk, key, example);
                None
            }
            None => {
                let problem = Problem::error(self.head(), format!("{what} needs `{key}`"))
                    .label(format!("no `{key}` here"))
                    .help(example);
                let near = self.entries.iter().find(|entry| {
                    nearest(&entry.key, [key]).is_some()
                        || entry.key.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
                });
                match near {
                    Some(near) => self.missed.borrow_mut().push((&near.key, problem)),
                    None => walk.add(problem),
                }
                None
            }
        }
    }

    /// Whether the key stands here, with a value or without.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Every key with its value, all of them known: for maps whose keys people choose.
    pub fn all(&self) -> &'n [Entry] {
        self.entries
    }

    /// The first line of the map, for problems with the whole of it.
    pub fn head(&self) -> Place {
        self.node.first_line()
    }

    /// Complains about keys that nobody asked for; `later` are keys that another version has.
    pub fn done(self, walk: &Walk, what: &str, later: &[&str]) {
        let known = self.known.borrow();
        // A key that is nearly the missing one is complained of by itself, unless it has a meaning of its own.
        for (near, problem) in self.missed.take() {
            if known.contains(&near) {
                walk.add(problem);
            }
        }
        for entry in self.entries {
            let key = &*entry.key;
            if known.contains(&key) {
                let empty = matches!(entry.value.value, Value::Empty) && !self.noted.borrow().contains(&key);
                if empty && !walk.empty_keys {
                    self.nothing_after(walk, key, "write a value, or remove the key");
                }
                continue;
            }
            let place = entry.place.clone();
            if later.contains(&key) {
                walk.add(
                    Problem::error(place, format!("`{key}` is not supported by this version"))
                        .label(format!("not yet a key of {what}"))
                        .help("remove it; rules.md in the documentation lists what this version can do"),
                );
                continue;
            }
            let key = entry.shown();
            if let Some((key, value)) = key.split_once(':').filter(|(key, _)| known.contains(key)) {
                walk.add(
                    Problem::error(place, format!("no space after `{key}:`")).help(format!("write {key}: {value}")),
                );
                continue;
            }
            let help = match nearest(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{what} can have {}", list(&known)),
            };
            walk.add(Problem::error(place, format!("unknown key `{key}` in {what}")).help(help));
        }
    }

    fn nothing_after(&self, walk: &Walk, key: &str, help: &str) {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        let place = entry.map_or(&self.node.place, |entry| &entry.place).clone();
        walk.add(Problem::error(place, format!("nothing is written after `{key}:`")).help(help));
    }

    fn find(&self, key: &'static str) -> Option<&'n Node> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }
}

/// `a, b or c`.
fn one_of(words: &[&str]) -> String {
    join(words, "or", |word| (*word).to_owned())
}

/// `` `a`, `b` and `c` ``.
fn list(words: &[&str]) -> String {
    join(words, "and", |word| format!("`{word}`"))
}

fn join(words: &[&str], last: &str, show: impl Fn(&&str) -> String) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => show(only),
        [first @ .., end] => {
            let first: Vec<_> = first.iter().map(&show).collect();
            format!("{} {last} {}", first.join(", "), show(end))
        }
    }
}
