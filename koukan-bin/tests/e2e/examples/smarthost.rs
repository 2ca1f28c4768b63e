//! Mail from a machine's programs, through a provider that requires a password.

use crate::{auth, client::Client, collector::Collector};

use super::Example;

const FILE: &str = include_str!("../../../../config/examples/smarthost.yaml");

#[test]
fn a_machines_mail_goes_to_its_provider_as_its_user() {
    let world = Collector::start();
    let provider = auth::Agent::start(world.address);
    let mut machine = Example::new();
    machine.write("password", "pen cil\n");
    let host = format!("localhost:{}", provider.address.port());
    let ca = provider.directory.path().join("ca.pem");
    machine.start(
        FILE,
        &[
            ("smtp.provider.example:587", host),
            (
                "tls: verified",
                format!("tls: verified\n        ca_file: {}", ca.display()),
            ),
        ],
    );
    let mut program = Client::connect(machine.smtp).unwrap();
    let message = "Subject: hi\r\n\r\nhello\r\n";
    let sent = program.send("alice@example.com", &["bob@example.org"], message);
    assert!(sent.unwrap().is_accepted());
    let received = world.only_message("bob@example.org");
    // The provider has accepted it from a user, over TLS.
    assert!(received.contains("with ESMTPSA"), "{received}");
    assert!(received.ends_with(message), "{received}");
}
