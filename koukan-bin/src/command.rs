//! What the binaries share: running an agent from a configuration file.

#![allow(clippy::print_stderr, reason = "a command talks to its user")]

use std::{error::Error, path::PathBuf, process::ExitCode};

use clap::Args;

use koukan_core::causes::Causes;
#[cfg(feature = "allocator")]
use koukan_core::supervision::{Restarts, supervise};
use koukan_storage::PostgresError;

use crate::{
    Builder,
    config::{ConfigError, LogFormat, Severity},
    handed_over,
    logging::{self, LogError},
};

/// What to run: the arguments `--config FILE` and `--threads NUMBER`.
#[derive(Debug, Args)]
pub struct Run {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The number of worker threads. Default: as many as there are processors.
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,
}

impl Run {
    /// Runs an agent of these parts until it gets SIGTERM or SIGINT. The configuration decides how it logs.
    pub fn run(self, agent: Builder) -> ExitCode {
        let code = self.run_logged(agent);
        logging::flush();
        code
    }

    fn run_logged(self, agent: Builder) -> ExitCode {
        let agent = match agent.config_file(&self.config) {
            Ok(agent) => agent,
            Err(error) => return refuse(&error),
        };
        match logging::init(agent.config().log) {
            // Logging does not work, so the error goes to standard error.
            Err(error @ (LogError::Init(_) | LogError::Thread(_))) => return complain(&error),
            Err(error) => return fail(&error),
            Ok(()) => {}
        }
        let agent = match handed_over::take(agent) {
            Ok(agent) => agent,
            Err(error) => return fail(&error),
        };
        let run = async {
            // If this task fails, the agent loses nothing that it needs.
            #[cfg(feature = "allocator")]
            tokio::spawn(supervise(
                "return of memory",
                Restarts::default(),
                std::future::pending(),
                |_| {},
                crate::memory::give_back,
            ));
            agent.run().await
        };
        match block_on(self.threads, run) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(error)) => {
                tracing::error!(help = error.help(), "{}", Causes(&error));
                ExitCode::FAILURE
            }
            Err(error) => fail(&error),
        }
    }
}

/// Reports what is wrong with a configuration: to people, with the lines of the file; and as log
/// lines if the configuration asks for JSON logs.
fn refuse(error: &ConfigError) -> ExitCode {
    let log = error.log.filter(|log| log.format == LogFormat::Json);
    // An invalid log level is less important than the errors to be reported.
    let is_logged = |log| matches!(logging::init(log), Ok(()) | Err(LogError::Wanted(_)));
    if !log.is_some_and(is_logged) {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    let file = error.file.display();
    for problem in &error.problems {
        let (line, column, help) = (problem.line, problem.column, problem.help.as_deref());
        match problem.severity {
            Severity::Warning => tracing::warn!(%file, line, column, help, "{}", problem.message),
            Severity::Error => tracing::error!(%file, line, column, help, "{}", problem.message),
        }
    }
    ExitCode::FAILURE
}

/// Logs why the agent does not run.
fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    tracing::error!("{}", Causes(error));
    ExitCode::FAILURE
}

/// Prints an error and its causes; and what to do about it, if it is one of PostgreSQL that says so.
pub fn complain(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("koukan: {}", Causes(error));
    let help = error.downcast_ref::<PostgresError>();
    if let Some(help) = help.and_then(PostgresError::help) {
        eprintln!("        help: {help}");
    }
    ExitCode::FAILURE
}

/// Runs a command's future on a runtime of its own.
///
/// # Errors
///
/// If threads or the operating system's event queue cannot be made.
pub fn block_on<F: Future>(threads: Option<usize>, future: F) -> std::io::Result<F::Output> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = threads {
        runtime.worker_threads(threads.max(1));
    }
    let runtime = runtime.enable_all().build()?;
    Ok(runtime.block_on(future))
}
