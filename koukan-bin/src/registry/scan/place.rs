//! Where a scanner is, and the TLS to use with it.

use koukan_core::{causes::Causes, files, tls::ClientTls};
use koukan_scan::server::{Address, Server};

use super::{Config, InvalidFilter, at};

impl Config {
    pub(super) fn without_tls(self) -> Result<Self, InvalidFilter> {
        match self.tls {
            Some(true) => Err(at(
                "clamd speaks no TLS: have it on this host, or in a network of your own",
                "tls",
            )),
            _ => Ok(self),
        }
    }

    /// The TLS to use with the scanner, if any.
    pub(super) fn client_tls(&self) -> Result<Option<ClientTls>, InvalidFilter> {
        if self.tls != Some(true) {
            for (key, is_there) in [
                ("ca_file", self.ca_file.is_some()),
                ("tls_name", self.tls_name.is_some()),
            ] {
                if is_there {
                    let text = format!(
                        "without TLS that means nothing: set `tls: true`, or leave `{key}` out"
                    );
                    return Err(at(text, key));
                }
            }
            return Ok(None);
        }
        let client = match &self.ca_file {
            None => ClientTls::verified(),
            Some(file) => {
                let pem = files::read(file).map_err(|error| {
                    at(
                        format!("cannot read {}: {error}", file.display()),
                        "ca_file",
                    )
                })?;
                ClientTls::verified_by(&pem)
            }
        };
        let client = client.map_err(|error| at(Causes(&error).to_string(), "ca_file"))?;
        Ok(Some(client))
    }

    /// The addresses of the scanner.
    pub(super) fn server(&self) -> Result<Server, InvalidFilter> {
        let none = "the scanner is nowhere: add an address";
        let addresses = self.address.clone().all("address", none)?;
        let (mut server, mut known) = (None::<Server>, Vec::new());
        for (text, place) in addresses {
            let wrong = |message| InvalidFilter {
                message,
                at: place.clone(),
            };
            let address = text.parse::<Address>();
            let address = address.map_err(|error| wrong(format!("`{text}` is {error}")))?;
            if known.contains(&address) {
                return Err(wrong(format!("`{text}` is there twice")));
            }
            known.push(address.clone());
            server = Some(match server {
                None => Server::new(address),
                Some(server) => server.or(address),
            });
        }
        if known.len() < 2 && self.next_after.is_some() {
            let text = "there is no next address: add one to `address`, or leave `next_after` out";
            return Err(at(text, "next_after"));
        }
        server.ok_or_else(|| at(none, "address"))
    }
}
