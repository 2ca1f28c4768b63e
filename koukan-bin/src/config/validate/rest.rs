//! Checks of the REST API's configuration.

use super::Check;
use crate::config::Place;

impl Check<'_> {
    /// A URL that an HTTP client can connect to.
    pub(super) fn url(&mut self, url: &Place<String>) {
        let rest = ["http://", "https://"].map(|scheme| url.value.strip_prefix(scheme));
        let authority = rest.into_iter().flatten().next();
        let is_fine = authority.is_some_and(|rest| {
            !rest.is_empty()
                && !rest.starts_with(['/', ':'])
                && !rest.contains([' ', '?', '#', '@'])
        });
        if !is_fine {
            let message = format!("`{}` is not a URL", url.value);
            let help = "give one as in `http://127.0.0.1:8000`";
            self.wrong(url, message, Some(help.into()));
        }
    }

    /// Tokens, and whether they are needed.
    pub(super) fn rest_listeners(&mut self) {
        let config = self.config;
        for listener in &config.rest_listener {
            let address = &listener.address;
            if listener.api && listener.token.is_empty() && !address.value.ip().is_loopback() {
                let message = format!("everybody could send mail by {}", address.value);
                let help = "add a `token`, listen on 127.0.0.1, or say `api: false`";
                self.wrong(address, message, Some(help.into()));
            }
            let names = listener.token.iter().map(|token| &token.name);
            self.unique("token", names);
            for token in &listener.token {
                let hex = &token.sha256;
                let is_hex = hex.value.bytes().all(|octet| octet.is_ascii_hexdigit());
                if !is_hex || hex.value.len() != 64 {
                    let message = "not a SHA-256 hash: 64 hexadecimal digits are expected";
                    let help = "`koukan token` makes a token and its hash";
                    self.wrong(hex, message.into(), Some(help.into()));
                }
                for sender in token.sender.iter().flatten() {
                    let mut known = config.sender.iter().map(|sender| &*sender.name.value);
                    if !known.clone().any(|name| name == sender.value) {
                        self.unknown("sender", sender, &mut known);
                        continue;
                    }
                    let mut senders = config.sender.iter();
                    if senders.any(|one| one.name.value == sender.value && one.rest.is_none()) {
                        let message = format!("sender `{}` may not use the REST API", sender.value);
                        let help = "give that sender `rest: {}`, or leave it out here";
                        self.wrong(sender, message, Some(help.into()));
                    }
                }
            }
        }
    }
}
