//! Tasks 2 and 5: refuses messages by their content, and tests that.

use bytes::Bytes;
use koukan_core::body::Body;
use koukan_core::middleware::{Next, from_fn};
use koukan_core::reply::{Rejection, Reply};
use koukan_core::transaction::Transaction;
use koukan_smtp::Server;
use tower::{BoxError, Layer, service_fn};

async fn refuse(message: Bytes) -> Result<Body, Rejection> {
    let text = String::from_utf8_lossy(&message).to_lowercase();
    let refusal = Reply::policy_refused().with_text("no lotteries here");
    match text.contains("lottery") {
        true => Err(refusal.into()),
        false => Ok(message.into()),
    }
}

async fn no_lotteries(tx: Transaction, next: Next) -> Result<Reply, BoxError> {
    next.run(tx.then_whole(10 << 20, refuse)).await
}

async fn take(mut tx: Transaction) -> Result<Reply, BoxError> {
    tx.mail.answer(Reply::sender_ok());
    while let Some(rcpt) = tx.recipients.next().await? {
        rcpt.answer(Reply::recipient_ok());
    }
    tx.body.discard().await?;
    Ok(Reply::message_accepted())
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    let server = Server::new(from_fn(no_lotteries).layer(service_fn(take)));
    server.listen(address).await
}

#[cfg(test)]
mod tests {
    use koukan_core::test_util::{Script, mail, rcpt, send};

    use super::*;

    async fn reply_to(message: &'static str) -> Option<Reply> {
        let filter = from_fn(no_lotteries).layer(Script::new());
        send(filter, mail("a@x.example"), [rcpt("b@y")], message)
            .await
            .message
    }

    #[tokio::test]
    async fn lotteries_are_refused() {
        let reply = reply_to("\r\nwin the lottery\r\n").await;
        assert!(reply.is_some_and(|reply| reply.is_permanent()));
    }

    #[tokio::test]
    async fn all_else_is_taken() {
        let reply = reply_to("\r\nhello\r\n").await;
        assert_eq!(reply, Some(Reply::message_accepted()));
    }
}
