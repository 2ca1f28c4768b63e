//! `koukan explain`.

mod lines;
mod text;

use std::{
    fs,
    io::{self, Read},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use koukan_core::{
    context::{ClientName, Context, Sender, Tls},
    path::{ForwardPath, ReversePath},
    resource::{Explain, Explanation},
    transaction::{Mail, Rcpt},
};
use tower::BoxError;

use crate::{
    Builder, Koukan,
    command::{block_on, complain},
};

use super::printed::print;

/// The message to explain, and the configuration.
#[derive(Debug, Args)]
pub(crate) struct ExplainCommand {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// On whose behalf the message is sent: a sender, with a tag if any, as in `ingress/smtp-mx`.
    #[arg(long, value_name = "NAME")]
    sender: String,
    /// The reverse-path; empty for the null reverse-path.
    #[arg(long, value_name = "ADDRESS")]
    from: ReversePath,
    /// A recipient; may be given several times.
    #[arg(long, value_name = "ADDRESS", required = true)]
    to: Vec<ForwardPath>,
    /// The client's address.
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// The user as whom the client has authenticated.
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// The name that the client gives in EHLO.
    #[arg(long, value_name = "NAME")]
    helo: Option<String>,
    /// The client uses TLS.
    #[arg(long)]
    tls: bool,
    /// Prints JSON instead of text, as `POST /explain` answers.
    #[arg(long)]
    json: bool,
    /// A file with the message; `-` for standard input. Default: a short message.
    message: Option<PathBuf>,
}

impl ExplainCommand {
    /// Explains what would happen to the message. The command fails only if that cannot be found
    /// out; a message that would be refused is not a failure.
    pub(crate) fn run(self, agent: Builder) -> ExitCode {
        let agent = match agent.config_file(&self.config) {
            Ok(agent) => agent,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        };
        match self.explain(&agent) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&*error),
        }
    }

    fn explain(&self, agent: &Koukan) -> Result<(), BoxError> {
        let asked = self.asked()?;
        let explanation = block_on(Some(1), agent.explain(asked.clone()))??;
        let printed = self.printed(&asked, &explanation);
        Ok(print(printed.as_bytes())?)
    }

    fn asked(&self) -> Result<Explain, BoxError> {
        let sender = match self.sender.split_once('/') {
            Some((name, tag)) => Sender::new(name).with_tag(tag),
            None => Sender::new(self.sender.as_str()),
        };
        let mut context = Context::new(sender);
        context.remote_host = self.ip.map(|ip| SocketAddr::new(ip, 0));
        context.identity = self.identity.as_deref().map(Into::into);
        context.client_name = self.helo.as_deref().map(|name| ClientName {
            name: name.into(),
            is_extended: true,
        });
        context.tls = self.tls.then(|| Tls {
            version: "TLSv1.3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
            client: None,
        });
        let message = self.message.as_deref().map(read).transpose()?;
        Ok(Explain {
            context,
            mail: Mail::new(self.from.clone()),
            recipients: self.to.iter().cloned().map(Rcpt::new).collect(),
            message: message.map(|octets| with_crlf(&octets).into()),
        })
    }

    fn printed(&self, asked: &Explain, explanation: &Explanation) -> String {
        match self.json {
            true => format!(
                "{:#}\n",
                koukan_rest::schema::explanation_to_json(explanation)
            ),
            false => text::text(asked, explanation),
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BoxError> {
    if path != Path::new("-") {
        let octets = fs::read(path);
        return octets.map_err(|error| format!("cannot read {}: {error}", path.display()).into());
    }
    let mut octets = Vec::new();
    io::stdin().lock().read_to_end(&mut octets)?;
    Ok(octets)
}

/// The message with CRLF line ends: files often have those of their system.
fn with_crlf(octets: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(octets.len() + octets.len() / 32);
    let mut before = 0;
    for &octet in octets {
        if octet == b'\n' && before != b'\r' {
            message.push(b'\r');
        }
        message.push(octet);
        before = octet;
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_crlf() {
        assert_eq!(with_crlf(b"a\nb\r\n\n"), b"a\r\nb\r\n\r\n");
    }
}
