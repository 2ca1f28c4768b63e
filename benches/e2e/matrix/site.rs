//! What generator, server and sink use.

use std::{net::Ipv4Addr, sync::Arc};

use crate::{
    Failed,
    dns::{Dns, Zone},
    message::{DOMAIN, Shape, domain},
    signature::Signature,
    tls::Identity,
};

use super::case::{Case, Domains};

/// What generator, server and sink use.
#[derive(Debug)]
pub(super) struct Site {
    /// The certificate of all servers.
    pub(super) identity: Identity,
    pub(super) zone: Arc<Zone>,
    /// A DNS server with the zone.
    pub(super) dns: Dns,
    /// The signature for all messages of the case.
    pub(super) signature: Signature,
}

impl Site {
    pub(super) fn new(case: &Case) -> Result<Self, Failed> {
        let signature = Signature::new(&Shape::new(case.size))?;
        let zone = case.domains.map(zone).unwrap_or_default();
        // The domain authorises loopback addresses (SPF), and publishes the key of the signature (DKIM).
        let zone = zone
            .with_text(DOMAIN, "v=spf1 ip4:127.0.0.0/8 -all")
            .with_text(&format!("_dmarc.{DOMAIN}"), "v=DMARC1; p=reject")
            .with_text(&signature.name, &signature.record);
        let zone = Arc::new(zone);
        Ok(Self {
            identity: Identity::make()?,
            dns: Dns::start(Arc::clone(&zone), (Ipv4Addr::LOCALHOST, 0).into())?,
            zone,
            signature,
        })
    }
}

/// Domains with one host each. The hosts have different loopback addresses.
fn zone(domains: Domains) -> Zone {
    let host = |number: u32| format!("mx{number}.hosts.example");
    let zone = (0..domains.count).fold(Zone::default(), |zone, number| {
        let domain = domain(&format!("{number:010}"));
        zone.with_mail_host(&domain, &host(number % domains.hosts))
    });
    (0..domains.hosts).fold(zone, |zone, number| {
        let [_, high, middle, low] = number.to_be_bytes();
        let address = Ipv4Addr::new(127, 64 + high, middle, low);
        zone.with_address(&host(number), address)
    })
}
