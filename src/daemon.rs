//! Wiring alone: settings in, threads and tasks out, signals.
