//! `koukan send`: a client of the REST API for the command line.

mod delivery;
mod input;
mod message;
mod outcome;
mod source;
mod upload;

use std::{fs, io::IsTerminal, path::PathBuf, process::ExitCode, time::Duration};

use clap::Args;
use koukan_core::{
    context::Sender,
    path::{ForwardPath, ReversePath},
    transaction::Mail,
};
use koukan_rest::client::{Client, ClientSettings};
use tower::BoxError;

use self::{delivery::Delivery, message::Message, outcome::Outcome};
use super::{block_on, complain};

/// What to send, and to which agent.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The URL of the agent's REST API.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8000")]
    server: String,
    /// On whose behalf: the name of a sender in the agent's configuration.
    #[arg(long, value_name = "NAME", default_value = "submission")]
    sender: String,
    /// A tag of the sender.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// A file with the bearer token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A file with the trusted certificates, in PEM, instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The sender's address.
    #[arg(long, value_name = "ADDRESS")]
    from: ReversePath,
    #[command(flatten)]
    message: Message,
    /// How long to wait for the outcome, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wait: u64,
    /// Prints one JSON object for each recipient instead of a table.
    #[arg(long)]
    json: bool,
    /// The recipients' addresses; each gets a transaction of its own.
    #[arg(required = true, value_name = "RECIPIENT")]
    to: Vec<ForwardPath>,
}

impl Send {
    pub(crate) fn run(self) -> ExitCode {
        let is_json = self.json;
        match block_on(None, self.send()) {
            Ok(Ok(outcomes)) => {
                outcome::print(&outcomes, is_json);
                if outcomes.iter().all(Outcome::is_good) {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                }
            }
            Ok(Err(error)) => complain(&*error),
            Err(error) => complain(&error),
        }
    }

    async fn send(self) -> Result<Vec<Outcome>, BoxError> {
        let mut settings = ClientSettings::default();
        if let Some(file) = &self.token_file {
            settings = settings.with_token(read(file)?.trim());
        }
        if let Some(file) = &self.ca_file {
            settings = settings.with_ca(read(file)?);
        }
        let client = Client::new(&self.server, settings)?;
        let mut sender = Sender::new(self.sender.as_str());
        if let Some(tag) = &self.tag {
            sender = sender.with_tag(tag.as_str());
        }
        let source = self.message.source(&self.from, &self.to)?;
        let delivery = Delivery {
            client,
            sender,
            mail: Mail::new(self.from),
            wait: Duration::from_secs(self.wait),
            has_progress: !self.json && std::io::stderr().is_terminal(),
        };
        // A recipient gets one copy, however often it is named.
        let mut to: Vec<ForwardPath> = Vec::with_capacity(self.to.len());
        for recipient in self.to {
            if !to.iter().any(|known| known.is_same(&recipient)) {
                to.push(recipient);
            }
        }
        delivery.deliver(source, to).await
    }
}

fn read(file: &PathBuf) -> Result<String, BoxError> {
    let text = fs::read_to_string(file);
    text.map_err(|error| format!("cannot read {}: {error}", file.display()).into())
}
