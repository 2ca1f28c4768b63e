//! A filter as a tower Layer and Service: it rejects messages that contain a word, as they pass and
//! without holding them.
//!
//! ```sh
//! cargo run -p koukan-examples --example filter_layer -- 127.0.0.1:1025
//! swaks --to bob@example.com --server 127.0.0.1:1025 --body 'buy now'      # 554
//! ```

#![allow(clippy::print_stdout, reason = "a program that talks to its user")]

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use koukan_core::{
    reply::{Rejection, Reply},
    service::MailService,
    transaction::Transaction,
};
use koukan_smtp::Server;
use tokio::net::TcpListener;
use tower::{BoxError, Layer, Service, ServiceBuilder, service_fn};

/// The layer that adds [`RejectWord`].
#[derive(Debug, Clone)]
struct RejectWordLayer {
    word: Arc<[u8]>,
}

impl RejectWordLayer {
    fn new(word: &str) -> Self {
        Self {
            word: word.as_bytes().into(),
        }
    }
}

impl<S> Layer<S> for RejectWordLayer {
    type Service = RejectWord<S>;

    fn layer(&self, inner: S) -> RejectWord<S> {
        let word = Arc::clone(&self.word);
        RejectWord { inner, word }
    }
}

/// Rejects messages that contain a word.
#[derive(Debug, Clone)]
struct RejectWord<S> {
    inner: S,
    word: Arc<[u8]>,
}

impl<S: MailService> Service<Transaction> for RejectWord<S> {
    type Response = Reply;
    type Error = S::Error;
    // The call itself is not changed, so its future is the inner one's.
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, tx: Transaction) -> S::Future {
        // The closure holds the state for one transaction.
        let mut search = Search::new(Arc::clone(&self.word));
        let searched = tx.map_body(|body| body.map(move |chunk| search.pass(chunk)));
        self.inner.call(searched)
    }
}

/// Looks for a word in chunks that may be cut anywhere.
struct Search {
    word: Arc<[u8]>,
    /// The end of the earlier chunks, shorter than the word.
    tail: Vec<u8>,
}

impl Search {
    fn new(word: Arc<[u8]>) -> Self {
        let tail = Vec::new();
        Self { word, tail }
    }

    fn pass(&mut self, chunk: Bytes) -> Result<Bytes, Rejection> {
        self.tail.extend_from_slice(&chunk);
        let mut windows = self.tail.windows(self.word.len());
        if windows.any(|window| window == &*self.word) {
            return Err(Reply::bad_content().into());
        }
        let keep = self.word.len().saturating_sub(1).min(self.tail.len());
        self.tail.drain(..self.tail.len() - keep);
        Ok(chunk)
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:1025")).await?;
    println!("listening on {}", listener.local_addr()?);
    let take = service_fn(|mut tx: Transaction| async move {
        tx.mail.answer(Reply::sender_ok());
        while let Some(rcpt) = tx.recipients.next().await? {
            rcpt.answer(Reply::recipient_ok());
        }
        tx.body.discard().await?;
        Ok::<_, BoxError>(Reply::message_accepted())
    });
    let service = ServiceBuilder::new()
        .layer(RejectWordLayer::new("buy now"))
        .service(take);
    Server::new(service)
        .run(listener, std::future::pending())
        .await;
    Ok(())
}
