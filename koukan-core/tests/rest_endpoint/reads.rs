//! When the message is read.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use koukan_core::{
    blob::{Backing, Blob, BlobId},
    resource::{ResourceRequest, ResourceResponse},
    stage::rest_endpoint::{RestEndpoint, RestEndpointSettings},
    test_util::{context, mail, rcpt},
    transaction::Driver,
};
use tower::{BoxError, service_fn};

use crate::originator::let_run_for;

/// Octets in storage, and how often they were read.
#[derive(Clone, Default)]
struct Stored(Arc<AtomicU32>);

#[async_trait]
impl Backing for Stored {
    async fn read(&self, _: u64) -> io::Result<Bytes> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::from_static(b"\r\nhello\r\n"))
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_from_storage_before_upstream_has_answered() {
    for is_incremental in [false, true] {
        let silent = service_fn(|_: ResourceRequest| {
            std::future::pending::<Result<ResourceResponse, BoxError>>()
        });
        let settings = RestEndpointSettings::default().with_incremental(is_incremental);
        let endpoint = RestEndpoint::new(silent, settings);
        let (mut driver, _mail) = Driver::start(endpoint, context(), mail("a@x"));
        let _rcpt = driver.rcpt(rcpt("b@y")).await;
        driver.data();
        let stored = Stored::default();
        driver.whole_body(Blob::stored(BlobId::random(), 9, Arc::new(stored.clone())).into());
        let_run_for(&mut driver, Duration::from_secs(5)).await;
        assert_eq!(stored.0.load(Ordering::Relaxed), 0);
    }
}
