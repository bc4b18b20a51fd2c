//! Results as JUnit's XML, which build servers read.

use std::fmt::Write as _;
use std::time::Duration;

/// What became of one case.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The file that it stands in.
    pub file: String,
    pub name: String,
    pub took: Duration,
    /// What was not as expected, each with a head line; empty where everything was.
    pub failures: Vec<(String, String)>,
    /// What kept it from being run.
    pub error: Option<String>,
}

impl Tested {
    /// A case, or a whole file, that could not be run.
    #[must_use]
    pub fn not_run(file: &str, name: &str, error: String) -> Self {
        let (file, name) = (file.to_owned(), name.to_owned());
        Self { file, name, took: Duration::ZERO, failures: Vec::new(), error: Some(error) }
    }
}

/// One suite for each file.
#[must_use]
pub fn junit(tested: &[Tested]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(xml, "<testsuites {}>", totals(tested.iter()));
    for suite in tested.chunk_by(|one, next| one.file == next.file) {
        let file = suite.first().map(|one| escape(&one.file)).unwrap_or_default();
        let _ = writeln!(xml, "  <testsuite name=\"{file}\" {}>", totals(suite.iter()));
        suite.iter().for_each(|one| case(&mut xml, one));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(xml: &mut String, one: &Tested) {
    let (name, file, took) = (escape(&one.name), escape(&one.file), seconds(one.took));
    let _ = write!(xml, "    <testcase name=\"{name}\" classname=\"{file}\" time=\"{took}\"");
    if one.failures.is_empty() && one.error.is_none() {
        xml.push_str("/>\n");
        return;
    }
    xml.push_str(">\n");
    for (head, text) in &one.failures {
        let _ = writeln!(xml, "      <failure message=\"{}\">{}</failure>", escape(head), escape(text));
    }
    if let Some(error) = &one.error {
        let head = error.lines().next().unwrap_or_default();
        let _ = writeln!(xml, "      <error message=\"{}\">{}</error>", escape(head), escape(error));
    }
    xml.push_str("    </testcase>\n");
}

fn totals<'t>(tested: impl Iterator<Item = &'t Tested> + Clone) -> String {
    let failures = tested.clone().filter(|one| !one.failures.is_empty()).count();
    let errors = tested.clone().filter(|one| one.error.is_some()).count();
    let took = tested.clone().map(|one| one.took).sum();
    format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{}\"", tested.count(), seconds(took))
}

fn seconds(took: Duration) -> String {
    format!("{:.3}", took.as_secs_f64())
}

/// Text as XML 1.0 takes it; characters that it cannot hold at all become a replacement.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
