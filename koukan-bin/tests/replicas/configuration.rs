//! The configurations of routers and gateways.

use std::{net::SocketAddr, path::Path};

use crate::plan::TERM;

/// The tokens of each party.
pub(crate) struct Tokens {
    /// The token of gateways, for routers.
    pub(crate) gateways: Token,
    /// The token of routers, for gateways.
    pub(crate) routers: Token,
    /// The token of an application.
    pub(crate) shop: Token,
}

pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) sha256: String,
}

impl Token {
    fn new() -> Self {
        let (text, sha256) = koukan_rest::auth::generate_token();
        Self { text, sha256 }
    }
}

impl Tokens {
    pub(crate) fn new() -> Self {
        let [gateways, routers, shop] = [(); 3].map(|()| Token::new());
        Self {
            gateways,
            routers,
            shop,
        }
    }
}

/// The addresses and paths of the other parts.
pub(crate) struct Places<'a> {
    pub(crate) tokens: &'a Tokens,
    /// The directory of the files with tokens.
    pub(crate) files: &'a Path,
    /// The fronts of all routers, and of all gateways.
    pub(crate) routers: SocketAddr,
    pub(crate) gateways: SocketAddr,
    pub(crate) sink: SocketAddr,
}

/// A router with the name by which its front knows it. The host name is another one in each run,
/// and is in everything that it sends.
pub(crate) fn router(
    places: &Places<'_>,
    name: &str,
    run: u32,
    database: &str,
    rest: SocketAddr,
) -> String {
    let Places {
        tokens,
        files,
        routers,
        gateways,
        sink,
    } = places;
    format!(
        r#"
hostname: {name}-run-{run}.example
storage:
  postgres: {{ url: "{database}", session_term: {term}s, connections: 9 }}
  events: {{}}
notification: {{ sender: outgoing }}
rest_listener:
  - address: "{rest}"
    base_url: "http://{routers}/{name}"
    token:
      - {{ name: gateways, sha256: "{gateway_token}", trusted: true }}
      - {{ name: shop, sha256: "{shop_token}", sender: [shop] }}
sender:
  - {{ name: submission, chain: submission, rest: {{}} }}
  - {{ name: shop, chain: outgoing, rest: {{}} }}
  - {{ name: outgoing, chain: outgoing }}
chain:
  - name: submission
    filter: []
    endpoint:
      exploder: {{ policy: submission, sender: outgoing, rcpt_timeout: 500ms, final_timeout: 500ms }}
  - name: outgoing
    filter:
      - received_header
      - router: {{ rules: [ {{ static_hosts: ["{sink}"] }} ] }}
    endpoint:
      rest:
        url: "http://{gateways}"
        sender: output
        filter_output: true
        token_file: "{files}/routers"
retry: {{ min_attempt_time: 500ms, max_attempt_time: 2s }}
log: {{ level: info }}
"#,
        term = TERM.as_secs(),
        gateway_token = tokens.gateways.sha256,
        shop_token = tokens.shop.sha256,
        files = files.display(),
    )
}

/// A gateway with that name.
pub(crate) fn gateway(
    places: &Places<'_>,
    name: &str,
    run: u32,
    smtp: SocketAddr,
    rest: SocketAddr,
) -> String {
    let Places {
        tokens,
        files,
        routers,
        gateways,
        ..
    } = places;
    format!(
        r#"
hostname: {name}-run-{run}.example
smtp_listener:
  - {{ address: "{smtp}", sender: submission, proxy_networks: ["127.0.0.0/8"] }}
rest_listener:
  - address: "{rest}"
    base_url: "http://{gateways}/{name}"
    token: [ {{ name: routers, sha256: "{token}", trusted: true }} ]
sender:
  - {{ name: submission, chain: router }}
  - {{ name: output, chain: output, rest: {{ gateway: true }} }}
chain:
  - name: router
    endpoint:
      rest: {{ url: "http://{routers}", filter_output: true, token_file: "{files}/gateways" }}
  - name: output
    endpoint: {{ smtp: {{ allow_networks: ["127.0.0.0/8"] }} }}
log: {{ level: info }}
"#,
        token = tokens.routers.sha256,
        files = files.display(),
    )
}
