//! What keys mean, in the words of the reference.

/// The reference of rule files, whose tables say of each key what it means.
const REFERENCE: &str = include_str!("../../../docs/rules.md");

/// What one key means.
pub(super) struct Word {
    key: &'static str,
    /// What holds where the key is left out, as the reference says it; empty where there is nothing to say.
    default: &'static str,
    meaning: &'static str,
}

/// What the keys of one thing mean.
pub(super) struct Words(Vec<Word>);

impl Words {
    /// The words of a table of the reference: the one of this number, from 0, below a heading.
    pub(super) fn of(heading: &str, number: usize) -> Self {
        let below = REFERENCE.lines().skip_while(|line| line.trim_start_matches('#') != format!(" {heading}")).skip(1);
        let section: Vec<&'static str> = below.take_while(|line| !line.starts_with('#')).collect();
        let tables = section.split(|line| !line.starts_with('|')).filter(|lines| !lines.is_empty());
        let table = tables.into_iter().nth(number).unwrap_or_default();
        Self(table.iter().filter_map(|line| word(line)).collect())
    }

    /// Words for what the reference has no table of.
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
        // Links lead nowhere outside of the reference.
        let meaning = self.meaning.split(": see [").next().unwrap_or_default();
        match self.default.trim_start_matches("none: ") {
            "" | "none" | "needed" | "that" => meaning.to_owned(),
            default if default.contains("needed") => format!("{meaning} ({default})"),
            default => format!("{meaning} (left out: {default})"),
        }
    }
}

/// A row of a table: the key, its type, its default and its meaning.
fn word(row: &'static str) -> Option<Word> {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let ["", key, _, default, meaning, ""] = *cells else { return None };
    Some(Word { key: key.strip_prefix('`')?.strip_suffix('`')?, default, meaning })
}
