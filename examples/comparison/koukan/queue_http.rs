//! Task 4: keeps each message until an HTTP server accepts it, for up to five days; then notifies its sender.

use std::{env, future::pending, sync::Arc};

use koukan_core::{clock::SystemClock, stage::store_and_forward::StoreAndForward};
use koukan_rest::client::{ClientSettings, HttpClient};
use koukan_rest::webhook::{MailEndpoint, Poster, Secrets};
use koukan_smtp::Server;
use koukan_storage::SqliteBackend;
use tower::BoxError;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let [_, address, url, file] = env::args()
        .collect::<Vec<_>>()
        .try_into()
        .unwrap_or_default();
    let secrets = Secrets::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
    let client = HttpClient::new(&ClientSettings::default())?;
    let clock = Arc::new(SystemClock);
    let poster = Poster::new(client, url.parse()?, secrets, clock.clone());
    let queue = StoreAndForward::builder(MailEndpoint::new(poster, clock))
        .with_backend(Arc::new(SqliteBackend::open(file).await?))
        .open()
        .await?;
    let server = Server::new(queue.submission());
    let (served, ()) = tokio::join!(server.listen(address), queue.run(pending()));
    Ok(served?)
}
