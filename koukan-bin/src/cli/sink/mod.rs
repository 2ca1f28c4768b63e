//! `koukan sink`: a destination for tests.

mod rule;
mod service;

pub(crate) use self::{
    rule::Rule,
    service::{Received, Sink},
};

use std::{
    net::SocketAddr,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::Args;
use koukan_smtp::Server;
use tokio::net::TcpListener;

use super::{block_on, complain, printed::say};

/// What the sink does.
#[derive(Debug, Args)]
pub(crate) struct SinkCommand {
    /// The address and port to listen on.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3025")]
    listen: SocketAddr,
    /// Refuses recipients that match a pattern with a reply code, as in `gone*=550`; `*` matches anything.
    #[arg(long, value_name = "PATTERN=CODE")]
    refuse: Vec<Rule>,
    /// Like `--refuse`, but at the end of the message.
    #[arg(long, value_name = "PATTERN=CODE")]
    refuse_message: Vec<Rule>,
    /// Prints nothing for each message.
    #[arg(long, short)]
    quiet: bool,
}

impl SinkCommand {
    pub(crate) fn run(self) -> ExitCode {
        match block_on(None, self.serve()) {
            Ok(Ok(())) => ExitCode::SUCCESS,
            Ok(Err(error)) | Err(error) => complain(&error),
        }
    }

    async fn serve(self) -> std::io::Result<()> {
        let messages = Arc::new(AtomicU64::new(0));
        let octets = Arc::new(AtomicU64::new(0));
        let (counted, summed) = (Arc::clone(&messages), Arc::clone(&octets));
        let is_quiet = self.quiet;
        let sink = Sink::new(move |received: Received| {
            counted.fetch_add(1, Ordering::Relaxed);
            summed.fetch_add(received.message.len() as u64, Ordering::Relaxed);
            if !is_quiet {
                let (from, to) = (&received.from, received.to.join(" "));
                let octets = received.message.len();
                say(format_args!("from <{from}> to {to}: {octets} octets"));
            }
        });
        let sink = sink
            .refusing(self.refuse)
            .refusing_messages(self.refuse_message);
        let listener = TcpListener::bind(self.listen).await?;
        eprintln!("listening on {}; stop with Ctrl-C", listener.local_addr()?);
        let stop = async {
            // If no handler can be set, the signal ends the process in its default way.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        Server::new(sink)
            .with_name("sink")
            .run(listener, stop)
            .await;
        let (messages, octets) = (
            messages.load(Ordering::Relaxed),
            octets.load(Ordering::Relaxed),
        );
        eprintln!("{messages} messages, {octets} octets");
        Ok(())
    }
}
