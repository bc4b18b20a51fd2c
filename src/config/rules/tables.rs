//! Tables: CSV files that give alerts more labels.

use std::collections::BTreeMap;
use std::sync::Arc;

use csv::{ByteRecord, ReaderBuilder, StringRecord, Trim};

use super::rule::BUILT_IN_LABELS;
use super::values::is_identifier;
use super::{File, Placed};
use crate::config::problem::{Place, Problem};
use crate::config::source::Source;
use crate::config::suggest::nearest;
use crate::config::walk::{Fields, Walk};
use crate::config::yaml::{Node, Value, parse};
use crate::engine::Table;

const EXAMPLE: &str = "{ file: teams.csv, key: site, columns: [team] }";

/// Problems of one table after which no more are looked for.
const MOST_PROBLEMS: usize = 20;

/// What stands for a value that a row leaves out.
const UNKNOWN: &str = "unknown";

/// The tables, and the labels that they give.
#[derive(Default)]
pub(super) struct Tables {
    pub known: Vec<Table>,
    /// Labels by name, those of tables that are wrong otherwise included.
    pub labels: BTreeMap<String, Placed<()>>,
    /// A file could not be read, so that there may be others.
    pub incomplete: bool,
}

/// The CSV files that a rule file names, by their paths below its folder; what is wrong with a name is said when it is
/// read.
pub fn named_by(name: &str, source: &Arc<Source>) -> Vec<String> {
    let (Some(root), _) = parse(source) else { return Vec::new() };
    let Value::Map(entries) = &root.value else { return Vec::new() };
    let Some(entry) = entries.iter().find(|entry| entry.key == "tables") else { return Vec::new() };
    let items = match &entry.value.value {
        Value::List(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let file = |item: &Node| {
        let Value::Map(keys) = &item.value else { return None };
        let Value::Scalar(scalar) = &keys.iter().find(|entry| entry.key == "file")?.value.value else { return None };
        below(name, &scalar.text).ok()
    };
    items.iter().filter_map(file).collect()
}

/// The path below the folder of rules of what the rule file `name` calls `file`, or what to write instead.
fn below(name: &str, file: &str) -> Result<String, String> {
    let parts: Vec<&str> = file.split('/').collect();
    if file.starts_with('/') || file.contains('\\') || parts.iter().any(|part| matches!(*part, ".." | "")) {
        return Err("put the table beside the rule file, and write its name alone, as in teams.csv".to_owned());
    }
    if !file.ends_with(".csv") || parts.iter().any(|part| part.starts_with('.')) {
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).trim_start_matches('.');
        return Err(format!("save the table as CSV (UTF-8), and write {stem}.csv"));
    }
    Ok(match name.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{file}"),
        None => file.to_owned(),
    })
}

/// Reads `tables:`. `find` gives the text of a CSV file by its path below the folder of rules.
pub(super) fn read(file: &File<'_>, node: &Node, tables: &mut Tables, find: &dyn Fn(&str) -> Option<Arc<Source>>) {
    let walk = file.walk;
    for node in walk.items(node) {
        let Some(fields) = walk.fields(node, "a table", EXAMPLE) else { continue };
        let csv = source(file, &fields, tables.incomplete, find);
        let key = key(walk, &fields);
        let columns = columns(file, &fields, tables);
        fields.done(walk, "a table", &[]);
        let (Some(csv), Some((key, key_node)), Some(columns)) = (csv, key, columns) else { continue };
        let mut reading = Reading { walk, csv: &csv, found: 0 };
        if let Some(rows) = reading.rows((&key, key_node), &columns) {
            let columns = columns.into_iter().map(|(name, _)| name).collect();
            tables.known.push(Table { key, columns, rows });
        }
    }
}

