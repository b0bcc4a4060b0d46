//! A webhook whose address is known.

use crate::files::read_secret;
use crate::settings::{
    Address, AddressSource, Format, InvalidAddress, Notice, SecretSource, Webhook,
};
use std::io;
use std::path::Path;
use thiserror::Error;

#[derive(Clone, Debug)]
pub struct Target {
    pub(super) address: Address,
    pub(super) format: Format,
    pub(super) events: Vec<Notice>,
}

/// Why the address of a webhook is not known. Nothing of what was found instead is repeated: it may be a secret.
#[derive(Debug, Error)]
pub enum Unresolved {
    #[error("the environment variable `{name}` with the address of a webhook is not set")]
    NotSet { name: String },
    #[error("the address of a webhook cannot be read from `{path}`: {source}")]
    File { path: String, source: io::Error },
    #[error("what is found in {place} is no address to post to: {source}")]
    Invalid {
        place: String,
        source: InvalidAddress,
    },
}

impl Target {
    /// Looks where the settings say: in files below `root`, and among the variables of the environment.
    pub fn resolve(
        webhook: &Webhook,
        root: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Target, Unresolved> {
        let address = match &webhook.address {
            AddressSource::Here(address) => address.clone(),
            AddressSource::Kept(SecretSource::Environment(name)) => {
                let text =
                    variable(name).ok_or_else(|| Unresolved::NotSet { name: name.clone() })?;
                parsed(&text, format!("the environment variable `{name}`"))?
            }
            AddressSource::Kept(SecretSource::File(path)) => {
                let unread = |source| Unresolved::File {
                    path: path.clone(),
                    source,
                };
                let text = read_secret(&root.join(path)).map_err(unread)?;
                parsed(&text, format!("`{path}`"))?
            }
        };
        Ok(Target {
            address,
            format: webhook.format,
            events: webhook.events.clone(),
        })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.address.secret().starts_with("https://")
    }
}

fn parsed(text: &str, place: String) -> Result<Address, Unresolved> {
    let address = Address::try_from(text.trim());
    address.map_err(|source| Unresolved::Invalid { place, source })
}
