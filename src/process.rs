//! Hop 2: what the journal holds goes through the engine, and each batch is committed in one transaction.
