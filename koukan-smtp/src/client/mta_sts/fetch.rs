//! Fetching a policy by HTTPS.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Request, StatusCode,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use koukan_core::{
    network::{BoxWire, Dialing, SharedConnector, SharedResolver, alternating},
    tls::ClientTls,
};
use tokio::time::{Instant, timeout, timeout_at};
use tower::BoxError;

use crate::client::Guard;

use super::policy::MtaStsPolicy;

/// The most octets of a policy that are read.
///
/// *Source*: RFC 8461 section 3.3.
const POLICY_MAX: usize = 64 << 10;

/// How long a fetch may take. The RFC allows a minute; but clients are waiting.
const FETCH_MAX: Duration = Duration::from_secs(30);

/// The most addresses of a host that are tried.
const ADDRESSES_MAX: usize = 4;

/// The means of fetching a policy.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) connector: SharedConnector,
    pub(crate) resolver: SharedResolver,
    /// Checks the addresses: the host is not named by the operator.
    pub(crate) guard: Guard,
    /// How long a look-up may take.
    pub(crate) resolve: Duration,
}

/// Fetches the policy of a domain. The domain must be in ASCII. Redirects are not followed.
///
/// *Source*: RFC 8461 section 3.3.
pub(super) async fn fetch(
    domain: &str,
    network: &Network,
    tls: &ClientTls,
) -> Result<MtaStsPolicy, BoxError> {
    let until = Instant::now() + FETCH_MAX;
    let fetched = timeout_at(until, fetch_until(until, domain, network, tls)).await;
    fetched.map_err(|_| "it takes too long")?
}

async fn fetch_until(
    until: Instant,
    domain: &str,
    network: &Network,
    tls: &ClientTls,
) -> Result<MtaStsPolicy, BoxError> {
    let host = format!("mta-sts.{domain}");
    let addresses = network.resolver.addresses(&host).await?.records;
    let mut failure = BoxError::from("the host has no address");
    let mut allowed = Vec::new();
    for address in alternating(addresses).into_iter().take(ADDRESSES_MAX) {
        let address = SocketAddr::new(address, 443);
        match network.guard.check(&address.into()) {
            Ok(()) => allowed.push(address),
            Err(refused) => failure = refused.into(),
        }
    }
    let mut left = allowed.len();
    let mut dialing = Dialing::new(allowed, |address| network.connector.connect(address));
    while left > 0 {
        // So an address that connects and is then silent leaves time for the others.
        let share = until.saturating_duration_since(Instant::now()) / left as u32;
        left -= 1;
        let fetched = async {
            let (_, connected) = dialing.next().await.ok_or("the host has no address")?;
            from_host(&host, connected?, tls).await
        };
        match timeout(share, fetched).await {
            Ok(Ok(policy)) => return Ok(policy),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = format!("{host} takes too long").into(),
        }
    }
    Err(failure)
}

async fn from_host(host: &str, io: BoxWire, tls: &ClientTls) -> Result<MtaStsPolicy, BoxError> {
    let (io, _) = tls.connect(host, io).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await?;
    let asked = async move {
        let request = Request::get("/.well-known/mta-sts.txt")
            .header(HOST, host)
            .body(Empty::<Bytes>::new())?;
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(format!("the host answers {}", response.status()).into());
        }
        let kind = response.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let media_type = kind.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("text/plain") {
            return Err(format!("it is {media_type}, and not text/plain").into());
        }
        let body = Limited::new(response.into_body(), POLICY_MAX);
        let octets = body.collect().await?.to_bytes();
        let policy = MtaStsPolicy::parse(str::from_utf8(&octets)?);
        policy.ok_or_else(|| BoxError::from("it is no policy"))
    };
    // The connection is driven while the answer is awaited.
    match select(Box::pin(asked), Box::pin(connection)).await {
        Either::Left((answered, _)) => answered,
        Either::Right((_, asked)) => asked.await,
    }
}
