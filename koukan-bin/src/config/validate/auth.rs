//! Checks users and their passwords.

use std::path::PathBuf;

use axum::http::Uri;
use koukan_core::{files, signals::HostPort};
use koukan_smtp::sasl::scram::Entries;

use super::{Check, rest::is_in_the_clear};
use crate::{
    config::{
        ClientAuth, Endpoint, HttpAuth, ListenerAuth, Place, Policy, Smtp, SmtpListener, TlsLevel,
    },
    registry::Registry,
};

impl Check<'_> {
    /// Checks that users can authenticate, and that nobody can read their passwords.
    pub(super) fn auth(&mut self, registry: &Registry) {
        let config = self.config;
        for listener in &config.smtp_listener {
            if let Some(auth) = &listener.auth {
                self.known_users(listener, auth, registry.has_authenticator());
                self.privacy(listener, auth);
                self.future_release(listener, auth);
            }
        }
        for chain in &config.chain {
            if let Endpoint::Smtp(smtp) = &chain.endpoint
                && let Some(auth) = &smtp.auth
            {
                self.login(smtp, auth);
            }
        }
    }

    /// Checks that held messages are kept: their senders are promised that they are sent in time.
    fn future_release(&mut self, listener: &SmtpListener, auth: &ListenerAuth) {
        let Some(place) = auth.future_release.as_ref().filter(|place| place.value) else {
            return;
        };
        let users = auth.principal().unwrap_or_else(|| listener.principal());
        let chain = self.config.chain_of(&users.to_sender());
        let takes = chain.is_none_or(|chain| match &chain.endpoint {
            Endpoint::Exploder(exploder) => exploder.policy == Policy::Submission,
            _ => false,
        });
        if !takes {
            let message =
                "users cannot have messages sent later: nothing takes them into the queue"
                    .to_owned();
            let help =
                "have their chain end in `exploder: { policy: submission, … }`, or leave this out";
            self.wrong(place, message, Some(help.into()));
        }
    }

    /// Checks that either a password or a token can be read.
    pub(super) fn secret(&mut self, auth: &ClientAuth) {
        let both = auth.password_file.is_some() && auth.token_file.is_some();
        match auth.file() {
            Some(file) if !both => self.file(Some(file), "secret"),
            _ => {
                let message = "either a password or a token shows who this agent is".to_owned();
                let help = "name one file: `password_file` or `token_file`";
                self.wrong(&auth.user, message, Some(help.into()));
            }
        }
    }

    fn login(&mut self, smtp: &Smtp, auth: &ClientAuth) {
        self.secret(auth);
        if smtp.host.is_empty() {
            let message = "to hosts that others name it is not said who this agent is".to_owned();
            let help = "name the server: `host: [\"smtp.example.com:587\"]`, or leave `auth` out";
            self.wrong(&auth.user, message, Some(help.into()));
        }
        let mut hosts = smtp.host.iter().filter_map(|host| host.value.parse().ok());
        let is_without_tls = hosts.any(|host: HostPort| {
            let (level, _) = smtp.tls_with(self.config.rule_of(&host));
            level == TlsLevel::Never
        });
        if is_without_tls && !auth.clear {
            let message = "without TLS it is not said who this agent is".to_owned();
            let help = "set `tls: verified`; only a server on this host needs no TLS";
            self.odd(&auth.user, message, help);
        }
    }

    /// Checks that something identifies users: a file, an HTTP server, or certificates.
    fn known_users(&mut self, listener: &SmtpListener, auth: &ListenerAuth, is_own: bool) {
        let has_certificates = listener
            .tls
            .as_ref()
            .is_some_and(|tls| tls.client_ca.is_some());
        match (&auth.password_file, &auth.http) {
            (Some(file), None) => self.password_file(file),
            (None, Some(http)) => self.http_users(http),
            (Some(_), Some(http)) => {
                let message = "either a file or an HTTP server knows the users".to_owned();
                let help = "leave `http` or `password_file` out";
                self.wrong(&http.url, message, Some(help.into()));
            }
            (None, None) if has_certificates || is_own => {}
            (None, None) => {
                let message = "nobody knows the users who may authenticate themselves".to_owned();
                let help = "name a `password_file`, or an `http` server, or `client_ca` in `tls`";
                self.wrong(&listener.address, message, Some(help.into()));
            }
        }
    }

    fn http_users(&mut self, http: &HttpAuth) {
        let url: Result<Uri, _> = http.url.value.parse();
        let url = url.ok().filter(|url| url.authority().is_some());
        let scheme = url.as_ref().and_then(Uri::scheme_str);
        match scheme {
            Some("http" | "https") if !is_in_the_clear(&http.url.value) => {}
            Some("http" | "https") => {
                let message =
                    "passwords cross the network in clear, for everybody to read".to_owned();
                self.wrong(&http.url, message, Some("begin it with `https:`".into()));
            }
            _ => {
                let message = "this is no URL of an HTTP server".to_owned();
                let help = "write it as in `https://users.example.com/check`";
                self.wrong(&http.url, message, Some(help.into()));
            }
        }
        self.file(http.token_file.as_ref(), "token");
        self.file(http.ca_file.as_ref(), "certificate");
    }

    fn password_file(&mut self, file: &Place<PathBuf>) {
        let shown = file.value.display();
        let entries = match files::read_to_string(&file.value) {
            Ok(text) => text.parse::<Entries>(),
            Err(error) => {
                let message = format!("cannot read {shown}: {error}");
                let help =
                    "name a file with a line for each user, as `koukan passwd USER` prints it";
                return self.wrong(file, message, Some(help.into()));
            }
        };
        match entries {
            Err(error) => {
                let message = format!("{shown}: {error}");
                let help = "put a line there for each user, as `koukan passwd USER` prints it";
                self.wrong(file, message, Some(help.into()));
            }
            Ok(entries) if entries.is_empty() => {
                let message = format!("there is no user in {shown}");
                self.odd(file, message, "`koukan passwd USER` prints a line for one");
            }
            Ok(_) => {}
        }
    }

    fn privacy(&mut self, listener: &SmtpListener, auth: &ListenerAuth) {
        let is_here = listener.address.value.is_here();
        if listener.address.value.unix().is_some() && listener.tls.is_none() && !auth.is_clear() {
            let message = "who connects to a Unix socket has no address, and may not say who he is without TLS";
            let help = "say `clear: true`: what is said there crosses no network";
            self.wrong(&listener.address, message.into(), Some(help.into()));
        }
        match &auth.clear {
            Some(clear) if clear.value && !is_here => {
                let message =
                    "passwords cross the network in clear, for everybody to read".to_owned();
                self.odd(
                    clear,
                    message,
                    "give the listener `tls`, and leave this out",
                );
            }
            _ if !is_here && listener.tls.is_none() && !auth.is_clear() => {
                let message = "nobody elsewhere can say who he is: there is no TLS".to_owned();
                let help = "give the listener `tls: { certificate: [ { file: …, key: … } ] }`";
                match (&auth.password_file, &auth.http) {
                    (Some(file), _) => self.wrong(file, message, Some(help.into())),
                    (None, Some(http)) => self.wrong(&http.url, message, Some(help.into())),
                    (None, None) => {}
                }
            }
            _ => {}
        }
        if let (None, Some(tag)) = (&auth.sender, &auth.tag) {
            let message = "a tag is of use with its sender only".to_owned();
            self.wrong(tag, message, Some("name the `sender` of users, too".into()));
        }
    }
}
