//! What is known of the files on disk, and what is wrong with them, in words for people.

use crate::config::{Problem, Problems};

/// Problems that are told of one fault.
const PROBLEMS_TOLD: usize = 20;

/// What is known of the files on disk, beside what is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFiles {
    /// Why the rule files cannot be used; the last good rule set serves meanwhile.
    pub problem: Option<Fault>,
    /// Why the configuration file cannot be used; what was read before serves, and rule files wait for it.
    pub configuration: Option<Fault>,
    /// Why good files are not in force yet: the store cannot take them now. It is asked again by itself.
    pub waiting: Option<String>,
}

/// What is wrong with files, as people are told. It shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How much is wrong, and the first of it.
    pub brief: String,
    /// Everything, with the places; the first twenty problems where there are more.
    pub whole: String,
}

impl Fault {
    pub(super) fn of(problems: &Problems) -> Self {
        let worst = |problem: &Problem| problem.level;
        let mut sorted = problems.clone().into_vec();
        sorted.sort_by_key(worst);
        let mut whole: Vec<String> =
            sorted.iter().take(PROBLEMS_TOLD).map(|problem| problem.render(false).trim_end().to_owned()).collect();
        if sorted.len() > PROBLEMS_TOLD {
            whole.push(format!("And {} more: `pulsewarden check` shows them all.", sorted.len() - PROBLEMS_TOLD));
        }
        let first = sorted.first().map(ToString::to_string).unwrap_or_default();
        let brief = format!("{}: {first}; `pulsewarden check` shows them all", problems.summary());
        Self { brief, whole: whole.join("\n\n") }
    }

    pub(super) fn one(problem: String) -> Self {
        Self { brief: problem.clone(), whole: problem }
    }
}