/// The table's file.
fn source(
    file: &File<'_>,
    fields: &Fields<'_>,
    incomplete: bool,
    find: &dyn Fn(&str) -> Option<Arc<Source>>,
) -> Option<Arc<Source>> {
    let walk = file.walk;
    let node = fields.need(walk, "file", "a table", "name the CSV file: file: teams.csv")?;
    let written = walk.full_text(node, "teams.csv")?;
    match below(file.name, written) {
        Err(help) => {
            walk.error(node, format!("`{written}` cannot be the file of a table"), help);
            None
        }
        Ok(path) => {
            let found = find(&path);
            if found.is_none() && !incomplete {
                let help = "put it there; the first line names the columns, as in: site,team";
                walk.error(node, format!("there is no file `{written}` beside this file"), help);
            }
            found
        }
    }
}

/// The label whose value is looked up.
fn key<'n>(walk: &Walk, fields: &Fields<'n>) -> Option<(String, &'n Node)> {
    let node = fields.need(walk, "key", "a table", "say by which label it is looked up: key: site")?;
    let key = walk.full_text(node, "site")?;
    if BUILT_IN_LABELS.contains(&key) {
        return Some((key.to_owned(), node));
    }
    let help = match nearest(key, BUILT_IN_LABELS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("every alert has {}", BUILT_IN_LABELS[..8].join(", ")),
    };
    walk.error(node, format!("`{key}` is not a label by which a table can be looked up"), help);
    None
}

/// The labels that the table gives, each with its place.
fn columns(file: &File<'_>, fields: &Fields<'_>, tables: &mut Tables) -> Option<Vec<(String, Place)>> {
    let walk = file.walk;
    let node = fields.need(walk, "columns", "a table", "name the labels that it gives: columns: [team]")?;
    let mut columns = Vec::new();
    let mut wrong = false;
    for node in walk.some_items(node, "team") {
        let Some(name) = walk.full_text(node, "team") else {
            wrong = true;
            continue;
        };
        let place = walk.place(node);
        if let Some(first) = tables.labels.get(name) {
            let problem = Problem::error(place, format!("two tables give the label `{name}`"));
            walk.add(problem.related(first.place.clone(), "first here").help("name one of the columns differently"));
            wrong = true;
            continue;
        }
        if BUILT_IN_LABELS.contains(&name) {
            let message = format!("every alert has a label `{name}` already");
            walk.error(node, message, "choose another name: a table adds labels, and replaces none");
            wrong = true;
        } else if !is_identifier(name) {
            let help = "use letters, digits and `_`, beginning with a letter, here and in the first line of the table";
            walk.error(node, format!("`{name}` cannot be the name of a label"), help);
            wrong = true;
        } else {
            let placed = Placed { value: (), origin: file.origin, place: place.clone() };
            tables.labels.insert(name.to_owned(), placed);
            columns.push((name.to_owned(), place));
        }
    }
    (!wrong && !columns.is_empty()).then_some(columns)
}

/// One CSV file on its way. What its cells hold may be protected, so no message quotes them.
struct Reading<'a> {
    walk: &'a Walk,
    csv: &'a Arc<Source>,
    /// Problems so far.
    found: usize,
}

