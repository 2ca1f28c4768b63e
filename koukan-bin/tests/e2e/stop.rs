//! SIGTERM and SIGINT.

use std::time::Duration;

use crate::{agent::Agent, client::Client, collector::Collector};

#[test]
fn a_signal_stops_the_agent_in_good_order() {
    for signal in ["TERM", "INT"] {
        let sink = Collector::start();
        let mut agent = Agent::start(sink.address);
        let mut client = Client::connect(agent.ingress).unwrap();
        let sent = client.send("a@example.org", &["b@example.com"], "\r\nhello\r\n");
        assert!(sent.unwrap().is_accepted());
        agent.signal(signal);
        let status = agent.wait(Duration::from_secs(20));
        assert!(status.success(), "{signal}: {status}");
        assert!(Client::connect(agent.ingress).is_err());
    }
}
