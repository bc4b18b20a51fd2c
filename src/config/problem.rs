//! What is wrong with a file, where, and what to write instead.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level as Title, Renderer, Snippet};

use super::source::Source;

/// Problems that [`Problems::render`] shows; nobody reads more at once.
const SHOWN: usize = 100;

/// How bad a problem is: an error keeps the file from being used, a warning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Error,
    Warning,
}

/// A place in a file.
#[derive(Clone, Debug)]
pub struct Place {
    pub source: Arc<Source>,
    /// Bytes of the source's text.
    pub at: Range<usize>,
}

impl Place {
    /// Whether both are in the same file.
    #[must_use]
    pub fn is_in(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }
}

/// One problem. It never shows the value of a secret.
#[derive(Clone, Debug)]
pub struct Problem {
    pub level: Level,
    pub message: String,
    /// `None` for what is not in any one file, such as a folder that cannot be read.
    pub place: Option<Place>,
    /// A word or two beside the underlined source.
    pub label: Option<String>,
    /// Other places that belong to the problem, each with its label.
    pub related: Vec<(Place, String)>,
    pub help: Vec<String>,
}

impl Problem {
    /// An error in a file.
    #[must_use]
    pub fn error(place: Place, message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            message: message.into(),
            place: Some(place),
            label: None,
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning about a file.
    #[must_use]
    pub fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(place, message) }
    }

    /// An error that is in no one file.
    #[must_use]
    pub fn general(message: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            message: message.into(),
            place: None,
            label: None,
            related: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning that is in no one file.
    #[must_use]
    pub fn general_warning(message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::general(message) }
    }

    /// Adds the words beside the underlined source.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds another place that belongs to the problem.
    #[must_use]
    pub fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }

    /// The problem as a terminal shows it, in the manner of the Rust compiler.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let title = match self.level {
            Level::Error => Title::ERROR,
            Level::Warning => Title::WARNING,
        };
        let mut group: Group<'_> = match &self.place {
            Some(place) => {
                let mut snippet = snippet(&place.source)
                    .annotation(AnnotationKind::Primary.span(within(place)).label(self.label.as_deref()));
                let mut elsewhere = Vec::new();
                for (other, label) in &self.related {
                    let annotation = AnnotationKind::Context.span(within(other)).label(Some(label.as_str()));
                    if Arc::ptr_eq(&other.source, &place.source) {
                        snippet = snippet.annotation(annotation);
                    } else {
                        elsewhere.push(self::snippet(&other.source).annotation(annotation));
                    }
                }
                title.primary_title(&*self.message).element(snippet).elements(elsewhere)
            }
            None => Group::with_title(title.primary_title(&*self.message)),
        };
        for help in &self.help {
            group = group.element(Title::HELP.message(&**help));
        }
        renderer.render(&[group])
    }

    /// Sorts problems as people read files: by file, then by place.
    fn order(&self) -> (Option<&str>, usize) {
        (self.place.as_ref().map(|place| &*place.source.name), self.place.as_ref().map_or(0, |place| place.at.start))
    }
}

fn snippet(source: &Source) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    Snippet::source(source.shown()).path(&*source.name)
}

/// The place's range, clamped to characters of its text.
fn within(place: &Place) -> Range<usize> {
    let text = place.source.shown();
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(place.at.start);
    start..floor(place.at.end).max(start)
}

/// `file:line:column: message`, for logs.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let (line, column) = place.source.line_column(place.at.start);
            write!(f, "{}:{line}:{column}: ", place.source.name)?;
        }
        f.write_str(&self.message)
    }
}

/// Every problem that was found, in the order of files and lines.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds a problem and hands it back, to be completed.
    pub fn add(&mut self, problem: Problem) -> &mut Problem {
        let at = self.0.len();
        self.0.push(problem);
        &mut self.0[at]
    }

    /// Replaces the help of what is said of exactly this place.
    pub fn help_at(&mut self, place: &Place, help: String) {
        let here = |known: &Place| known.is_in(place) && known.at == place.at;
        let same = |problem: &&mut Problem| problem.place.as_ref().is_some_and(here);
        if let Some(problem) = self.0.iter_mut().find(same) {
            problem.help = vec![help];
        }
    }

    /// Whether any of them is an error.
    #[must_use]
    pub fn any_errors(&self) -> bool {
        self.0.iter().any(|problem| problem.level == Level::Error)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// The problems in reading order.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<Problem> {
        self.0.sort_by(|a, b| a.order().cmp(&b.order()));
        self.0
    }

    /// The first hundred as a terminal shows them, a blank line after each, and at the end how many there are.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut out = String::new();
        for problem in sorted.iter().take(SHOWN) {
            out.push_str(problem.render(color).trim_end());
            out.push_str("\n\n");
        }
        if sorted.len() > SHOWN {
            let _ = writeln!(out, "and {} more\n", sorted.len() - SHOWN);
        }
        if !self.0.is_empty() {
            out.push_str(&self.summary());
            out.push('\n');
        }
        out
    }

    /// How many there are, as in `3 errors, 1 warning`.
    #[must_use]
    pub fn summary(&self) -> String {
        let errors = self.0.iter().filter(|problem| problem.level == Level::Error).count();
        let warnings = self.0.len() - errors;
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        match (errors, warnings) {
            (0, 0) => "no problems".to_owned(),
            (_, 0) => counted(errors, "error"),
            (0, _) => counted(warnings, "warning"),
            _ => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        self.0.extend(problems);
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self(problems.into_iter().collect())
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::vec::IntoIter<Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

/// One line for each problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
