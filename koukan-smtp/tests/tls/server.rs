//! The server.

use std::{future::ready, time::Duration};

use koukan_core::test_util::Authority;
use koukan_smtp::{
    Server,
    server::{MakeMailService, ServerTimeouts},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{line_client::LineClient, support::running::Running, tells_tls};

const MAIL: &str = "MAIL FROM:<a@example.com>\r\n";

/// Sends a message whose lines the server counts.
async fn send_mail(client: &mut LineClient) -> String {
    assert_eq!(client.ask(MAIL).await, "250 2.1.0 sender ok\r\n");
    let rcpt = client.ask("RCPT TO:<b@example.com>\r\n").await;
    assert!(rcpt.starts_with("250 "), "{rcpt}");
    assert!(client.ask("DATA\r\n").await.starts_with("354 "));
    client.ask("a: b\r\n\r\nhello\r\n.\r\n").await
}

async fn start<M: MakeMailService>(server: Server<M>) -> Running {
    Running::start(server).await
}

#[tokio::test]
async fn mail_goes_over_tls_from_when_the_client_says_so() {
    let authority = Authority::new();
    let running = start(tells_tls().with_starttls(authority.server("mx.example"))).await;
    let mut client = LineClient::connect(&running).await;
    client.reply().await;
    let hello = client.ask("EHLO me\r\n").await;
    assert!(hello.contains("250-STARTTLS\r\n"), "{hello}");
    // It need not.
    let told = send_mail(&mut client).await;
    assert!(told.contains("15 octets over clear"), "{told}");
    assert!(client.ask("STARTTLS\r\n").await.starts_with("220 "));
    client.begin_tls(&authority.client(), "mx.example").await;
    assert!(
        client.ask(MAIL).await.starts_with("503 "),
        "the client is not known"
    );
    let hello = client.ask("EHLO me\r\n").await;
    assert!(!hello.contains("STARTTLS"), "{hello}");
    for _ in 0..3 {
        let told = send_mail(&mut client).await;
        assert!(told.contains("15 octets over TLSv1.3"), "{told}");
    }
    assert!(client.ask("QUIT\r\n").await.starts_with("221 "));
    assert_eq!(client.rest().await, "");
    running.stop().await;
}

#[tokio::test]
async fn a_large_message_and_many_commands_at_once_pass_whole() {
    let authority = Authority::new();
    let running = start(tells_tls().with_immediate_tls(authority.server("mx.example"))).await;
    let mut client = LineClient::connect(&running).await;
    client.begin_tls(&authority.client(), "mx.example").await;
    client.reply().await;
    client.ask("EHLO me\r\n").await;
    let line = "0123456789".repeat(7) + "\r\n";
    let message = line.repeat(100_000);
    let commands = format!(
        "{MAIL}RCPT TO:<b@example.com>\r\nBDAT {} LAST\r\n",
        message.len()
    );
    let (mut read, mut write) = tokio::io::split(client.io);
    let sending = async {
        use tokio::io::AsyncWriteExt;
        write.write_all(commands.as_bytes()).await.unwrap();
        write.write_all(message.as_bytes()).await.unwrap();
        write.flush().await.unwrap();
    };
    let reading = async {
        let mut replies = Vec::new();
        for _ in 0..3 {
            replies.push(crate::support::reply_from(&mut read).await);
        }
        replies
    };
    let ((), replies) = tokio::join!(sending, reading);
    let expected = format!("{} octets over TLSv1.3", message.len());
    assert!(replies[2].contains(&expected), "{replies:?}");
    running.stop().await;
}

#[tokio::test]
async fn what_was_put_behind_starttls_is_not_carried_out() {
    let authority = Authority::new();
    let running = start(tells_tls().with_starttls(authority.server("mx.example"))).await;
    for injected in [
        "EHLO mallory\r\nMAIL FROM:<mallory@example.com>\r\n",
        "MAIL FROM:<mal",
        "NOOP\r\nNOOP\r\n",
    ] {
        let mut client = LineClient::connect(&running).await;
        client.reply().await;
        client.ask("EHLO me\r\n").await;
        // In one packet: what comes later is a part of the handshake, and fails it.
        let reply = client.ask(&format!("STARTTLS\r\n{injected}")).await;
        assert!(reply.starts_with("220 "));
        client.begin_tls(&authority.client(), "mx.example").await;
        assert!(
            client.ask("NOOP\r\n").await.starts_with("250 "),
            "{injected}"
        );
        assert!(client.ask(MAIL).await.starts_with("503 "), "{injected}");
        client.ask("EHLO me\r\n").await;
        let told = send_mail(&mut client).await;
        assert!(told.contains("15 octets over TLSv1.3"), "{told}");
    }
    running.stop().await;
}

#[tokio::test]
async fn mail_is_taken_over_tls_only_where_it_is_required() {
    let authority = Authority::new();
    let server = tells_tls().with_starttls(authority.server("mx.example"));
    let running = start(server.with_tls_required()).await;
    let mut client = LineClient::connect(&running).await;
    client.reply().await;
    for hello in ["HELO me\r\n", "EHLO me\r\n"] {
        client.ask(hello).await;
        let refused = client.ask(MAIL).await;
        assert!(refused.starts_with("530 "), "{refused}");
    }
    let refused = client.ask(MAIL).await;
    assert_eq!(
        refused,
        "530 5.7.0 mail is taken over TLS only, say STARTTLS first\r\n"
    );
    for command in ["NOOP\r\n", "RSET\r\n"] {
        assert!(client.ask(command).await.starts_with("250 "));
    }
    client.ask("STARTTLS\r\n").await;
    client.begin_tls(&authority.client(), "mx.example").await;
    client.ask("EHLO me\r\n").await;
    assert!(send_mail(&mut client).await.contains("over TLSv1.3"));
    running.stop().await;
}

#[tokio::test]
async fn sessions_may_begin_with_tls() {
    let authority = Authority::new();
    let server = tells_tls().with_immediate_tls(authority.server("mx.example"));
    // Which is as good as STARTTLS.
    let running = start(server.with_tls_required()).await;
    let mut client = LineClient::connect(&running).await;
    client.begin_tls(&authority.client(), "mx.example").await;
    assert!(client.reply().await.starts_with("220 "));
    let hello = client.ask("EHLO me\r\n").await;
    assert!(!hello.contains("STARTTLS"), "{hello}");
    assert!(client.ask("STARTTLS\r\n").await.starts_with("502 "));
    assert!(send_mail(&mut client).await.contains("over TLSv1.3"));
    running.stop().await;
}

/// It is told from another by the header of a proxy, which comes in clear.
#[tokio::test]
async fn a_proxy_says_who_its_client_is_before_tls() {
    let authority = Authority::new();
    let tells_client = Server::new(tower::service_fn(
        |tx: koukan_core::transaction::Transaction| async move {
            let client = tx.context.remote_host.unwrap().to_string();
            let has_tls = tx.context.tls.is_some();
            let text = format!("{client} {has_tls}");
            Ok::<_, tower::BoxError>(koukan_core::reply::Reply::policy_refused().with_text(text))
        },
    ));
    let server = tells_client
        .with_proxies(["127.0.0.0/8".parse().unwrap()])
        .with_immediate_tls(authority.server("mx.example"));
    let running = start(server).await;
    let mut client = LineClient::connect(&running).await;
    client
        .send("PROXY TCP4 192.0.2.1 192.0.2.2 5 465\r\n")
        .await;
    client.begin_tls(&authority.client(), "mx.example").await;
    client.reply().await;
    client.ask("EHLO me\r\n").await;
    let told = client.ask(MAIL).await;
    assert_eq!(told, "550 5.7.1 192.0.2.1:5 true\r\n");
    running.stop().await;
}

/// The handshake is none of what a client says, and what it says over TLS is.
#[tokio::test]
async fn clients_wait_for_their_greeting_over_tls_too() {
    let authority = Authority::new();
    let greets_after = |delay| {
        let timeouts = ServerTimeouts::default().with_greeting_delay(delay);
        let server = tells_tls().with_timeouts(timeouts);
        server.with_immediate_tls(authority.server("mx.example"))
    };
    let running = start(greets_after(Duration::from_millis(1))).await;
    let mut client = LineClient::connect(&running).await;
    client.begin_tls(&authority.client(), "mx.example").await;
    assert!(client.reply().await.starts_with("220 "));
    running.stop().await;
    let running = start(greets_after(Duration::from_secs(3600))).await;
    let mut client = LineClient::connect(&running).await;
    client.begin_tls(&authority.client(), "mx.example").await;
    let early = client.ask("EHLO me\r\n").await;
    assert_eq!(
        early,
        "554 speak after the greeting, closing connection\r\n"
    );
    running.stop().await;
}

#[tokio::test]
async fn who_begins_with_something_else_is_not_served() {
    let server = tells_tls().with_immediate_tls(Authority::new().server("mx.example"));
    let running = start(server).await;
    let mut client = LineClient::connect(&running).await;
    client.send("EHLO me\r\n").await;
    let rest = client.rest().await;
    assert!(!rest.contains("220"), "{rest}");
    running.stop().await;
}

/// Who connects and says nothing has a connection for a while only, and keeps nobody from stopping.
#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let authority = Authority::new();
    let handshake = Duration::from_millis(50);
    let timeouts = ServerTimeouts::default().with_handshake(handshake);
    let server = tells_tls().with_immediate_tls(authority.server("mx.example"));
    let running = start(server.clone().with_timeouts(timeouts)).await;
    let mut client = LineClient::connect(&running).await;
    assert_eq!(client.rest().await, "");
    running.stop().await;

    let running = start(server).await;
    let mut silent = LineClient::connect(&running).await;
    let mut other = LineClient::connect(&running).await;
    other.begin_tls(&authority.client(), "mx.example").await;
    other.reply().await;
    timeout(Duration::from_secs(10), running.stop())
        .await
        .unwrap();
    assert_eq!(silent.rest().await, "");
    assert!(other.rest().await.starts_with("421 "));
}

