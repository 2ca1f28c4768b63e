//! Makes an agent from its configuration: puts layers and stages together, and does nothing else.
//!
//! Begin with `stacks`, which has the order of the layers and the reasons for it. A message arrives
//! at a listener and passes the chain of the listener's sender, where the Exploder splits it. A
//! StorageWriter writes each recipient's part, and the OutputHandler attempts it, through the chain
//! of the sender that the Exploder names, down to an SMTP server. What could not be delivered at
//! once comes back to the OutputHandler through the Dispatcher.

mod authorities;
mod bound;
mod certificates;
mod chains;
mod clients;
mod endpoint;
mod explain;
mod farewell;
mod files;
mod given;
mod hooks;
mod identities;
mod listeners;
mod logins;
mod metrics;
mod own_url;
mod postgres;
mod probe;
mod queue_depth;
mod resolver;
mod rest;
mod rooms;
mod stacks;
mod storage;
mod templates;
mod users;

pub(crate) use self::{
    explain::Explaining,
    files::Files,
    given::{Given, Sockets},
    listeners::Listeners,
    metrics::Exposition,
    postgres::options as postgres_options,
    probe::{Kept, probe_storage, tell_soundness},
    stacks::Output,
    storage::{Keeper, make_directory_of},
};

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::{FutureExt, future::BoxFuture};
use koukan_core::{
    causes::Causes,
    clock::SharedClock,
    network::{ListenAddress, SharedConnector},
    resource::HookBoard,
    stage::{dispatcher::Dispatcher, event_reader::EventReader, operator::Operator},
    storage::{BackendError, Storage},
    supervision::GivenUp,
};
use koukan_rest::{server::Replicas, webhook::Hook};
use koukan_smtp::client::OwnAddresses;
use koukan_storage::{OpenError, PostgresError};

use crate::{
    config::{Config, Place},
    descriptors::{Counted, Plan},
    registry::{InvalidFilter, ListError, Surroundings},
};

use self::{
    certificates::CertificateFiles, chains::LateChains, explain::Explanations, hooks::HookSecrets,
    logins::LoginFiles, own_url::try_own_url, rooms::Rooms, templates::TemplateFile,
    users::PasswordFiles,
};

