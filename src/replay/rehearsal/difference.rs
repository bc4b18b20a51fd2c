//! What is not as expected, and how people read it.

use std::fmt;
use std::time::Duration;

use crate::config::{Place, spell_duration};

/// An expectation that was not met.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// Where the expectation stands.
    pub place: Place,
    /// From the start of the case.
    pub at: Duration,
    /// The rule whose alerts are meant, or the receiver whose messages.
    pub about: String,
    pub parts: Vec<Part>,
}

/// What is not as expected among the alerts of one state, or among messages.
#[derive(Clone, Debug)]
pub struct Part {
    /// As in `firing`.
    pub name: &'static str,
    pub differences: Vec<Difference>,
}

/// One thing that is not as expected.
#[derive(Clone, Debug)]
pub enum Difference {
    /// Expected, and not there; `why` where that is known.
    Missing { what: String, why: Option<String> },
    /// There, and not expected.
    Surplus { what: String, why: Option<String> },
    /// There, and other than expected.
    Other { what: String, fields: Vec<FieldDifference> },
}

/// One property that is other than expected.
#[derive(Clone, Debug)]
pub struct FieldDifference {
    pub name: String,
    pub expected: String,
    pub found: String,
}

impl Mismatch {
    /// The line that says what it is about, with the place of the expectation.
    #[must_use]
    pub fn head(&self) -> String {
        let (line, column) = self.place.source.line_column(self.place.at.start);
        let name = &self.place.source.name;
        format!("{name}:{line}:{column}: at {}, {}", spell_duration(self.at), self.about)
    }
}

/// The head, then one difference after the other, the sides of each under one another.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.head())?;
        for part in &self.parts {
            writeln!(f, "  {}", part.name)?;
            part.differences.iter().try_for_each(|difference| write!(f, "{difference}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sided = |f: &mut fmt::Formatter<'_>, sign: char, what: &str, why: &Option<String>| {
            writeln!(f, "    {sign} {what}")?;
            why.iter().try_for_each(|why| writeln!(f, "        {why}"))
        };
        match self {
            Self::Missing { what, why } => sided(f, '-', &format!("expected {what}, which is not there"), why),
            Self::Surplus { what, why } => sided(f, '+', &format!("found    {what}, which is not expected"), why),
            Self::Other { what, fields } => {
                writeln!(f, "    ~ {what}")?;
                let width = fields.iter().map(|field| field.name.chars().count()).max().unwrap_or_default();
                for FieldDifference { name, expected, found } in fields {
                    writeln!(f, "        {name:<width$}  - expected {expected}")?;
                    writeln!(f, "        {:<width$}  + found    {found}", "")?;
                }
                Ok(())
            }
        }
    }
}
