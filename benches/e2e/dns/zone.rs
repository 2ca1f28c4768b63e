//! The records of a DNS server.

use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
};

pub(super) const A: u16 = 1;
pub(super) const MX: u16 = 15;
pub(super) const TXT: u16 = 16;

/// Records, by name and type.
#[derive(Debug, Default)]
pub(crate) struct Zone {
    records: HashMap<(String, u16), Vec<Vec<u8>>>,
    names: HashSet<String>,
}

impl Zone {
    /// The same zone with an address of a host.
    pub(crate) fn with_address(self, name: &str, address: Ipv4Addr) -> Self {
        self.with(name, A, address.octets().to_vec())
    }

    /// The same zone with a host that takes mail for a domain.
    pub(crate) fn with_mail_host(self, domain: &str, host: &str) -> Self {
        let preference = 10_u16.to_be_bytes().to_vec();
        self.with(domain, MX, [preference, labels(host)].concat())
    }

    /// The same zone with an ASCII text.
    pub(crate) fn with_text(self, name: &str, text: &str) -> Self {
        let pieces = text.as_bytes().chunks(255);
        let pieces = pieces.flat_map(|piece| [&[piece.len() as u8], piece].concat());
        self.with(name, TXT, pieces.collect())
    }

    fn with(mut self, name: &str, kind: u16, data: Vec<u8>) -> Self {
        self.names.insert(name.to_owned());
        let records = self.records.entry((name.to_owned(), kind));
        records.or_default().push(data);
        self
    }

    /// The records of a name in lower case; `None` if the name does not exist.
    pub(super) fn records(&self, name: &str, kind: u16) -> Option<&[Vec<u8>]> {
        self.names.contains(name).then(|| {
            let records = self.records.get(&(name.to_owned(), kind));
            records.map(Vec::as_slice).unwrap_or_default()
        })
    }
}

/// A name in the wire format.
fn labels(name: &str) -> Vec<u8> {
    let labels = name.split('.');
    let labels = labels.map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    let mut octets: Vec<u8> = labels.flatten().collect();
    octets.push(0);
    octets
}
