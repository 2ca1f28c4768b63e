//! Checks the configuration of the REST API.

use std::net::IpAddr;

use axum::http::Uri;
use koukan_core::path::Domain;
use koukan_rest::client::is_server_url;

use super::Check;
use crate::config::{Endpoint, Place, RestListener, Token, session_url::resolved};

impl Check<'_> {
    /// Checks that an HTTP client can be made for a URL.
    pub(super) fn url(&mut self, url: &Place<String>) {
        if !is_server_url(&url.value) {
            let message = format!("`{}` is not a URL of a server", url.value.escape_debug());
            let help = "give one as in `http://127.0.0.1:8000`";
            self.wrong(url, message, Some(help.into()));
        }
    }

    /// Checks who may use each listener, and its names.
    pub(super) fn rest_listeners(&mut self) {
        let config = self.config;
        for listener in &config.rest_listener {
            let address = &listener.address;
            if listener.api && listener.token.is_empty() && !address.value.is_here() {
                let message = format!("everybody could send mail by {}", address.value);
                let help = "add a `token`, listen on 127.0.0.1, or say `api: false`";
                self.wrong(address, message, Some(help.into()));
            }
            self.listener_names(listener);
        }
        self.session_url();
        self.session_proxies();
    }

    /// Checks the URL at which other replicas reach this one.
    fn session_url(&mut self) {
        let config = self.config;
        let listeners = config.rest_listener.iter();
        let all = listeners.filter_map(|listener| Some((listener, listener.session_url.as_ref()?)));
        for (index, (listener, url)) in all.enumerate() {
            // Whatever the value of the environment variable is.
            let shown = resolved(&url.value, |_| Some("192.0.2.1".to_owned()));
            if let Ok(shown) = shown.as_ref()
                && is_server_url(shown)
            {
                self.way_to_listener(listener, url, shown);
            } else {
                let message = format!("`{}` is not a URL of a server", url.value.escape_debug());
                let help = "give one as in `http://10.1.2.3:8000`, or `http://{POD_IP}:8000`";
                self.wrong(url, message, Some(help.into()));
            }
            if index > 0 {
                let message = "other replicas reach this one by one listener alone".to_owned();
                self.wrong(
                    url,
                    message,
                    Some("leave all but one `session_url` out".into()),
                );
            }
            self.grants_of_others(listener, url);
            if !listener.api {
                let message =
                    "other replicas ask here for transactions, which are not served".to_owned();
                let help = "leave `session_url` out, or say `api: true`";
                self.wrong(url, message, Some(help.into()));
            }
            let is_shared = config.storage.postgres.as_ref().is_some_and(|it| !it.alone);
            if !is_shared && (config.storage.sqlite.is_some() || config.storage.postgres.is_some())
            {
                let message =
                    "there are no other replicas: the database is this agent's alone".to_owned();
                self.odd(
                    url,
                    message,
                    "leave `session_url` out, or use `storage: { postgres: … }`",
                );
            }
        }
    }

    /// Checks that all listeners grant the same: a request at any listener about what another
    /// replica has is answered as at the listener by which replicas reach each other.
    fn grants_of_others(&mut self, reached: &RestListener, url: &Place<String>) {
        let config = self.config;
        let others = config.rest_listener.iter();
        for other in others.filter(|other| other.api && !std::ptr::eq(*other, reached)) {
            let is_bare = |listener: &RestListener| listener.token.is_empty();
            let is_believed = |listener: &RestListener| is_bare(listener) && listener.trusted;
            let at = &other.address.value;
            if is_bare(reached) && (!is_bare(other) || is_believed(reached) && !is_believed(other))
            {
                let message = format!(
                    "whoever asks at {at} may do with what another replica has whatever this listener grants \
                     everybody"
                );
                let help = "give both listeners the same `token` and `trusted`";
                self.wrong(url, message, Some(help.into()));
                continue;
            }
            let is_known = |token: &Token| {
                let mut known = reached.token.iter();
                known.any(|known| known.sha256.value.eq_ignore_ascii_case(&token.sha256.value))
            };
            if !is_bare(reached) && (is_bare(other) || !other.token.iter().all(is_known)) {
                let message = format!(
                    "who asks at {at} for what another replica has may be refused there: replicas ask by this \
                     listener, which does not know each token"
                );
                self.odd(url, message, "give both listeners the same `token`");
            }
        }
    }

    /// Checks that no token is sent over the network in clear.
    pub(super) fn secrets(&mut self) {
        let config = self.config;
        for chain in &config.chain {
            if let Endpoint::Rest(rest) = &chain.endpoint
                && let Some(token) = &rest.token_file
                && is_in_the_clear(&rest.url.value)
            {
                let message = format!(
                    "the token goes to {} in the clear: whoever is between can read and use it",
                    rest.url.value
                );
                let help = "give the `url` with `https://`, or reach the server by 127.0.0.1";
                self.odd(token, message, help);
            }
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

/// Whether a request to a URL is not encrypted and leaves this machine.
pub(crate) fn is_in_the_clear(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => bare == "localhost" || bare.ends_with(".localhost"),
    };
    uri.scheme_str() == Some("http") && !is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_the_clear() {
        for (url, expected) in [
            ("http://app.example.com", true),
            ("HTTP://192.0.2.1:8000", true),
            ("http://[2001:db8::1]:8000", true),
            ("https://app.example.com", false),
            ("http://127.0.0.1:8000", false),
            ("http://127.9.9.9", false),
            ("http://[::1]:8000", false),
            ("http://LOCALHOST:8000", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_in_the_clear(url), expected, "{url}");
        }
    }
}
