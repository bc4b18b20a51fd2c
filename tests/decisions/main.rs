//! What the engine decides, seen through journal, processor and store: scenarios with their whole timeline.

mod alerts;
mod associations;
mod groups;
mod statuses;
mod world;
