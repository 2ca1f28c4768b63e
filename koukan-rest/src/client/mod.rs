//! The client: a [`ResourceService`](koukan_core::resource::ResourceService) over HTTP.
//!
//! Connections are kept, and shared by clones. They use HTTP/1.1, or HTTP/2 if the server offers it
//! in TLS or is known to speak it. The client accepts the answers of other servers of this API:
//! entity tags that are quoted, bare or missing; problems as JSON or as text; relative and absolute
//! URIs. URIs are resolved as in RFC 3986, against the URI of the request.
//!
//! Content is streamed as fast as the server accepts it. If the content ends with an error, the
//! server answers early, or the caller drops the call, the request is broken off, so that the
//! server never takes a part for the whole.
//!
//! When a connection fails, requests that are safe to repeat are repeated: reads, cancels, and
//! creates with an idempotency key after any failure before the response; all others only if
//! nothing was sent. A redirect with 307 or 308 is followed with the same method and content, but
//! never from https to http. If an upload has already begun, the redirect is not followed: the
//! result is [`Elsewhere`](koukan_core::resource::RefusalKind::Elsewhere). The client remembers
//! where a transaction is until it is no longer there. It asks only the server of the URL and those
//! that the settings list, whatever a server names in a redirect or in the URI of a transaction or
//! blob. The token goes to its server and to those that the settings name, and nowhere else.
//!
//! [`HttpClient`] is for programs that need HTTP servers other than those of this API.
//!
//! # Example
//!
//! ```no_run
//! use koukan_core::resource::{Location, Operation, Read, ResourceRequest, WaitFor};
//! use koukan_rest::client::{Client, ClientSettings};
//! use tower::{BoxError, ServiceExt};
//!
//! # async fn run() -> Result<(), BoxError> {
//! let client = Client::new("http://127.0.0.1:8000", ClientSettings::default())?;
//! let read = Read {
//!     transaction: Location::new("/transactions/01jx"),
//!     if_none_match: None,
//!     wait: None,
//!     wait_for: WaitFor::End,
//! };
//! let request = ResourceRequest::trusted(Operation::Read(read));
//! println!("{:?}", client.oneshot(request).await?);
//! # Ok(())
//! # }
//! ```

mod answer;
mod error;
mod etag;
mod http_client;
mod operation;
mod service;
mod settings;
mod transport;
mod uri;

pub use self::{
    error::ClientError, http_client::HttpClient, service::Client, settings::ClientSettings,
    uri::is_server_url,
};
