//! `schema`: what editors complete by.

use super::arguments::{Schema as SchemaOptions, SchemaKind};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use crate::campaign::Campaign;
use crate::settings::Settings;
use anyhow::Context;

pub(super) fn schema(options: &SchemaOptions) -> Result<Exit, Failure> {
    print::result(&text(options.kind)?)?;
    Ok(Exit::Success)
}

pub(super) fn text(kind: SchemaKind) -> anyhow::Result<String> {
    let schema = match kind {
        SchemaKind::Campaign => Campaign::schema(),
        SchemaKind::Settings => Settings::schema(),
    };
    serde_json::to_string_pretty(schema.json()).context("cannot write JSON")
}
