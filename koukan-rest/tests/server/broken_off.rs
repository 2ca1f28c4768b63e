//! Requests of HTTP/2 that their clients break off, written frame by frame.

use koukan_core::{
    body::BodyError,
    resource::{Operation, ResourceRequest},
};
use koukan_rest::server::{ConnectionSettings, Server, ServerSettings};
use rstest::rstest;
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::mpsc, task::JoinHandle};
use tower::{BoxError, service_fn};

use crate::tcp::start;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame of HTTP/2: RFC 9113 section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Fields that are neither compressed nor remembered: RFC 7541 section 6.2.2.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| {
        let mut octets = vec![u8::try_from(text.len()).unwrap()];
        octets.extend(text.as_bytes());
        octets
    };
    let each = fields.iter();
    each.flat_map(|&(name, value)| [vec![0], text(name), text(value)].concat())
        .collect()
}

/// How a client ends its upload of `hello`.
#[derive(Debug, Clone, Copy)]
enum End {
    OfStream,
    /// With a trailer section: RFC 9110 section 6.5.
    Trailers,
    /// With that reason: RFC 9113 section 7.
    Reset(u32),
}

/// Whether an upload that ends in that way is whole.
async fn is_whole(end: End, length: Option<&str>) -> bool {
    let (uploads, mut upload) = mpsc::channel::<JoinHandle<Result<Vec<u8>, BodyError>>>(1);
    let service = service_fn(move |request: ResourceRequest| {
        let uploads = uploads.clone();
        async move {
            let Operation::Upload(mut upload) = request.operation else {
                return Err::<_, BoxError>("not an upload".into());
            };
            // As the handler: what is read goes on when the request is gone.
            let read = tokio::spawn(async move {
                let mut all = Vec::new();
                while let Some(chunk) = upload.content.next().await? {
                    all.extend(chunk);
                }
                Ok(all)
            });
            uploads.send(read).await?;
            std::future::pending().await
        }
    });
    let server = Server::new(service, ServerSettings::default());
    let running = start(server.router(), ConnectionSettings::default()).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let mut head = vec![
        (":method", "PUT"),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", "/transactions/T/body"),
    ];
    head.extend(length.map(|length| ("content-length", length)));
    let mut begun = PREFACE.to_vec();
    begun.extend(frame(SETTINGS, 0, 0, &[]));
    begun.extend(frame(HEADERS, END_HEADERS, 1, &fields(&head)));
    begun.extend(frame(DATA, 0, 1, b"hello"));
    stream.write_all(&begun).await.unwrap();
    let read = upload.recv().await.unwrap();
    let last = match end {
        End::OfStream => frame(DATA, END_STREAM, 1, b""),
        End::Trailers => frame(HEADERS, END_HEADERS | END_STREAM, 1, &fields(&[("x", "y")])),
        End::Reset(reason) => frame(RESET, 0, 1, &reason.to_be_bytes()),
    };
    stream.write_all(&last).await.unwrap();
    match read.await.unwrap() {
        Ok(all) => {
            assert_eq!(all, b"hello");
            true
        }
        Err(error) => {
            assert!(error.is_aborted(), "{error}");
            false
        }
    }
}

#[rstest]
#[case::the_end(End::OfStream, true)]
#[case::trailers(End::Trailers, true)]
#[case::no_error(End::Reset(0), false)]
#[case::cancel(End::Reset(8), false)]
#[tokio::test]
async fn only_the_end_of_its_stream_ends_an_upload(
    #[case] end: End,
    #[case] is_end: bool,
    #[values(None, Some("5"))] length: Option<&str>,
) {
    assert_eq!(is_whole(end, length).await, is_end);
}
