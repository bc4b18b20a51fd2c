//! Scheduled summaries: the next due time of each digest is a row; the scheduler only ticks.
