//! The same engine over other histories: what rules would have made of recorded events, and what they make of invented ones.

mod run;

pub use run::{Run, Watch};
