//! A sandbox from its start to its end.

mod listening;
mod office;
mod replies;
mod stamped;

use super::credentials::App;
use super::desk::{Desk, Manner};
use super::ledger::LedgerError;
use super::statistics::Statistics;
use crate::clock;
use office::Office;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;

/// Which app a sandbox plays, where, and how it is to behave.
pub struct Options {
    pub listen: SocketAddr,
    pub sdk_app_id: u64,
    pub administrator: String,
    pub secret_key: String,
    pub manner: Manner,
    /// Opened for reading and appending. What it holds counts as stored.
    pub ledger: Option<File>,
}

impl Options {
    /// As the vendor, without a ledger.
    pub fn new(listen: SocketAddr, sdk_app_id: u64, secret_key: &str) -> Options {
        Options {
            listen,
            sdk_app_id,
            administrator: "administrator".to_owned(),
            secret_key: secret_key.to_owned(),
            manner: Manner::default(),
            ledger: None,
        }
    }
}

/// Why a sandbox cannot start.
#[derive(Debug, Error)]
pub enum Error {
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("cannot continue the ledger")]
    Ledger(#[from] LedgerError),
}

/// A running sandbox. Dropping it ends it as well, without waiting.
pub struct Sandbox {
    address: SocketAddr,
    office: Arc<Office>,
    stop: oneshot::Sender<()>,
    tasks: JoinSet<()>,
}

impl Sandbox {
    /// Reads the ledger, then listens. A port of 0 becomes a free one: see [`Sandbox::address`].
    pub async fn start(options: Options) -> Result<Sandbox, Error> {
        let app = App {
            sdk_app_id: options.sdk_app_id,
            administrator: options.administrator.clone(),
            secret_key: options.secret_key,
        };
        let desk = Desk::open(
            options.manner,
            options.administrator,
            options.ledger,
            clock::now(),
        )?;
        let office = Arc::new(Office {
            app,
            desk: Mutex::new(desk),
            changed: Notify::new(),
        });
        let failed = |source| Error::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(listening::serve(listener, Arc::clone(&office), stopped));
        Ok(Sandbox {
            address,
            office,
            stop,
            tasks,
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn statistics(&self) -> Statistics {
        self.office.desk().statistics()
    }

    /// Stops listening and cuts every connection, also amid a request.
    pub async fn stop(mut self) -> Statistics {
        drop(self.stop);
        while self.tasks.join_next().await.is_some() {}
        self.office.desk().statistics()
    }
}
