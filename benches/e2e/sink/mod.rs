//! A destination that answers as fast as it can and checks that each message comes once, whole, and
//! to whom it was sent.

mod content;
mod ledger;
mod session;
#[cfg(test)]
mod tests;

use std::{
    io::{Write, stdin, stdout},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use clap::Args;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::Failed;

pub(crate) use self::ledger::Ledger;
use self::session::Session;

/// What to expect, and where.
#[derive(Debug, Args)]
pub(crate) struct Sink {
    /// The address to listen on.
    address: SocketAddr,
    /// Messages that are expected; `complete` is printed once they are there.
    #[arg(long, default_value_t = 0)]
    messages: u64,
    /// Recipients of each.
    #[arg(long, default_value_t = 1)]
    recipients: u64,
    /// Offers DATA only.
    #[arg(long)]
    without_chunking: bool,
}

/// The ledger of all connections.
pub(crate) type Shared = Arc<Mutex<Ledger>>;

impl Sink {
    /// Takes messages until the standard input ends, and then prints what came.
    pub(crate) fn run(&self) -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let ledger = Arc::new(Mutex::new(Ledger::new(self.messages, self.recipients)));
        let listener = runtime.block_on(TcpListener::bind(self.address))?;
        // Whoever started the sink ends it by closing its input.
        let end = runtime.spawn_blocking(|| stdin().read_line(&mut String::new()));
        let accepting = accept(listener, Arc::clone(&ledger), !self.without_chunking);
        runtime.block_on(async move {
            tokio::select! {
                result = accepting => result,
                _ = end => Ok(()),
            }
        })?;
        let ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{}", ledger.report());
        stdout().flush()?;
        runtime.shutdown_background();
        Ok(())
    }
}

/// Serves whoever connects.
pub(crate) async fn accept(
    listener: TcpListener,
    ledger: Shared,
    is_chunking: bool,
) -> Result<(), Failed> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move {
            let session = match is_chunking {
                true => Session::default(),
                false => Session::without_chunking(),
            };
            // A client that breaks off has sent nothing that counts.
            let _ = serve(stream, session, &ledger).await;
        });
    }
}

async fn serve(
    mut stream: TcpStream,
    mut session: Session,
    ledger: &Mutex<Ledger>,
) -> Result<(), Failed> {
    stream.write_all(b"220 sink\r\n").await?;
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
            replies.clear();
        }
        if session.is_over() {
            break;
        }
    }
    Ok(())
}
