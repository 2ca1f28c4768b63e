//! The program `koukan`, with a rule of your own for the filter `router`: it spreads users over
//! hosts by their names.
//!
//! ```yaml
//! chain:
//!   - name: outgoing
//!     filter:
//!       - router: { rules: [{ spread: { hosts: ["a.example:25", "b.example:25"] } }] }
//!     endpoint: { smtp: {} }
//! ```
//!
//! ```sh
//! cargo run -p koukan-examples --example own_rule -- check koukan.yaml
//! ```

use std::process::ExitCode;

use koukan::Koukan;
use koukan_core::{
    filter::router::{Decision, Policy},
    path::ForwardPath,
    signals::{Destination, HostPort},
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    hosts: Vec<String>,
}

/// Each user always has the same one of these hosts.
#[derive(Debug)]
struct Spread(Vec<HostPort>);

impl Policy for Spread {
    fn decide(&self, recipient: &ForwardPath) -> Decision {
        let letters = recipient.as_str().to_ascii_lowercase();
        let sum: usize = letters.bytes().map(usize::from).sum();
        let host = self.0[sum % self.0.len()].clone();
        Decision::Route(Destination::of_operator([host]))
    }
}

fn spread(config: Config) -> Result<Spread, String> {
    if config.hosts.is_empty() {
        return Err("`hosts` has none".into());
    }
    let hosts = config.hosts.iter();
    let hosts = hosts.map(|host| host.parse().map_err(|error| format!("`{host}` is {error}")));
    hosts.collect::<Result<_, _>>().map(Spread)
}

fn main() -> ExitCode {
    let agent = Koukan::builder().router_rule("spread", |config, _| spread(config));
    agent.main()
}
