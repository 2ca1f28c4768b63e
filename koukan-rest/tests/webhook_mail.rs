//! Mail as one signed request to an HTTP server: one that accepts, one that refuses, one that is silent, one that
//! answers before it has read everything, and one whose answer never ends.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{sync::Arc, time::Duration};

use koukan_core::{
    clock::SystemClock,
    filter::message_parser::MessageParserLayer,
    middleware::DeliverOutcome,
    reply::Reply,
    test_util::{Authority, mail, rcpt, send},
    tls::ServerTls,
};
use koukan_rest::{
    client::{ClientSettings, HttpClient},
    webhook::{MailEndpoint, Poster, Secrets},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    task::JoinHandle,
};
use tower::Layer;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MESSAGE: &str = "From: Alice <alice@example.com>\r\nSubject: a cat\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=x\r\n\r\n\
    --x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nlook!\r\n\
    --x\r\nContent-Type: image/png; name=cat.png\r\nContent-Disposition: attachment; filename=cat.png\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nAAEC/w==\r\n--x--\r\n";

/// The behaviour of a server for each request.
#[derive(Debug, Clone, Copy)]
enum Server {
    /// Answers when it has read all of it.
    Answers(&'static str),
    /// Answers when it has read the header section, and reads nothing more.
    AnswersEarly(&'static str),
    /// Starts an answer that never ends.
    NeverEnds(&'static str),
    /// Reads, and does not answer.
    IsSilent,
}

/// A request that a server received.
#[derive(Debug, PartialEq)]
enum Sent {
    Request {
        head: String,
        content: Vec<u8>,
    },
    /// The connection was closed while the server was silent.
    Closed,
}

struct Running {
    url: String,
    sent: mpsc::Receiver<Sent>,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(self) -> Running {
        self.start_with(None).await
    }

    async fn start_with(self, tls: Option<ServerTls>) -> Running {
        let (sender, sent) = mpsc::channel(9);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match tls {
            Some(_) => format!("https://localhost:{port}/mail"),
            None => format!("http://127.0.0.1:{port}/mail"),
        };
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, sender) = (tls.clone(), sender.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                self.serve(stream, sender).await;
                            }
                        }
                        None => self.serve(stream, sender).await,
                    }
                });
            }
        });
        Running { url, sent, serving }
    }

    /// Serves one request.
    async fn serve(
        self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        sent: mpsc::Sender<Sent>,
    ) {
        let mut octets = Vec::new();
        let end = loop {
            if stream.read_buf(&mut octets).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some(at) = octets.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let head = String::from_utf8(octets[..end].to_vec()).unwrap();
        let head = head.to_ascii_lowercase();
        let mut content = octets.split_off(end);
        if !matches!(self, Self::AnswersEarly(_)) {
            let len = head.split("content-length: ").nth(1).unwrap();
            let len: usize = len.lines().next().unwrap().parse().unwrap();
            while content.len() < len {
                if stream.read_buf(&mut content).await.unwrap_or(0) == 0 {
                    return;
                }
            }
        }
        sent.send(Sent::Request { head, content }).await.unwrap();
        match self {
            Self::Answers(answer) => {
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
            Self::AnswersEarly(answer) => {
                stream.write_all(answer.as_bytes()).await.unwrap();
                sent.closed().await;
            }
            Self::NeverEnds(answer) => {
                let mut next = answer.as_bytes();
                while stream.write_all(next).await.is_ok() {
                    next = &[b'x'; 4096];
                }
            }
            Self::IsSilent => {
                while stream.read(&mut [0; 9]).await.is_ok_and(|read| read > 0) {}
                sent.send(Sent::Closed).await.unwrap();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Running {
    fn endpoint(&self, settings: &ClientSettings) -> MailEndpoint {
        let client = HttpClient::new(settings).unwrap();
        let secrets = Secrets::parse(SECRET).unwrap();
        let clock = Arc::new(SystemClock);
        let poster = Poster::new(client, self.url.parse().unwrap(), secrets, clock.clone());
        MailEndpoint::new(poster, clock)
    }

    /// The outcome of a message.
    async fn deliver(&self, message: &str) -> DeliverOutcome {
        deliver(self.endpoint(&ClientSettings::default()), message).await
    }

    /// The next request: its header section in lower case, and its content.
    async fn request(&mut self) -> (String, Vec<u8>) {
        match self.sent.recv().await.unwrap() {
            Sent::Request { head, content } => (head, content),
            Sent::Closed => panic!("the connection was closed"),
        }
    }
}

async fn deliver(endpoint: MailEndpoint, message: &str) -> DeliverOutcome {
    let to = ["bob@example.net", "carol@example.net"].map(rcpt);
    send(endpoint, mail("alice@example.com"), to, message.to_owned()).await
}

fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.split(&format!("\r\n{name}: ")).nth(1).unwrap();
    line.lines().next().unwrap()
}

const TAKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_message_comes_parsed_with_its_attachments_and_signed() {
    let mut server = Server::Answers(TAKEN).start().await;
    let outcome = server.deliver(MESSAGE).await;
    assert_eq!(outcome.mail, Reply::sender_ok());
    assert_eq!(
        outcome.recipients,
        [Reply::recipient_ok(), Reply::recipient_ok()]
    );
    assert_eq!(outcome.message, Some(Reply::message_accepted()));
    let (head, content) = server.request().await;
    assert!(head.starts_with("post /mail http/1.1\r\n"), "{head}");
    assert_eq!(field(&head, "content-type"), "application/json");
    let id = field(&head, "webhook-id");
    let timestamp = field(&head, "webhook-timestamp").parse().unwrap();
    // The header section was changed to lower case, but base64 is case-sensitive.
    let signature = Secrets::parse(SECRET)
        .unwrap()
        .sign(id, timestamp, &content);
    assert_eq!(
        field(&head, "webhook-signature"),
        signature.to_ascii_lowercase()
    );
    let content: Value = serde_json::from_slice(&content).unwrap();
    assert_eq!(content["type"], "mail");
    let data = &content["data"];
    assert_eq!(data["mail_from"], "alice@example.com");
    assert_eq!(
        data["rcpt_to"],
        json!(["bob@example.net", "carol@example.net"])
    );
    let begins = format!("mail_{}_", data["id"].as_str().unwrap()).to_ascii_lowercase();
    assert!(id.starts_with(&begins), "{id}");
    let message = &data["message"];
    assert_eq!(message["headers"][1], json!(["subject", "a cat"]));
    assert_eq!(message["text_body"][0]["content"]["inline"], "look!");
    let cat = &message["file_attachments"][0];
    assert_eq!(cat["filename"], "cat.png");
    assert_eq!(cat["content"], json!({"base64": "AAEC/w=="}));
    assert!(message.get("parts").is_none());
}

#[tokio::test]
async fn the_answer_decides_and_a_redirect_is_not_followed() {
    for (answer, reply) in [
        (
            "HTTP/1.1 204 No Content\r\n\r\n",
            "250 2.6.0 message accepted",
        ),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 24\r\n\r\n5.1.1 nobody here\r\nmore\r\n",
            "550 5.1.1 nobody here",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 15\r\n\r\n<html>no</html>",
            "550 5.7.1 refused by policy",
        ),
        (
            "HTTP/1.1 429 Slow Down\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n",
            "451 4.3.2 overloaded, try again later",
        ),
        (
            "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops",
            "451 4.4.0 destination host failed, try again later",
        ),
        (
            "HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
            "451 4.4.0 destination host failed, try again later",
        ),
        ("", "451 4.4.1 no answer from destination host"),
        (
            "220 mail.example.com ESMTP\r\n",
            "451 4.4.1 no answer from destination host",
        ),
    ] {
        let mut server = Server::Answers(answer).start().await;
        let outcome = server.deliver(MESSAGE).await;
        assert_eq!(outcome.message.unwrap().to_string(), reply, "{answer}");
        server.request().await;
        assert!(server.sent.try_recv().is_err(), "{answer}");
    }
}

#[tokio::test]
async fn nobody_there_is_tried_again() {
    let server = Server::IsSilent.start().await;
    let endpoint = server.endpoint(&ClientSettings::default());
    server.serving.abort();
    // The listener is closed once its task has ended.
    while !server.serving.is_finished() {
        tokio::task::yield_now().await;
    }
    let outcome = deliver(endpoint, MESSAGE).await;
    assert_eq!(outcome.message, Some(Reply::connection_failed()));
}

#[tokio::test]
async fn what_is_too_large_is_not_sent_whoever_has_parsed_it() {
    let mut server = Server::Answers(TAKEN).start().await;
    let endpoint = server
        .endpoint(&ClientSettings::default())
        .with_max_size(100);
    let parsed = MessageParserLayer::new().layer(endpoint.clone());
    let to = [rcpt("bob@example.net")];
    let by_another = send(parsed, mail("alice@example.com"), to, MESSAGE).await;
    for outcome in [by_another, deliver(endpoint, MESSAGE).await] {
        assert_eq!(outcome.message, Some(Reply::message_too_big()));
    }
    assert!(server.sent.try_recv().is_err());
    assert!(server.deliver(MESSAGE).await.is_delivered());
}

/// A silent server does not delay mail for another one. Its time ends, or the caller stops waiting.
#[tokio::test]
async fn one_that_is_silent_holds_up_itself_alone() {
    let mut silent = Server::IsSilent.start().await;
    let live = Server::Answers(TAKEN).start().await;
    let endpoint = silent.endpoint(&ClientSettings::default());
    let waiting = tokio::spawn(deliver(endpoint.clone(), MESSAGE));
    silent.request().await;
    assert!(live.deliver(MESSAGE).await.is_delivered());
    waiting.abort();
    assert_eq!(silent.sent.recv().await, Some(Sent::Closed));

    let waiting = tokio::spawn(deliver(endpoint, MESSAGE));
    silent.request().await;
    assert!(live.deliver(MESSAGE).await.is_delivered());
    // From here on the paused clock advances by itself.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let outcome = waiting.await.unwrap();
    assert_eq!(outcome.message, Some(Reply::connection_failed()));
    assert!(begun.elapsed() < Duration::from_secs(31));
    assert_eq!(silent.sent.recv().await, Some(Sent::Closed));
}

#[tokio::test]
async fn an_answer_counts_before_all_was_read() {
    let large = format!("{MESSAGE}{}", "x".repeat(8 << 20));
    for (answer, reply) in [
        (
            "HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large",
            "550 5.7.1 too large",
        ),
        (TAKEN, "250 2.6.0 message accepted"),
    ] {
        let server = Server::AnswersEarly(answer).start().await;
        let outcome = server.deliver(&large).await;
        assert_eq!(outcome.message.unwrap().to_string(), reply);
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_has_said_enough() {
    for (answer, reply) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "250 2.6.0 message accepted",
        ),
        ("HTTP/1.1 410 Gone\r\n\r\nno more\n", "550 5.7.1 no more"),
    ] {
        let server = Server::NeverEnds(answer).start().await;
        let outcome = server.deliver(MESSAGE).await;
        assert_eq!(outcome.message.unwrap().to_string(), reply);
    }
}

#[tokio::test]
async fn by_tls_to_whom_is_believed_alone() {
    let authority = Authority::new();
    let mut server = Server::Answers(TAKEN)
        .start_with(Some(authority.server("localhost")))
        .await;
    let stranger = deliver(server.endpoint(&ClientSettings::default()), MESSAGE).await;
    assert_eq!(stranger.message, Some(Reply::connection_failed()));
    assert!(server.sent.try_recv().is_err());
    let settings = ClientSettings::default().with_ca(authority.pem());
    let outcome = deliver(server.endpoint(&settings), MESSAGE).await;
    assert!(outcome.is_delivered());
    server.request().await;
}
