//! The same engine over other histories: what rules would have made of recorded events, and what they make of invented ones.

mod backtest;
mod invent;
mod record;
mod rehearsal;
mod run;
mod samples;

pub use backtest::{
    Backtest, Change, Contrast, Episode, EventsFile, History, HistoryError, Journal, Outcome, Recorded, RuleSummary,
    Window, backtest, difference, last_receipt,
};
pub use record::{Original, Recording, Unusable, record};
pub use rehearsal::{Difference, FieldDifference, Mismatch, Part, Tested, junit, rehearse};
pub use run::{Run, Watch};
pub use samples::{alert as sample_alert, samples};
