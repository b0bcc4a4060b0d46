//! `schema`: what editors complete by.

use super::arguments::{Schema as SchemaOptions, SchemaKind};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use crate::campaign::Campaign;
use crate::settings::Settings;
use anyhow::Context;

pub(super) fn schema(options: &SchemaOptions) -> Result<Exit, Failure> {
    let schema = match options.kind {
        SchemaKind::Campaign => Campaign::schema(),
        SchemaKind::Settings => &Settings::schema(),
    };
    print::result(&serde_json::to_string_pretty(schema.json()).context("cannot write JSON")?)?;
    Ok(Exit::Success)
}
