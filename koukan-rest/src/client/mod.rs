//! The client: a [`ResourceService`](koukan_core::resource::ResourceService) over HTTP.
//!
//! Connections are kept and shared by clones; HTTP/1.1, or h2 where the server offers it by TLS.
//! Octets are streamed: an upload is sent as its body comes, and one that breaks off breaks the
//! request off, so that the server never takes a part for the whole.
//!
//! What is safe to repeat is repeated where no answer came: reads, cancels, and creates with an
//! idempotency key. A 308 is followed, but for uploads that have begun; the token goes to the
//! server it is for, and nowhere else.
//!
//! # Example
//!
//! ```no_run
//! use koukan_core::resource::{Location, Operation, Read, ResourceRequest};
//! use koukan_rest::client::{Client, ClientSettings};
//! use tower::{BoxError, ServiceExt};
//!
//! # async fn run() -> Result<(), BoxError> {
//! let client = Client::new("http://127.0.0.1:8000", ClientSettings::default())?;
//! let read = Read {
//!     transaction: Location::new("/transactions/01jx"),
//!     if_none_match: None,
//!     wait: None,
//! };
//! let request = ResourceRequest::trusted(Operation::Read(read));
//! println!("{:?}", client.oneshot(request).await?);
//! # Ok(())
//! # }
//! ```

mod answer;
mod connect;
mod content;
mod error;
mod request;
mod send;
mod settings;

pub use self::{error::ClientError, send::Client, settings::ClientSettings};
