//! The client: a [`ResourceService`](koukan_core::resource::ResourceService) over HTTP.
//!
//! Connections are kept and shared by clones; HTTP/1.1, or h2 where the server offers it by TLS, or
//! is known to speak it. It takes what other servers of this API answer: entity tags quoted, bare,
//! or none at all, problems as JSON or as text, relative and absolute URIs, which are resolved by
//! RFC 3986 against the URI that was asked.
//!
//! Octets are streamed, as fast as the server takes them; an upload that breaks off, that the
//! server answers early or that nobody waits for any more breaks the request off, so that the
//! server never takes a part for the whole.
//!
//! What is safe to repeat is repeated where the connection fails: reads, cancels, and creates with
//! an idempotency key, after any failure before the response; all others while nothing was sent. A
//! 307 or 308 is followed with method and content, but for uploads that have begun
//! ([`Elsewhere`](koukan_core::resource::RefusalKind::Elsewhere) then), and never from https to
//! http. Where a transaction is, is remembered until it is not there any more. No other server is asked than the one of the URL and those that the settings list, whatever
//! the server names in a redirect or as the URI of a transaction or a blob. The token goes to the
//! server it is for, to those that the settings name, and nowhere else.
//!
//! [`HttpClient`] is for programs that ask other HTTP servers than those of this API.
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