impl Reading<'_> {
    /// The values of the columns by that of the key; `None` where anything is wrong.
    fn rows(
        &mut self,
        (key, key_node): (&str, &Node),
        columns: &[(String, Place)],
    ) -> Option<BTreeMap<String, Vec<String>>> {
        // A byte order mark, as some spreadsheets write it, is no part of the first name.
        let begin = if self.csv.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let text = &self.csv.text[begin..];
        let mut reader =
            ReaderBuilder::new().flexible(true).has_headers(false).trim(Trim::All).from_reader(text.as_bytes());
        let mut records = reader.byte_records().filter_map(|record| {
            let record = record.ok()?;
            let at = begin + record.position().and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or(0);
            Some((at, text_of(record)))
        });
        let Some((head_at, head)) = records.next() else {
            self.add(
                Problem::error(self.line(0), "this table is empty")
                    .help(format!("begin it with {}", header(key, columns))),
            );
            return None;
        };
        if head.len() == 1 && head.iter().any(|cell| cell.contains([';', '\t'])) {
            let problem = Problem::error(self.line(head_at), "the columns are not separated by commas");
            self.add(problem.help(format!("save the table with commas: {}", header(key, columns))));
            return None;
        }
        let key_at = self.column(&head, head_at, key, &self.walk.place(key_node));
        let columns: Vec<_> = columns.iter().map(|(name, place)| self.column(&head, head_at, name, place)).collect();
        let (key_at, columns) = (key_at?, columns.into_iter().collect::<Option<Vec<usize>>>()?);
        let mut rows = BTreeMap::new();
        let mut first = BTreeMap::new();
        for (at, row) in records {
            if self.found >= MOST_PROBLEMS {
                break;
            }
            // Spreadsheets leave rows of commas behind.
            if row.iter().all(str::is_empty) {
                continue;
            }
            if row.len() != head.len() {
                self.uneven(at, &row, head.len());
                continue;
            }
            let cell = |column: usize| row.get(column).unwrap_or_default();
            let key = cell(key_at);
            if key.is_empty() {
                self.add(Problem::error(self.line(at), "this row has no key").help("fill it in, or remove the row"));
            } else if let Some(before) = first.get(key) {
                let problem = Problem::error(self.line(at), "two rows have this key");
                self.add(problem.related(self.line(*before), "the first").help("keep one of the two"));
            } else {
                first.insert(key.to_owned(), at);
                let value = |column: &usize| Some(cell(*column)).filter(|value| !value.is_empty()).unwrap_or(UNKNOWN);
                rows.insert(key.to_owned(), columns.iter().map(value).map(str::to_owned).collect());
            }
        }
        (self.found == 0).then_some(rows)
    }

    /// Where a column stands, by its name in the first line.
    fn column(&mut self, head: &StringRecord, head_at: usize, name: &str, place: &Place) -> Option<usize> {
        let mut found = head.iter().enumerate().filter(|(_, column)| *column == name).map(|(at, _)| at);
        match (found.next(), found.next()) {
            (Some(at), None) => return Some(at),
            (Some(_), Some(_)) => {
                let problem = Problem::error(self.line(head_at), format!("two columns are named `{name}`"));
                self.add(problem.help("name one of them differently"));
            }
            (None, _) => {
                let problem = Problem::error(place.clone(), format!("the table has no column `{name}`"));
                let problem = problem.related(self.line(head_at), "the first line names the columns");
                let help = match nearest(name, head.iter()) {
                    Some(near) => format!("did you mean `{near}`? Both must be written alike"),
                    None => "name a column of the table, or add one".to_owned(),
                };
                self.add(problem.help(help));
            }
        }
        None
    }

    fn uneven(&mut self, at: usize, row: &StringRecord, wanted: usize) {
        let counted = |count: usize| format!("{count} value{}", if count == 1 { "" } else { "s" });
        let message = format!("this row has {}, and the first line names {wanted}", counted(row.len()));
        let help = if row.iter().any(|cell| cell.contains('\n')) {
            "a quote is probably not closed here"
        } else if row.len() < wanted {
            "add what is missing; a value that is not known is left empty, and keeps its comma"
        } else {
            "put a value that holds a comma into double quotes"
        };
        self.add(Problem::error(self.line(at), message).help(help));
    }

    fn add(&mut self, problem: Problem) {
        self.found += 1;
        self.walk.add(problem);
    }

    /// The line that begins here.
    fn line(&self, at: usize) -> Place {
        let rest = self.csv.text.get(at..).unwrap_or_default();
        let skipped = rest.len() - rest.trim_start_matches(['\n', '\r']).len();
        let line = rest[skipped..].lines().next().unwrap_or_default();
        let start = at + skipped;
        Place { source: self.csv.clone(), at: start..start + line.trim_end().len() }
    }
}

/// The file was read as UTF-8, so nothing is lost.
fn text_of(record: ByteRecord) -> StringRecord {
    StringRecord::from_byte_record_lossy(record)
}

fn header(key: &str, columns: &[(String, Place)]) -> String {
    std::iter::once(key).chain(columns.iter().map(|(name, _)| &**name)).collect::<Vec<_>>().join(",")
}
