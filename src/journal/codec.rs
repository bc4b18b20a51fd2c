//! How bodies are kept: compressed with a dictionary trained on synthetic samples.
