//! An agent: built, started and stopped.

mod builder;
mod running;
mod schemas;
mod stopping;

pub use self::{builder::Builder, running::Running};

use std::{path::PathBuf, sync::Arc, time::Duration};

use koukan_core::{
    lists::List,
    network::{BoundSocket, Listener},
    resource::{Explain, Explanation},
};
use tokio::time::timeout;

use crate::{
    compose::{Explaining, Given, Sockets, StartError, compose},
    config::{Config, ConfigWarnings},
    descriptors::{self, Plan},
    registry::ListError,
    unix_signals::StopSignals,
};

use self::stopping::StopsWhenDropped;

/// How long an agent that is told to stop while it starts may take to start.
const BEGUN: Duration = Duration::from_secs(1);

/// An agent with its configuration, ready to start.
#[derive(Debug)]
pub struct Koukan {
    given: Given,
    config: Config,
    warnings: ConfigWarnings,
    /// The path of the configuration file, for errors.
    file: PathBuf,
    sockets: Sockets,
}

impl Koukan {
    /// Makes a builder that knows the filters of `koukan-core`.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Reads the lists that HTTP servers offer, as at the start of the agent, and drops them again.
    ///
    /// # Errors
    ///
    /// The error for the first list that cannot be read.
    pub async fn try_lists(&self) -> Result<(), ListError> {
        self.given.registry.load_lists().await
    }

    /// Warnings about the configuration.
    pub fn warnings(&self) -> &ConfigWarnings {
        &self.warnings
    }

    /// Serves SMTP clients on a socket that is already bound, instead of the address of the first `smtp_listener` in
    /// the configuration; a second call replaces the address of the second listener, and so on. All other settings of
    /// the listener apply. If the configuration has fewer listeners than there are sockets, the agent does not start:
    /// [`StartError::Sockets`].
    #[must_use]
    pub fn with_smtp_socket(mut self, socket: impl Into<Listener>) -> Self {
        self.sockets.smtp.push_back(socket.into());
        self
    }

    /// Like [`Koukan::with_smtp_socket`], for HTTP clients and the first `rest_listener`.
    #[must_use]
    pub fn with_rest_socket(mut self, socket: impl Into<Listener>) -> Self {
        self.sockets.rest.push_back(socket.into());
        self
    }

    /// Serves clients on a socket that another process has bound, for the listener whose address is `socket:` and
    /// that name. If no listener has this address, the agent does not start: [`StartError::Unwanted`]. If the name is
    /// given several times, the last socket counts.
    #[must_use]
    pub fn with_socket(mut self, name: impl Into<String>, socket: BoundSocket) -> Self {
        self.sockets.named.insert(name.into(), socket);
        self
    }

    /// Starts the agent. When this returns, it listens and works on its queue.
    ///
    /// Raises the limit on file descriptors of this process as far as the system allows.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(self) -> Result<Running, StartError> {
        for warning in self.warnings.problems() {
            let (line, message) = (warning.line, &warning.message);
            tracing::warn!(file = %self.file.display(), line, "{message}");
        }
        let descriptors = self.descriptors();
        // Boxed, since it is large and would be part of every future that starts an agent.
        let composed = Box::pin(compose(&self.config, self.given, self.sockets, descriptors));
        let parts = composed
            .await
            .map_err(|error| error.located(&self.file, &self.config))?;
        let (smtp, rest) = (
            parts.listeners.smtp_addresses(),
            parts.listeners.rest_addresses(),
        );
        tracing::info!(
            smtp = List::of(&smtp).as_field(),
            rest = List::of(&rest).as_field(),
            "listening"
        );
        Ok(Running::start(parts, &self.config))
    }

    /// Explains what would happen to a message, without sending or keeping anything: which chains it passes, what
    /// their filters and rules do with it, and where it goes. The DNS is asked, but no other server; what filters
    /// would learn from other servers stays unknown.
    ///
    /// # Errors
    ///
    /// [`StartError`] if the sender has no chain, or a chain cannot be built.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn explain(&self, message: Explain) -> Result<Explanation, StartError> {
        let resolver = self.given.resolver.clone();
        let explaining = Explaining::new(
            &self.given.registry,
            &self.config,
            resolver,
            Arc::clone(&self.given.connector),
            self.given.explained.clone(),
        );
        Arc::new(explaining).explain(message).await
    }

    /// How many file descriptors each part may use.
    fn descriptors(&self) -> Plan {
        let limit = descriptors::raise();
        let (plan, shortage) = Plan::new(&self.config, limit);
        // A shortage that remains after raising the limit was already reported with the configuration.
        if let Some(shortage) = shortage
            && limit != descriptors::attainable()
        {
            tracing::warn!("{}: {}", shortage.message, shortage.help);
        }
        plan
    }

    /// Runs the agent until the process gets SIGTERM or SIGINT, then stops it in good order. A second signal, at
    /// least a second after the first, ends the process at once. SIGHUP stops it in good order if the terminal from
    /// which the process was started has gone. Otherwise SIGHUP, SIGUSR1 and SIGUSR2 change nothing, and are logged.
    ///
    /// # Errors
    ///
    /// The same as for [`Koukan::run_until`].
    pub async fn run(self) -> Result<(), StartError> {
        // Before anything listens: a process that finds the agent answering may stop it.
        let mut signals = StopSignals::catch();
        self.run_until(signals.requested()).await
    }

    /// Runs the agent until `stop` is ready, then stops it in good order. An agent that is still starting by then has a
    /// second to finish that. For programs that have a `main` and a signal handling of their own: no signal is caught
    /// here, and those that the program does not catch end the process at once, as SIGHUP and SIGUSR1 do by default.
    ///
    /// # Errors
    ///
    /// [`StartError`]; [`StartError::Lost`] if the agent has stopped, in good order, because a part of it failed repeatedly.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the agent stops in the same order, in a task of the same runtime. If that runtime
    /// ends first, the rest is cut off, and the next start continues with it.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let mut stop = std::pin::pin!(stop);
        let mut starting = Box::pin(self.start());
        let running = tokio::select! {
            biased;
            () = &mut stop => {
                // Clients may be connected already, and are answered if it starts soon; nothing was promised yet.
                if let Ok(Ok(running)) = timeout(BEGUN, &mut starting).await {
                    StopsWhenDropped::new(running).stop().await;
                }
                return Ok(());
            }
            running = &mut starting => StopsWhenDropped::new(running?),
        };
        let lost = tokio::select! {
            biased;
            () = &mut stop => None,
            lost = running.lost() => Some(lost),
        };
        running.stop().await;
        lost.map_or(Ok(()), |lost| Err(lost.into()))
    }

    /// Serves SMTP clients on a socket, with the settings of the first `smtp_listener`, and does everything else that the
    /// configuration says, until `stop` is ready. This is [`Koukan::with_smtp_socket`] and [`Koukan::run_until`] in one call.
    ///
    /// # Errors
    ///
    /// The same as for [`Koukan::run_until`].
    pub async fn serve(
        self,
        smtp: impl Into<Listener>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), StartError> {
        self.with_smtp_socket(smtp).run_until(stop).await
    }
}
