//! The table beside a digest's mail: alerts as comma-separated values (RFC 4180), as its receiver may see them.

use super::phi::{HIDDEN, assignee, local, text};
use super::{annotation, label};
use crate::engine::{Alert, DigestReport, Phi, Timestamp, UNKNOWN};
use crate::store::Attachment;

/// Spreadsheets take UTF-8 for what their computer writes otherwise, unless the file begins with this.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Who reads the table, and where.
#[derive(Clone, Copy)]
struct Reader<'r> {
    phi: Phi,
    time_zone: &'r str,
}

type Column = (&'static str, Phi, fn(&Alert, Reader<'_>) -> String);

/// Columns, each with the least that a receiver must be allowed.
const COLUMNS: [Column; 19] = [
    ("alert", Phi::None, |alert, _| alert.number.to_string()),
    ("rule", Phi::None, |alert, _| alert.rule.clone()),
    ("severity", Phi::None, |alert, _| alert.severity.to_string()),
    ("state", Phi::None, |alert, _| alert.state.to_string()),
    ("site", Phi::None, |alert, reader| known(alert, "site", reader)),
    ("item", Phi::None, |alert, reader| known(alert, "item", reader)),
    ("model", Phi::None, |alert, reader| known(alert, "model", reader)),
    ("since", Phi::None, |alert, reader| reader.local(alert.opened_at)),
    ("learned", Phi::None, |alert, reader| reader.local(alert.noticed_at)),
    ("until", Phi::None, |alert, reader| alert.end.as_ref().map(|end| reader.local(end.at)).unwrap_or_default()),
    ("acknowledged", Phi::None, |alert, _| if alert.acknowledged.is_some() { "yes" } else { "no" }.to_owned()),
    ("summary", Phi::Ids, |alert, reader| annotation(alert, "summary", reader.phi).unwrap_or_default()),
    ("serial", Phi::Ids, serial),
    ("device", Phi::Ids, |alert, reader| known(alert, "device", reader)),
    ("patient", Phi::Ids, |alert, reader| known(alert, "patient", reader)),
    ("order", Phi::Ids, |alert, reader| known(alert, "order", reader)),
    ("return", Phi::Ids, |alert, reader| known(alert, "return", reader)),
    ("acknowledged_by", Phi::Ids, |alert, _| {
        alert.acknowledged.as_ref().map(|taken| taken.by.clone()).unwrap_or_default()
    }),
    ("assignee", Phi::Full, |alert, reader| assignee(alert, reader.phi).map(|who| who.to_string()).unwrap_or_default()),
];

/// The table of a digest, where it has one.
pub(super) fn of(report: &DigestReport, phi: Phi) -> Option<Attachment> {
    let table = report.table.as_ref()?;
    let columns: Vec<&Column> = COLUMNS.iter().filter(|(_, least, _)| *least <= phi).collect();
    let reader = Reader { phi, time_zone: &report.time_zone };
    let mut content = String::from(BYTE_ORDER_MARK);
    add(&mut content, columns.iter().map(|(name, _, _)| (*name).to_owned()));
    for alert in &table.alerts {
        add(&mut content, columns.iter().map(|(_, _, read)| read(alert, reader)));
    }
    let day = report.until.to_utc().map(|at| at.format("-%Y-%m-%d").to_string()).unwrap_or_default();
    Some(Attachment {
        name: format!("{}{day}.csv", report.name),
        media_type: "text/csv; charset=utf-8; header=present".to_owned(),
        content,
    })
}

fn add(content: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.map(|cell| quoted(&cell)).collect();
    content.push_str(&cells.join(","));
    content.push_str("\r\n");
}

/// A cell that is a text wherever it is opened, and stays in its place.
fn quoted(text: &str) -> String {
    // What a spreadsheet trims away must not hide what it would compute.
    let text = text.trim();
    let defused = if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() };
    if defused.contains([',', '"', '\r', '\n']) { format!("\"{}\"", defused.replace('"', "\"\"")) } else { defused }
}

impl Reader<'_> {
    fn local(self, at: Timestamp) -> String {
        local(at, self.time_zone).to_string()
    }
}

fn known(alert: &Alert, name: &str, reader: Reader<'_>) -> String {
    Some(label(alert, name, reader.phi)).filter(|text| text != UNKNOWN && text != HIDDEN).unwrap_or_default()
}

fn serial(alert: &Alert, Reader { phi, .. }: Reader<'_>) -> String {
    let seen = alert.evidence.values.get("device.serial").filter(|seen| seen.protection <= phi);
    seen.map(|seen| text(seen, phi).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_cell_is_a_formula_or_leaves_its_place() {
        for (text, cell) in [
            ("plain", "plain"),
            ("a, b", "\"a, b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("  =HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'=1"),
            ("", ""),
        ] {
            assert_eq!(quoted(text), cell);
        }
    }
}