/// Why an agent could not be started, or had to end.
///
/// `Debug` shows the text with all causes, so that a program whose `main` returns the error prints readable text.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The database cannot be used.
    #[error("cannot use the database")]
    Database(#[from] OpenError),
    /// The PostgreSQL database cannot be used.
    #[error("cannot use the database")]
    Server(#[from] PostgresError),
    /// The queue cannot be read.
    #[error("cannot begin a session on the queue")]
    Session(#[from] BackendError),
    /// A directory cannot be made or written to.
    #[error("cannot use the directory {0}")]
    Directory(std::path::PathBuf, #[source] io::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {0}")]
    Listen(ListenAddress, #[source] io::Error),
    /// A list cannot be read from its HTTP server.
    #[error(transparent)]
    List(#[from] ListError),
    /// The environment has no value for the URL by which other replicas reach this agent, or one that makes no URL.
    #[error("{0}")]
    SessionUrl(String),
    /// The configuration was not checked before it was used.
    #[error("the configuration is wrong: {0}")]
    Config(String),
    /// The embedder has given more sockets than the configuration has listeners of the named kind.
    #[error("more sockets were given than the configuration has of `{0}`")]
    Sockets(&'static str),
    /// A socket was handed over under a name that no listener has as its address: its clients would
    /// wait for ever.
    #[error(
        "a socket was handed over for which there is no listener with the address `socket:{0}`"
    )]
    Unwanted(String),
    /// A part of the agent failed while it ran, and could not be restarted.
    #[error("the agent cannot go on")]
    Lost(#[from] GivenUp),
    /// Any of the other errors, with the place in the configuration.
    #[error("{}:{line}:{column}: {source}", file.display())]
    At {
        /// The configuration file.
        file: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What went wrong.
        source: Box<StartError>,
    },
}

impl StartError {
    /// What an operator can do about it: part of a sentence without a full stop. `None` where nothing is known, or the
    /// error's own text says it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::At { source, .. } => source.help(),
            Self::Server(error) => error.help(),
            _ => None,
        }
    }

    /// The same error with its place in the file, if that is known.
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
            Self::Server(PostgresError::File(error)) => {
                let postgres = storage.postgres.as_ref();
                let named = |file: &&Place<PathBuf>| file.value == error.path;
                let files = postgres.map(|it| [&it.password_file, &it.ca_file]);
                let mut files = files.into_iter().flatten().flatten();
                let of_url = postgres.map(|it| it.url.place());
                files.find(named).map(Place::place).or(of_url)
            }
            Self::Server(_) => storage.postgres.as_ref().map(|it| it.url.place()),
            Self::Database(_) | Self::Session(_) => {
                let of_server = storage.postgres.as_ref().map(|it| it.url.place());
                storage.sqlite.as_ref().map(Place::place).or(of_server)
            }
            Self::SessionUrl(_) => config.session_url().err().map(|wrong| wrong.place()),
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

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Causes(self), f)
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
    pub(crate) keeper: Keeper,
    pub(crate) dispatcher: Dispatcher<Output>,
    pub(crate) listeners: Listeners,
    pub(crate) endpoints: Vec<koukan_smtp::SmtpEndpoint>,
    /// The REST API, for a server of the embedder.
    pub(crate) api: axum::Router,
    pub(crate) metrics: Exposition,
    pub(crate) webhooks: Vec<Hook<EventReader>>,
    pub(crate) files: Files,
    pub(crate) clock: SharedClock,
    /// Asks this agent by its own URL, once it runs.
    pub(crate) own_url: Option<BoxFuture<'static, ()>>,
}

/// Puts an agent together; it listens from here on.
pub(crate) async fn compose(
    config: &Config,
    given: Given,
    sockets: Sockets,
    descriptors: Plan,
) -> Result<Parts, StartError> {
    sockets.check(config)?;
    let (counting, metrics) = metrics::start();
    let observers = given.observers().with(counting);
    let (backend, keeper) = storage::backend(config, given.backend).await?;
    // Limits the connections to destinations, so that they never take the file descriptors of
    // clients or of storage.
    let connector = Arc::new(Counted::new(given.connector, descriptors.destinations));
    let resolver = given
        .resolver
        .unwrap_or_else(|| resolver::of(&config.resolver));
    let explaining = Explaining::new(
        &given.registry,
        config,
        Some(Arc::clone(&resolver)),
        Arc::clone(&connector) as SharedConnector,
        given.explained,
    );
    let explanations = Explanations::new(explaining);
    let mut surroundings =
        Surroundings::new(config.hostname.value.as_str()).with_network(connector, resolver);
    surroundings.blobs = storage::pool(config, descriptors.spill_files)?;
    surroundings.observers = observers;
    (surroundings.clock, surroundings.random) = (given.clock, given.random);
    let storage = storage::open(config, backend, &surroundings).await?;

    // The chains need the output handler, for the transactions that their Exploders write, and the
    // output handler needs the chains.
    let late = LateChains::default();
    let template = TemplateFile::new(config.notification.as_ref())?;
    let output = stacks::output(late.clone(), config, template.words(), &surroundings);
    let own = OwnAddresses::default();
    let (logins, certificates) = (LoginFiles::default(), CertificateFiles::default());
    let hook_secrets = HookSecrets::default();
    let chains = chains::Builder {
        registry: &given.registry,
        surroundings: &surroundings,
        own: &own,
        logins: &logins,
        certificates: &certificates,
        hooks: &hook_secrets,
        storage: &storage,
        output: &output,
        late: &late,
    };
    let chains = chains.build(config)?;
    // No message may be accepted or refused because a list was not loaded yet.
    surroundings.lists.load().await?;
    let handler = stacks::handler(&storage, &output, config);
    let board = HookBoard::default();
    let queue = Operator::new(storage.clone()).with_hooks(board.clone());
    let queue = queue.with_rooms(Arc::new(Rooms(chains.endpoints.clone())));
    let events = EventReader::new(storage.clone());
    let shown = {
        let (storage, metrics) = (storage.clone(), metrics.clone());
        koukan_rest::metrics::router(move || metrics.render(&storage))
    };
    let mut files = Files {
        certificates,
        passwords: PasswordFiles::new(surroundings.blocking.clone()),
        logins,
        template,
        webhooks: hook_secrets,
        followed: surroundings.followed.clone(),
        lists: surroundings.lists.clone(),
        blocking: surroundings.blocking.clone(),
    };
    let api = rest::api((&handler, &queue, &events, &explanations));
    let session_url = config.session_url();
    let session_url = session_url.map_err(|wrong| StartError::SessionUrl(wrong.value))?;
    let replicas = match storage.backend().session_term() {
        Some(_) => Some(Replicas::new(storage.clone(), surroundings.http()?)),
        None => None,
    };
    let serving = listeners::Serving {
        surroundings: &surroundings,
        chains: &chains,
        authenticator: given.authenticator,
        handler: &handler,
        queue: &queue,
        events: &events,
        explanations: &explanations,
        metrics: &shown,
        session_url: session_url.as_deref(),
        replicas: replicas.as_ref(),
        storage: &storage,
        keeps: !matches!(keeper, Keeper::Memory),
    };
    let listeners = Listeners::bind(config, sockets, &descriptors, &mut files, serving).await?;
    let mut own_url = None;
    if let Some(url) = &session_url {
        // Clients that connect from here on are served as soon as all parts run.
        storage.publish_address(url).await?;
        if replicas.is_some() {
            own_url = Some(try_own_url(surroundings.http()?, url.clone()).boxed());
        }
    }
    metrics.show(files.certificates.clone(), Arc::clone(&surroundings.clock));
    own.set(listeners.addresses());
    late.set(chains.by_sender);
    let webhooks = hooks::hooks(
        &config.webhooks,
        &files.webhooks,
        (&storage, &board),
        &surroundings,
    )?;
    let dispatcher = stacks::queue(&storage, output, config);
    Ok(Parts {
        storage,
        keeper,
        dispatcher,
        listeners,
        endpoints: chains.endpoints,
        api,
        metrics,
        webhooks,
        files,
        clock: surroundings.clock,
        own_url,
    })
}
