//! What keys mean, in the words of the documents.

/// Of rule files.
const RULES: &str = include_str!("../../../docs/rules.md");

/// Of their tests.
const TESTS: &str = include_str!("../../../docs/rule-tests.md");

/// What one key means.
pub(super) struct Word {
    key: &'static str,
    /// What holds where the key is left out, as the document says it; empty where there is nothing to say.
    default: &'static str,
    meaning: &'static str,
}

/// What the keys of one thing mean.
pub(super) struct Words(Vec<Word>);

impl Words {
    /// The words of a table of the reference of rule files: the one of this number, from 0, below a heading.
    pub(super) fn of_rules(heading: &str, number: usize) -> Self {
        Self(table(RULES, heading, number))
    }

    /// The same of the document about tests.
    pub(super) fn of_tests(heading: &str, number: usize) -> Self {
        Self(table(TESTS, heading, number))
    }

    /// Words for what no document has a table of.
    pub(super) fn told(words: &[(&'static str, &'static str)]) -> Self {
        Self(words.iter().map(|(key, meaning)| Word { key, default: "", meaning }).collect())
    }

    pub(super) fn find(&self, key: &str) -> Option<&Word> {
        self.0.iter().find(|word| word.key == key)
    }
}

impl Word {
    /// What an editor shows of the key.
    pub(super) fn shown(&self) -> String {
        // Links lead nowhere outside of the document.
        let meaning = self.meaning.split(": see [").next().unwrap_or_default();
        match self.default.trim_start_matches("none: ") {
            "" | "none" | "needed" | "that" => meaning.to_owned(),
            default if default.contains("needed") => format!("{meaning} ({default})"),
            default => format!("{meaning} (left out: {default})"),
        }
    }
}

/// The rows of a table, which says of keys what they mean and perhaps what holds without them.
fn table(text: &'static str, heading: &str, number: usize) -> Vec<Word> {
    let below = text.lines().skip_while(|line| line.trim_start_matches('#') != format!(" {heading}")).skip(1);
    let section: Vec<&'static str> = below.take_while(|line| !line.starts_with('#')).collect();
    let mut tables = section.split(|line| !line.starts_with('|')).filter(|lines| !lines.is_empty());
    let Some([head, _, rows @ ..]) = tables.nth(number) else { return Vec::new() };
    let place = |name: &str| cells(head).iter().position(|cell| *cell == name);
    let (default, meaning) = (place("default"), place("meaning"));
    let words = rows.iter().flat_map(|row| {
        let cells = cells(row);
        let cell = |place: Option<usize>| place.and_then(|place| cells.get(place)).copied().unwrap_or_default();
        let keys = cells.get(1).copied().unwrap_or_default().split('`').skip(1).step_by(2);
        keys.map(move |key| Word { key, default: cell(default), meaning: cell(meaning) }).collect::<Vec<_>>()
    });
    words.collect()
}

fn cells(row: &'static str) -> Vec<&'static str> {
    row.split('|').map(str::trim).collect()
}
