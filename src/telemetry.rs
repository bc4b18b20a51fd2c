//! Log lines and counters, one function for each operational fact.