#[tokio::test]
async fn certificates_are_replaced_while_sessions_go_on() {
    let (authority, other) = (Authority::new(), Authority::new());
    let tls = authority.server("mx.example");
    let certificates = tls.certificates().clone();
    let running = start(tells_tls().with_starttls(tls)).await;
    let secure = async |authority: &Authority| {
        let mut client = LineClient::connect(&running).await;
        client.reply().await;
        client.ask("EHLO me\r\n").await;
        client.ask("STARTTLS\r\n").await;
        client.begin_tls(&authority.client(), "mx.example").await;
        client.ask("EHLO me\r\n").await;
        client
    };
    let mut before = secure(&authority).await;
    certificates.replace([other.certificate("mx.example")]);
    let mut after = secure(&other).await;
    for client in [&mut before, &mut after] {
        assert!(send_mail(client).await.contains("over TLSv1.3"));
    }
    drop((before, after));
    running.stop().await;
}

#[tokio::test]
async fn whoever_is_connected_and_not_accepted_when_the_server_stops_is_told_over_tls() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap());
    let io = Box::new(stream.await.unwrap());
    let mut client = LineClient { io };
    let server = tells_tls().with_immediate_tls(authority.server("mx.example"));
    let stopping = tokio::spawn(server.run(listener, ready(())));
    client.begin_tls(&authority.client(), "mx.example").await;
    assert!(client.reply().await.starts_with("421 "));
    drop(client);
    stopping.await.unwrap();
}
