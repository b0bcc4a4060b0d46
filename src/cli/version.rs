//! `version`: what this is made of, for reports of what went wrong.

use super::arguments::{Output, Version};
use super::exit::Exit;
use super::failure::Failure;
use super::print;
use crate::journal::sqlite_version;
use serde_json::json;

pub(super) async fn version(options: &Version) -> Result<Exit, Failure> {
    let (campanile, tzdata) = (env!("CARGO_PKG_VERSION"), chrono_tz::IANA_TZDB_VERSION);
    let sqlite = sqlite_version().await?;
    match options.output {
        Output::Text => {
            print::result(&format!(
                "campanile {campanile}\ntzdata {tzdata}\nsqlite {sqlite}"
            ))?;
        }
        Output::Json => {
            let versions = json!({ "campanile": campanile, "tzdata": tzdata, "sqlite": sqlite });
            print::result(&versions.to_string())?;
        }
    }
    Ok(Exit::Success)
}
