//! Makes an agent of its configuration: layers and stages put together, and nothing else.
//!
//! A message comes in by a listener, passes the chain of the listener's sender, and is split by
//! the Exploder there; each recipient's part is written by a StorageWriter and attempted by the
//! OutputHandler, through the chain of the sender that the Exploder names, down to an SMTP server.
//! What could not be delivered at once comes back to the OutputHandler by way of the Dispatcher.

mod chains;
mod endpoint;
mod garbage;
mod listeners;
mod probe;
mod rest;
mod storage;

pub(crate) use self::{garbage::collect_garbage, listeners::Listeners, probe::probe_storage};

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use koukan_core::{
    clock::SystemClock,
    stage::{
        dispatcher::Dispatcher,
        output_handler::{Notifications, OutputHandler},
    },
    storage::{BackendError, Storage},
};
use koukan_smtp::client::OwnAddresses;
use koukan_storage::{OpenError, SqliteBackend};

use crate::{
    config::{Config, Place},
    registry::{InvalidFilter, Registry, Surroundings},
};

use self::chains::LateChains;

/// An agent could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The database cannot be used.
    #[error("cannot use the database")]
    Database(#[from] OpenError),
    /// The queue cannot be read.
    #[error("cannot begin a session on the queue")]
    Session(#[from] BackendError),
    /// A directory cannot be made or written to.
    #[error("cannot use the directory {0}")]
    Directory(std::path::PathBuf, #[source] io::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The configuration was not checked before it was used.
    #[error("the configuration is wrong: {0}")]
    Config(String),
    /// Any of the others, and where in the configuration what it is about stands.
    #[error("{}:{line}:{column}: {source}", file.display())]
    At {
        /// The configuration file.
        file: PathBuf,
        /// The line, from 1 on.
        line: u64,
        /// The column, from 1 on.
        column: u64,
        /// What went wrong.
        source: Box<StartError>,
    },
}

impl StartError {
    /// The same with where in the file what it is about stands, as far as that is known.
    pub(crate) fn located(self, file: &Path, config: &Config) -> Self {
        let smtp = config
            .smtp_listener
            .iter()
            .map(|listener| &listener.address);
        let rest = config
            .rest_listener
            .iter()
            .map(|listener| &listener.address);
        let storage = &config.storage;
        let place = match &self {
            Self::Listen(address, _) => {
                let mut addresses = smtp.chain(rest);
                addresses
                    .find(|place| place.value == *address)
                    .map(Place::place)
            }
            Self::Database(_) | Self::Session(_) => storage.sqlite.as_ref().map(Place::place),
            Self::Directory(path, _) => {
                let spill = storage.spill.iter().filter(|spill| spill.value == *path);
                spill.chain(&storage.sqlite).next().map(Place::place)
            }
            _ => None,
        };
        match place {
            Some(Place { line, column, .. }) if line > 0 => Self::At {
                file: file.to_owned(),
                line,
                column,
                source: Box::new(self),
            },
            _ => self,
        }
    }
}

impl From<InvalidFilter> for StartError {
    fn from(error: InvalidFilter) -> Self {
        Self::Config(error.to_string())
    }
}

/// All parts of an agent, ready to run.
pub(crate) struct Parts {
    pub(crate) storage: Storage,
    pub(crate) database: Option<SqliteBackend>,
    pub(crate) dispatcher: Dispatcher<OutputHandler<LateChains>>,
    pub(crate) listeners: Listeners,
    pub(crate) endpoints: Vec<koukan_smtp::SmtpEndpoint>,
}

/// Puts an agent together; it listens from here on.
pub(crate) async fn compose(config: &Config, registry: &Registry) -> Result<Parts, StartError> {
    let surroundings = Surroundings {
        hostname: config.hostname.value.as_str().into(),
        clock: Arc::new(SystemClock),
    };
    let (storage, database) = storage::open(config, Arc::clone(&surroundings.clock)).await?;

    // The chains need the output handler, for what their Exploders write, and it needs them.
    let late = LateChains::default();
    let notifications = Notifications {
        reporting_mta: surroundings.hostname.clone(),
        sender: config.notification.to_sender(),
    };
    let output = OutputHandler::new(late.clone(), notifications);
    let own = OwnAddresses::default();
    let chains = chains::build(config, registry, &surroundings, &own, &storage, &output)?;
    let handler = rest::handler(config, &storage, &output);
    let listeners = Listeners::bind(config, &chains, &handler, &surroundings.clock).await?;
    own.set(listeners.addresses());
    late.set(chains.by_sender);

    // The limit is the dispatcher's alone: a transaction whose client waits is bounded by the
    // listeners' limits, and never waits for queued ones.
    let max_in_flight = config.output.max_in_flight.get();
    let dispatcher = Dispatcher::new(storage.clone(), output, max_in_flight);
    Ok(Parts {
        storage,
        database,
        dispatcher,
        listeners,
        endpoints: chains.endpoints,
    })
}
