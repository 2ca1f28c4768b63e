//! An agent: built, started and stopped.

mod builder;
mod running;
mod stopping;

pub use self::{builder::Builder, running::Running};

use std::{path::PathBuf, sync::Arc};

use koukan_core::{
    lists::List,
    network::{BoundSocket, Listener},
    resource::{Explain, Explanation},
};

use crate::{
    compose::{Explaining, Given, Sockets, StartError, compose},
    config::{Config, ConfigWarnings},
    descriptors::{self, Plan},
    registry::ListError,
    unix_signals::StopSignals,
};

use self::stopping::StopsWhenDropped;

/// An agent with its configuration, ready to start.
#[derive(Debug)]
pub struct Koukan {
    given: Given,
    config: Config,
    warnings: ConfigWarnings,
    /// Where the configuration stands, for errors.
    file: PathBuf,
    sockets: Sockets,
}

impl Koukan {
    /// An agent with the filters of `koukan-core`.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Reads the lists that HTTP servers have, as is done at the start, and forgets them again.
    ///
    /// # Errors
    ///
    /// The first that cannot be read.
    pub async fn try_lists(&self) -> Result<(), ListError> {
        self.given.registry.load_lists().await
    }

    /// What may be wrong with the configuration.
    pub fn warnings(&self) -> &ConfigWarnings {
        &self.warnings
    }

    /// Takes SMTP clients from a socket that is there already, in place of the address of the
    /// configuration's first `smtp_listener`; a second socket stands for the second listener, and so on.
    /// All else that the configuration says of the listener holds. It has to name as many: with
    /// [`StartError::Sockets`] the agent does not start.
    #[must_use]
    pub fn with_smtp_socket(mut self, socket: impl Into<Listener>) -> Self {
        self.sockets.smtp.push_back(socket.into());
        self
    }

    /// As [`Koukan::with_smtp_socket`], of HTTP clients and the first `rest_listener`.
    #[must_use]
    pub fn with_rest_socket(mut self, socket: impl Into<Listener>) -> Self {
        self.sockets.rest.push_back(socket.into());
        self
    }

    /// Takes clients from a socket that somebody else has begun to listen on, for the listener whose address is
    /// `socket:` and that name. There has to be one: with [`StartError::Unwanted`] the agent does not start. Of several
    /// with the same name the last is taken.
    #[must_use]
    pub fn with_socket(mut self, name: impl Into<String>, socket: BoundSocket) -> Self {
        self.sockets.named.insert(name.into(), socket);
        self
    }

    /// Starts the agent; it listens and works on its queue when this returns.
    ///
    /// The limit of file descriptors of this process is raised as far as that is allowed.
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
        // It is large, and would be a part of every future that starts an agent.
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

    /// Tells what would become of a message, without sending or keeping anything: which chains it passes, what
    /// their filters and rules make of it, and where it goes. The DNS is asked, and nothing else is connected
    /// to; what filters would find out of others is not known.
    ///
    /// # Errors
    ///
    /// [`StartError`] where the sender has no chain, or a chain cannot be made.
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

    /// Who may have how many file descriptors.
    fn descriptors(&self) -> Plan {
        let limit = descriptors::raise();
        let (plan, shortage) = Plan::new(&self.config, limit);
        // What there is once the limit is raised was warned of with the configuration.
        if let Some(shortage) = shortage
            && limit != descriptors::attainable()
        {
            tracing::warn!("{}: {}", shortage.message, shortage.help);
        }
        plan
    }

    /// Runs the agent until the process is told to stop by SIGTERM or SIGINT, and stops it in good
    /// order; a second signal, a second or more after the first, ends the process at once.
    ///
    /// # Errors
    ///
    /// As [`Koukan::run_until`].
    pub async fn run(self) -> Result<(), StartError> {
        // Before anything listens: who finds an agent that answers may stop it.
        let mut signals = StopSignals::catch();
        self.run_until(signals.requested()).await
    }

    /// Runs the agent until `stop` is ready, and stops it in good order: for programs with a `main` and
    /// signals of their own.
    ///
    /// # Errors
    ///
    /// [`StartError`]; [`StartError::Lost`] where the agent stopped, in good order, because a part
    /// of it was lost again and again.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it ends, it has the agent stop in the same order, in a task of the runtime that it ran in:
    /// whoever ends that runtime first has the rest cut off, and the next start goes on with it.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let mut stop = std::pin::pin!(stop);
        let running = tokio::select! {
            biased;
            // Nothing has been promised yet.
            () = &mut stop => return Ok(()),
            running = self.start() => StopsWhenDropped::new(running?),
        };
        let lost = tokio::select! {
            biased;
            () = &mut stop => None,
            lost = running.lost() => Some(lost),
        };
        running.stop().await;
        lost.map_or(Ok(()), |lost| Err(lost.into()))
    }

    /// Serves SMTP clients on a socket, as the configuration says of its first `smtp_listener`, and
    /// does all else that it says, until `stop` is ready: [`Koukan::with_smtp_socket`] and
    /// [`Koukan::run_until`] in one.
    ///
    /// # Errors
    ///
    /// As [`Koukan::run_until`].
    pub async fn serve(
        self,
        smtp: impl Into<Listener>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), StartError> {
        self.with_smtp_socket(smtp).run_until(stop).await
    }
}
