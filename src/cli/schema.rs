//! `schema`: the JSON Schemas of what people write.

use clap::{Args, ValueEnum};

use super::FINE;
use super::output::json;
use crate::config::{rules_schema, tests_schema};

#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// Of which files
    #[arg(value_enum, value_name = "FILES", default_value_t = Of::Rules)]
    of: Of,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// Rule files
    Rules,
    /// Tests of rules, whose names end in .test.yaml
    Tests,
}

pub(super) fn run(arguments: &SchemaArguments) -> anyhow::Result<u8> {
    json(&match arguments.of {
        Of::Rules => rules_schema(),
        Of::Tests => tests_schema(),
    })?;
    Ok(FINE)
}
