//! `koukan demo`: an agent and a sink in one process; accounts for all mail that it sends.

mod account;
mod letter;
mod report;
mod traffic;

use std::{error::Error, io::IsTerminal, process::ExitCode, sync::Arc, time::Duration};

use crate::{Koukan, Running};
use clap::Args;
use koukan_core::reply::Reply;
use koukan_smtp::Server;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use self::{account::Account, letter::Fate};
use super::{block_on, complain, printed::say, sink::Sink};

/// How long the sink refuses what it refuses only for some time.
const BUSY_FOR: Duration = Duration::from_secs(4);
/// How long to wait, once everything was sent, for what is still under way.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much is sent.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Messages to send.
    #[arg(long, value_name = "NUMBER", default_value_t = 300)]
    messages: u32,
    /// Clients that send at the same time.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    sessions: u32,
}

impl Demo {
    pub(crate) fn run(self) -> ExitCode {
        match block_on(None, self.demonstrate()) {
            Ok(Ok(true)) => ExitCode::SUCCESS,
            Ok(Ok(false)) => ExitCode::FAILURE,
            Ok(Err(error)) => complain(&*error),
            Err(error) => complain(&error),
        }
    }

    async fn demonstrate(self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        let account = Arc::new(Account::default());
        let (sink_address, sink) = start_sink(Arc::clone(&account)).await?;
        let directory = tempfile::tempdir()?;
        let config = config(&directory.path().display().to_string(), &sink_address);
        let agent = Koukan::builder()
            .config_text("demo", &config)?
            .start()
            .await?;
        let address = agent.smtp_addresses().first().copied();
        let address = address.ok_or("the agent listens nowhere")?;
        say(format_args!(
            "agent on {address}, sink on {sink_address}, queue in {}",
            directory.path().display()
        ));
        say(format_args!(
            "sending {} messages in {} sessions; the sink refuses some recipients, and others for {} seconds",
            self.messages,
            self.sessions,
            BUSY_FOR.as_secs()
        ));
        let start = Instant::now();
        let traffic = traffic::send(address, self.messages, self.sessions, Arc::clone(&account))?;
        let progress = watch(&account, self.messages, traffic).await;
        agent_stopped(agent, sink).await;
        progress?;
        let report = account.report();
        let seconds = start.elapsed().as_secs_f32();
        say(format_args!("\n{report}\n\n{seconds:.1} seconds"));
        Ok(report.is_all_accounted_for())
    }
}

/// Prints the progress until everything is accounted for, or the time is up.
async fn watch(
    account: &Account,
    messages: u32,
    mut traffic: JoinHandle<Result<(), traffic::Failed>>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut ticks = interval(Duration::from_millis(500));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let is_terminal = std::io::stdout().is_terminal();
    let mut last = String::new();
    let mut sent_at = None;
    loop {
        let line = account.progress(messages);
        if line != last {
            // On a terminal the line is overwritten; in a log it is not.
            if is_terminal {
                print!("\r\x1b[K{line}");
                std::io::Write::flush(&mut std::io::stdout())?;
            } else {
                say(&line);
            }
            last = line;
        }
        if let Some(sent_at) = sent_at
            && (account.is_settled() || Instant::elapsed(&sent_at) > PATIENCE)
        {
            return Ok(());
        }
        tokio::select! {
            _ = ticks.tick() => {}
            result = &mut traffic, if sent_at.is_none() => {
                result??;
                sent_at = Some(Instant::now());
            }
        }
    }
}

/// How to stop a server that runs in a task of its own.
type SinkTask = (CancellationToken, JoinHandle<()>);

async fn start_sink(account: Arc<Account>) -> std::io::Result<(std::net::SocketAddr, SinkTask)> {
    let start = Instant::now();
    let refusal = move |at_the_end: bool| {
        move |to: &str| -> Option<Reply> {
            let is_busy = start.elapsed() < BUSY_FOR;
            Fate::of(to)?.refusal(at_the_end, is_busy)
        }
    };
    let sink = Sink::new(move |received| account.arrived(&received))
        .refusing_by(refusal(false))
        .refusing_messages_by(refusal(true));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let server = Server::new(sink).with_name("sink.example");
    let task = tokio::spawn(server.run(listener, stop.clone().cancelled_owned()));
    Ok((address, (stop, task)))
}

async fn agent_stopped(agent: Running, (stop, sink): SinkTask) {
    agent.stop().await;
    stop.cancel();
    // The sink has nothing left to do.
    let _ = sink.await;
}

fn config(directory: &str, sink: &std::net::SocketAddr) -> String {
    format!(
        r#"
hostname: demo.example
storage: {{ sqlite: "{directory}/koukan.sqlite" }}
retry: {{ min_attempt_time: 1s, max_attempt_time: 2s, deadline: 1m }}
notification: {{ sender: out }}
smtp_listener:
  - {{ address: "127.0.0.1:0", sender: submission }}
sender:
  - {{ name: submission, chain: in }}
  - {{ name: out, chain: out }}
chain:
  - name: in
    filter: [received_header]
    endpoint: {{ exploder: {{ policy: submission, sender: out }} }}
  - name: out
    endpoint: {{ smtp: {{ host: ["{sink}"] }} }}
"#
    )
}
