//! Checks of the REST API's configuration.

use std::net::IpAddr;

use koukan_core::path::Domain;
use koukan_rest::client::is_server_url;

use super::Check;
use crate::config::{Place, RestListener};

impl Check<'_> {
    /// A URL that an HTTP client can connect to.
    pub(super) fn url(&mut self, url: &Place<String>) {
        if !is_server_url(&url.value) {
            let message = format!("`{}` is not a URL of a server", url.value.escape_debug());
            let help = "give one as in `http://127.0.0.1:8000`";
            self.wrong(url, message, Some(help.into()));
        }
    }

    /// Who may use each listener, and by which names.
    pub(super) fn rest_listeners(&mut self) {
        let config = self.config;
        for listener in &config.rest_listener {
            let address = &listener.address;
            if listener.api && listener.token.is_empty() && !address.value.ip().is_loopback() {
                let message = format!("everybody could send mail by {}", address.value);
                let help = "add a `token`, listen on 127.0.0.1, or say `api: false`";
                self.wrong(address, message, Some(help.into()));
            }
            self.listener_names(listener);
        }
    }

    fn listener_names(&mut self, listener: &RestListener) {
        if let Some(url) = &listener.base_url {
            self.url(url);
        }
        for host in &listener.host {
            let bare = host
                .value
                .strip_prefix('[')
                .and_then(|h| h.strip_suffix(']'));
            let is_address = bare.unwrap_or(&host.value).parse::<IpAddr>().is_ok();
            if !is_address && Domain::check(&host.value).is_err() {
                let message = format!("`{}` is not the name of a host", host.value.escape_debug());
                let help = "give each name as in `mail.example.com`, without `https://` and port";
                self.wrong(host, message, Some(help.into()));
            }
        }
        for origin in &listener.cors_origin {
            let text = &origin.value;
            let is_origin = is_server_url(text) && text.matches('/').count() == 2;
            if is_origin {
                continue;
            }
            let (message, help) = if text == "*" {
                (
                    "any web page could use the API from its visitors' browsers".to_owned(),
                    "name each origin, as in `https://app.example.com`",
                )
            } else {
                (
                    format!("`{}` is not a web origin", text.escape_debug()),
                    "give one as in `https://app.example.com`, without a path",
                )
            };
            self.wrong(origin, message, Some(help.into()));
        }
    }
}
