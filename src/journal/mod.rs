//! Group commit: one writer thread appends what many requests bring, and answers after the commit.

pub mod codec;
