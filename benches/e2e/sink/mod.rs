//! A destination that answers as fast as it can, and checks that each message arrives exactly once,
//! complete, and at its recipient.

mod content;
mod field;
mod ledger;
mod session;
#[cfg(test)]
mod tests;

use std::{
    io::{Write, stdin, stdout},
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use clap::Args;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::either::Either;

use crate::{
    Failed,
    tls::{Server, Stream},
};

pub(crate) use self::ledger::Ledger;
use self::{field::Field, session::Session};

/// What to expect, and where to listen.
#[derive(Debug, Args)]
pub(crate) struct Sink {
    /// The address to listen on.
    address: SocketAddr,
    /// The number of expected messages; `complete` is printed once they have arrived.
    #[arg(long, default_value_t = 0)]
    messages: u64,
    /// Recipients of each message.
    #[arg(long, default_value_t = 1)]
    recipients: u64,
    /// Offers DATA only.
    #[arg(long)]
    without_chunking: bool,
    /// A header field that each message must have, with words that it must contain, as in `Name: word word`.
    #[arg(long)]
    field: Option<String>,
    /// Offers STARTTLS, with the certificate in this file.
    #[arg(long, requires = "tls_key")]
    tls: Option<PathBuf>,
    /// The file with the private key.
    #[arg(long)]
    tls_key: Option<PathBuf>,
    /// Does not resume TLS sessions.
    #[arg(long)]
    without_resumption: bool,
}

/// The ledger of all connections.
pub(crate) type Shared = Arc<Mutex<Ledger>>;

impl Sink {
    /// Accepts messages until standard input ends, and then prints the report.
    pub(crate) fn run(&self) -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let ledger = Arc::new(Mutex::new(Ledger::new(self.messages, self.recipients)));
        let files = self.tls.as_ref().zip(self.tls_key.as_ref());
        let tls = files.map(|(file, key)| Server::new(file, key, !self.without_resumption));
        let tls = tls.transpose()?;
        let listener = runtime.block_on(TcpListener::bind(self.address))?;
        // The process that started the sink ends it by closing its input.
        let end = runtime.spawn_blocking(|| stdin().read_line(&mut String::new()));
        let field = self.field.as_deref().map(Field::new).map(Arc::new);
        let session = move || Session::new(!self.without_chunking, field.clone());
        let accepting = accept(listener, Arc::clone(&ledger), tls.clone(), session);
        runtime.block_on(async move {
            tokio::select! {
                result = accepting => result,
                _ = end => Ok(()),
            }
        })?;
        let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let mut report = ledger.report();
        report["handshakes"] = json!(tls.map(|tls| tls.counts().report()));
        println!("{report}");
        stdout().flush()?;
        runtime.shutdown_background();
        Ok(())
    }
}

/// Serves every client, as [`accept`] does, with default sessions.
#[cfg(test)]
pub(crate) async fn accept_default(
    listener: TcpListener,
    ledger: Shared,
    tls: Option<Server>,
) -> Result<(), Failed> {
    accept(listener, ledger, tls, Session::default).await
}

/// Serves every client.
async fn accept(
    listener: TcpListener,
    ledger: Shared,
    tls: Option<Server>,
    session: impl Fn() -> Session,
) -> Result<(), Failed> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (ledger, tls) = (Arc::clone(&ledger), tls.clone());
        let session = match &tls {
            Some(_) => session().offering_tls(),
            None => session(),
        };
        tokio::spawn(async move {
            // A client that breaks off has sent nothing that counts.
            let _ = serve(stream, session, &ledger, tls).await;
        });
    }
}

/// Serves a client, with TLS once the client asks for it.
async fn serve(
    mut stream: TcpStream,
    mut session: Session,
    ledger: &Mutex<Ledger>,
    tls: Option<Server>,
) -> Result<(), Failed> {
    stream.write_all(b"220 sink\r\n").await?;
    let mut stream = Either::Left(stream);
    loop {
        converse(&mut stream, &mut session, ledger).await?;
        stream = match (stream, &tls) {
            (Either::Left(stream), Some(tls)) if session.begins_tls() => tls.begin(stream).await?,
            _ => return Ok(()),
        };
    }
}

/// Reads and answers commands until the session ends, or continues with TLS.
async fn converse(
    stream: &mut Stream,
    session: &mut Session,
    ledger: &Mutex<Ledger>,
) -> Result<(), Failed> {
    let mut input = Vec::with_capacity(128 << 10);
    let mut replies = Vec::with_capacity(1 << 10);
    while stream.read_buf(&mut input).await? > 0 {
        let (used, is_complete) = {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            let used = session.take(&input, &mut replies, &mut ledger);
            (used, ledger.is_newly_complete())
        };
        input.drain(..used);
        if is_complete {
            println!("complete");
            stdout().flush()?;
        }
        if !replies.is_empty() {
            stream.write_all(&replies).await?;
            stream.flush().await?;
            replies.clear();
        }
        if session.pauses() {
            break;
        }
    }
    Ok(())
}
