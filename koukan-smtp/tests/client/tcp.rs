//! Over real sockets.

use koukan_core::reply::{RemoteMta, Reply};
use koukan_smtp::client::{ClientSettings, SmtpEndpoint};
use tokio::net::{TcpListener, TcpSocket};

use super::{
    exchanges::IN_A_BLOCK,
    script,
    sending::{assert_own, hello, send, start},
};

fn endpoint_to(host: &str) -> SmtpEndpoint {
    let settings = ClientSettings::new("me.example").unwrap();
    SmtpEndpoint::new(settings.with_hosts([host.parse().unwrap()]))
}

#[tokio::test]
async fn sends_by_tcp_to_a_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = hello("PIPELINING CHUNKING") + IN_A_BLOCK + IN_A_BLOCK + "C: QUIT\nS: 221 bye";
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        script::follow(script, stream).await;
    });
    let endpoint = endpoint_to(&format!("localhost:{port}"));
    for _ in 0..2 {
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies, ["250 sender", "250 b", "250 queued"]);
    }
    endpoint.close().await;
    server.await.unwrap();
}

#[tokio::test]
async fn a_refused_connection_is_transient() {
    // Bound and not listening: nobody else is given the port meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let endpoint = endpoint_to(&socket.local_addr().unwrap().to_string());
    let (mut driver, pending) = start(&endpoint);
    let reply = driver.wait(pending).await;
    let host = socket.local_addr().unwrap().to_string();
    assert_own(&reply.to_string(), &Reply::connection_failed(), &host, "");
    assert!(reply.extensions().get::<RemoteMta>().is_none());
}
