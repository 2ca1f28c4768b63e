//! The client's identity for single hosts.

use koukan_core::{
    service::MailService,
    signals::{Destination, HostPort, NamedBy},
    transaction::Transaction,
};
use koukan_smtp::client::{ClientSettings, Guard, HostIdentities, HostIdentity, Login};
use tower::ServiceExt;

use super::{
    exchanges::ONE_BY_ONE,
    net::{Net, Next},
    sending::{hello, send},
};

const SENT: [&str; 3] = ["250 sender", "250 b", "250 queued"];

fn named(endpoint: impl MailService, host: &str, named_by: NamedBy) -> impl MailService {
    let hosts = vec![host.parse::<HostPort>().unwrap()];
    let destination = Destination { hosts, named_by };
    endpoint.map_request(move |tx: Transaction| {
        tx.signals.set(destination.clone()).unwrap();
        tx
    })
}

/// Accepts this response to AUTH PLAIN, and one message.
fn taking(response: &str) -> String {
    let auth = format!("C: AUTH PLAIN {response}\nS: 235 2.7.0 yes\n");
    hello("AUTH_PLAIN") + &auth + ONE_BY_ONE
}

/// The client is Alice to one host, and Bob to another.
fn settings() -> ClientSettings {
    let mut identities = HostIdentities::default();
    for (host, user, password) in [
        ("192.0.2.1:587", "alice", "open sesame"),
        ("192.0.2.2:587", "bob", "another"),
    ] {
        let login = Login::with_password(user, password).in_clear();
        let identity = HostIdentity::default().with_login(login);
        identities.set(&host.parse().unwrap(), identity);
    }
    let settings = ClientSettings::new("me.example").unwrap();
    settings.with_identities(identities)
}

#[tokio::test(start_paused = true)]
async fn each_host_is_told_what_is_for_it() {
    let net = Net::with([
        Next::Script(taking("AGFsaWNlAG9wZW4gc2VzYW1l")),
        Next::Script(taking("AGJvYgBhbm90aGVy")),
        Next::Script(hello("AUTH_PLAIN") + ONE_BY_ONE),
    ]);
    let endpoint = net.endpoint_of(settings());
    for host in ["192.0.2.1:587", "192.0.2.2:587", "192.0.2.3:587"] {
        let service = named(endpoint.clone(), host, NamedBy::Operator);
        assert_eq!(send(&service, &["b"], "hi\r\n").await, SENT, "{host}");
    }
    assert_eq!(
        net.addresses(),
        ["192.0.2.1:587", "192.0.2.2:587", "192.0.2.3:587"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_for_all_hosts_is_said_to_the_others() {
    let net = Net::with([
        Next::Script(
            hello("AUTH_PLAIN")
                + "C: AUTH PLAIN AGFsaWNlAG9wZW4gc2VzYW1l\nS: 235 yes\n"
                + "C: MAIL FROM:<a@me.example>\nS: 421 4.3.2 later\n",
        ),
        Next::Script(taking("AGNhcm9sAGdlbmVyYWw=")),
    ]);
    let hosts = ["192.0.2.1:587", "192.0.2.4:587"].map(|host| host.parse().unwrap());
    let general = Login::with_password("carol", "general").in_clear();
    let endpoint = net.endpoint_of(settings().with_hosts(hosts).with_login(general));
    assert_eq!(send(&endpoint, &["b"], "hi\r\n").await, SENT);
}

/// The owner of a domain names its host, and must not make the client log in there.
#[tokio::test(start_paused = true)]
async fn a_host_is_told_nothing_where_others_name_it() {
    let in_our_name = taking("AGFsaWNlAG9wZW4gc2VzYW1l");
    let net = Net::with([
        Next::Script(in_our_name.clone() + "C: QUIT\nS: 221 bye\n"),
        Next::Script(hello("AUTH_PLAIN") + ONE_BY_ONE + ONE_BY_ONE + "C: QUIT\nS: 221 bye\n"),
        Next::Script(in_our_name),
    ]);
    let everything = ["0.0.0.0/0".parse().unwrap()];
    let guard = Guard::new().with_allowed(everything);
    let endpoint = net.endpoint_of(settings().with_guard(guard));
    // A kept connection is used only by transactions that could have opened it.
    for named_by in [
        NamedBy::Operator,
        NamedBy::Other,
        NamedBy::Other,
        NamedBy::Operator,
    ] {
        let service = named(endpoint.clone(), "192.0.2.1:587", named_by);
        assert_eq!(send(&service, &["b"], "hi\r\n").await, SENT, "{named_by:?}");
    }
    assert_eq!(net.addresses().len(), 3);
    endpoint.close().await;
    net.done().await;
}
