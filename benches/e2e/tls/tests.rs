//! Both sides, connected with each other.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Client, Counts, Identity, Server};

/// Three connections one after the other: the counts of each side.
async fn three(is_client_resuming: bool, is_server_resuming: bool) -> [Value; 2] {
    let identity = Identity::make().unwrap();
    let (certificate, key) = (identity.certificate(), identity.key());
    let server = Server::new(&certificate, &key, is_server_resuming).unwrap();
    let counts = Arc::new(Counts::default());
    let client = Client::new(&certificate, is_client_resuming, Arc::clone(&counts)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for _ in 0..3 {
        let connecting = async {
            let stream = TcpStream::connect(address).await.unwrap();
            let mut stream = client.begin(stream).await.unwrap();
            // Tickets arrive with the first data.
            assert_eq!(stream.read_u8().await.unwrap(), 7);
        };
        let accepting = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = server.begin(stream).await.unwrap();
            stream.write_u8(7).await.unwrap();
            stream.flush().await.unwrap();
            stream
        };
        tokio::join!(connecting, accepting);
    }
    [counts.report(), server.counts().report()]
}

#[tokio::test]
async fn sessions_are_resumed_where_both_sides_do_so() {
    let resumed = json!({"full": 1, "resumed": 2});
    assert_eq!(three(true, true).await, [resumed.clone(), resumed]);
    let full = json!({"full": 3, "resumed": 0});
    assert_eq!(three(false, true).await, [full.clone(), full.clone()]);
    assert_eq!(three(true, false).await, [full.clone(), full]);
}
