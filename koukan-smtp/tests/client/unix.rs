//! Servers at Unix sockets.

use koukan_core::reply::RemoteMta;
use koukan_smtp::{
    Protocol,
    client::{ClientSettings, Guard, Login, SmtpEndpoint},
};

use super::{
    exchanges::ONE_BY_ONE,
    guard::to,
    net::{Net, Next},
    sending::{hello, send, start},
};

const HOST: &str = "unix:/run/Dovecot/lmtp";

fn endpoint(net: &Net, change: impl FnOnce(ClientSettings) -> ClientSettings) -> SmtpEndpoint {
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_hosts([HOST.parse().unwrap()]);
    net.endpoint_of(change(settings))
}

#[tokio::test(start_paused = true)]
async fn mailboxes_are_reached_and_their_connection_is_kept() {
    let script = hello("").replace("C: EHLO", "C: LHLO") + ONE_BY_ONE + ONE_BY_ONE;
    let net = Net::with([Next::Script(script)]);
    let endpoint = endpoint(&net, |settings| settings.with_protocol(Protocol::Lmtp));
    for _ in 0..2 {
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies, ["250 sender", "250 b", "250 queued"]);
    }
    assert_eq!(net.addresses(), [HOST]);
}

#[tokio::test(start_paused = true)]
async fn replies_name_the_path_and_carry_the_address() {
    let net = Net::with([Next::Refused]);
    let endpoint = endpoint(&net, |settings| settings);
    let refused = format!("451 4.4.1 could not connect to {HOST}");
    assert_eq!(send(&endpoint, &["b"], "hi\r\n").await, [&*refused; 3]);

    let script = hello("") + "C: MAIL FROM:<a@me.example>\nS: 550 5.7.1 no\n";
    let net = Net::with([Next::Script(script)]);
    let endpoint = self::endpoint(&net, |settings| settings);
    let (mut driver, pending) = start(&endpoint);
    let reply = driver.wait(pending).await;
    let remote = reply.extensions().get::<RemoteMta>().unwrap();
    assert_eq!((&*remote.host, &*remote.address.to_string()), (HOST, HOST));
    assert_eq!(remote.host_port(), HOST.parse().unwrap());
}

/// It does not cross a network.
#[tokio::test(start_paused = true)]
async fn a_password_is_told_without_tls() {
    let script = hello("AUTH_PLAIN")
        + "C: AUTH PLAIN AGFsaWNlAG9wZW4gc2VzYW1l\nS: 235 2.7.0 yes\n"
        + ONE_BY_ONE;
    let net = Net::with([Next::Script(script)]);
    let login = Login::with_password("alice", "open sesame");
    let endpoint = endpoint(&net, |settings| settings.with_login(login));
    let replies = send(&endpoint, &["b"], "hi\r\n").await;
    assert_eq!(replies, ["250 sender", "250 b", "250 queued"]);
}

/// Whatever is allowed besides: who names a host must not reach what only processes of this host can.
#[tokio::test(start_paused = true)]
async fn nobody_but_the_operator_names_one() {
    let net = Net::default();
    let everything = ["0.0.0.0/0", "::/0"].map(|network| network.parse().unwrap());
    let settings = ClientSettings::new("me.example").unwrap();
    let settings = settings.with_guard(Guard::new().with_allowed(everything));
    let service = to(net.endpoint_of(settings), &[HOST]);
    let refused = format!("550 5.7.1 mail to {HOST} is not allowed");
    assert_eq!(send(&service, &["b"], "hi\r\n").await, [&*refused; 3]);
    assert!(net.addresses().is_empty());
}
