//! When the message is read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::stream;
use koukan_core::{
    body::Body,
    signals::{Destination, HostPort, Signals},
    transaction::Driver,
};
use koukan_smtp::client::ClientSettings;
use tokio::time::timeout;

use super::{
    net::{Net, Next},
    sending::{context, mail, rcpt},
};

/// A read that is begun and then not polled may keep what others need, however long connecting
/// takes.
#[tokio::test(start_paused = true)]
async fn nothing_of_the_message_is_asked_for_before_there_is_a_connection() {
    let host: HostPort = "mx.example:25".parse().unwrap();
    for is_routed in [false, true] {
        let net = Net::with([Next::Silent]);
        let settings = ClientSettings::new("me.example").unwrap();
        let signals = Signals::default();
        let settings = if is_routed {
            let hosts = vec![host.clone()];
            assert!(signals.set(Destination::of_operator(hosts)).is_ok());
            settings
        } else {
            settings.with_hosts([host.clone()])
        };
        let endpoint = net.endpoint_of(settings);
        let (mut driver, _mail) = Driver::start_with(endpoint, context(), mail(""), signals);
        let _rcpt = driver.rcpt(rcpt("b")).await;
        driver.data();
        let asked = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&asked);
        driver.whole_body(Body::from_stream(stream::poll_fn(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Poll::Pending
        })));
        let _ = timeout(Duration::from_secs(10), driver.progress()).await;
        assert_eq!(net.addresses().len(), 1);
        assert_eq!(asked.load(Ordering::Relaxed), 0);
    }
}
