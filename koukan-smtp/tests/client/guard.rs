//! Where connections may lead if somebody other than the operator names the host.

use koukan_core::{
    service::MailService,
    signals::{Destination, HostPort},
    transaction::Transaction,
};
use koukan_smtp::client::{ClientSettings, Guard, OwnAddresses, SmtpEndpoint};
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::{
    exchanges::ONE_BY_ONE,
    net::{Net, Next},
    sending::{hello, send},
};

/// Sends to hosts that somebody other than the operator names.
pub(crate) fn to(endpoint: impl MailService, hosts: &[&str]) -> impl MailService {
    let hosts: Vec<HostPort> = hosts.iter().map(|host| host.parse().unwrap()).collect();
    endpoint.map_request(move |tx: Transaction| {
        tx.signals
            .set(Destination::of_other(hosts.clone()))
            .unwrap();
        tx
    })
}

fn endpoint(net: &Net, guard: Guard) -> SmtpEndpoint {
    let settings = ClientSettings::new("me.example").unwrap().with_guard(guard);
    net.endpoint_of(settings)
}

fn allowing(network: &str) -> Guard {
    Guard::new().with_allowed([network.parse().unwrap()])
}

#[tokio::test(start_paused = true)]
async fn special_addresses_are_not_connected_to() {
    for host in [
        "127.0.0.1:25",
        "[::1]:25",
        "[::ffff:127.0.0.1]:25",
        "169.254.169.254:80",
        "0.0.0.0:25",
        "local.example:25",
    ] {
        let net = Net::default();
        let service = to(endpoint(&net, Guard::new()), &[host]);
        let not_allowed = format!("550 5.7.1 mail to {host} is not allowed");
        assert_eq!(send(&service, &["b"], "hi\r\n").await, [&*not_allowed; 3]);
        assert!(net.addresses().is_empty(), "{host}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_addresses_and_hosts_are_tried() {
    for hosts in [
        &["mixed.example:25"][..],
        &["local.example:25", "192.0.2.2:25"],
    ] {
        let net = Net::new([hello("") + ONE_BY_ONE]);
        let service = to(endpoint(&net, Guard::new()), hosts);
        let replies = send(&service, &["b"], "hi\r\n").await;
        assert_eq!(replies[2], "250 queued");
        assert_eq!(net.addresses(), ["192.0.2.2:25"]);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_an_address_that_is_free_is_what_is_told() {
    for hosts in [
        &["mixed.example:25"][..],
        &["192.0.2.2:25", "local.example:25"],
    ] {
        let net = Net::with([Next::Refused]);
        let service = to(endpoint(&net, Guard::new()), hosts);
        let failed = send(&service, &["b"], "hi\r\n").await;
        assert!(failed[2].starts_with("451 4.4.1"), "{failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn networks_that_are_allowed_are_connected_to() {
    let net = Net::new([hello("") + ONE_BY_ONE]);
    let service = to(
        endpoint(&net, allowing("127.0.0.0/8")),
        &["local.example:25"],
    );
    let replies = send(&service, &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn the_operator_may_name_any_host() {
    let net = Net::new([
        "S: 220 me.example\nC: EHLO me.example\nS: 250 me.example\n".to_owned() + ONE_BY_ONE,
    ]);
    let endpoint =
        net.endpoint_with(|settings| settings.with_hosts(["127.0.0.1:25".parse().unwrap()]));
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_eq!(replies[2], "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_of_our_own_name_is_ourselves() {
    for script in [
        "S: 220 ME.example ESMTP\nC: EHLO me.example\nS: 250 mx.example\nC: QUIT\nS: 221 bye",
        "S: 220-me.example.\nS: 220 hi\nC: EHLO me.example\nS: 250 hi\nC: QUIT\nS: 221 bye",
        "S: 220 hi\nC: EHLO me.example\nS: 250-me.example hi\nS: 250 HELP\nC: QUIT\nS: 221 bye",
        "S: 220 hi\nC: EHLO me.example\nS: 500 what\nC: HELO me.example\nS: 250 me.example
         C: QUIT\nS: 221 bye",
    ] {
        let net = Net::new([script]);
        let service = to(endpoint(&net, Guard::new()), &["192.0.2.1:25"]);
        let loops = "554 5.4.6 mail for 192.0.2.1:25 loops back to this host";
        assert_eq!(send(&service, &["b"], "hi\r\n").await, [loops; 3]);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_is_looked_at_as_well() {
    let net = Net::new([hello("") + ONE_BY_ONE]);
    let settings = ClientSettings::new("me.example").unwrap();
    let endpoint = net.endpoint_of(settings);
    let host: HostPort = "local.example:25".parse().unwrap();
    let by_operator = endpoint.clone().map_request({
        let host = host.clone();
        move |tx: Transaction| {
            let destination = Destination::of_operator([host.clone()]);
            tx.signals.set(destination).unwrap();
            tx
        }
    });
    assert_eq!(send(&by_operator, &["b"], "hi\r\n").await[2], "250 queued");
    let replies = send(&to(endpoint, &["local.example:25"]), &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("550 5.7.1"), "{replies:?}");
}

#[tokio::test]
async fn odd_forms_of_addresses_are_seen_through() {
    // This listener must not be reached.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let settings = ClientSettings::new("me.example").unwrap();
    let endpoint = SmtpEndpoint::new(settings);
    for host in [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "localhost",
        "0",
    ] {
        let service = to(endpoint.clone(), &[&format!("{host}:{port}")]);
        let replies = send(&service, &["b"], "hi\r\n").await;
        assert!(replies[2].starts_with("550 5.7.1"), "{host}: {replies:?}");
    }
    tokio::select! {
        biased;
        _ = listener.accept() => panic!("somebody connected"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test]
async fn an_address_of_our_own_loops_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let own = OwnAddresses::default();
    own.set([address]);
    let guard = allowing("127.0.0.0/8").with_own(own);
    let settings = ClientSettings::new("me.example").unwrap().with_guard(guard);
    let service = to(SmtpEndpoint::new(settings), &[&address.to_string()]);
    let replies = send(&service, &["b"], "hi\r\n").await;
    assert!(replies[2].starts_with("554 5.4.6"), "{replies:?}");
}
