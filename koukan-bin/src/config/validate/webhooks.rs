//! Checks webhooks.

use std::{collections::BTreeSet, path::PathBuf};

use axum::http::Uri;
use koukan_core::{causes::Causes, files, storage::record::EventKind};
use koukan_rest::webhook::Secrets;

use super::{Check, rest::is_in_the_clear};
use crate::config::{MailWebhook, Place};

/// The most octets in a URL that is the name of its webhook: PostgreSQL keeps at most 2,704 octets for an entry of an
/// index.
const URL_MAX: usize = 2000;

impl Check<'_> {
    /// Checks that each webhook gets events, can be reached, and has a secret.
    pub(super) fn webhooks(&mut self) {
        let config = self.config;
        let mut names = BTreeSet::new();
        for webhook in &config.webhooks {
            let place = webhook.name.as_ref().unwrap_or(&webhook.url);
            if config.storage.events.is_none() {
                let message = "the webhook is told of nothing: no events are kept";
                let help = "have them kept by `storage: { events: {} }`";
                self.wrong(place, message.into(), Some(help.into()));
            }
            match &webhook.name {
                Some(name) => self.short("name of the webhook", name, &name.value),
                None => self.short_url(&webhook.url),
            }
            if !names.insert(webhook.name()) {
                let message = format!("the webhook `{}` is there twice", webhook.name());
                self.wrong(place, message, Some("give each a `name` of its own".into()));
            }
            self.webhook_url(&webhook.url, "events go");
            self.webhook_secret(&webhook.secret_file);
            for kind in &webhook.events {
                if EventKind::of_word(&kind.value).is_none() {
                    self.unknown("event", kind, EventKind::ALL.map(EventKind::as_str));
                }
            }
            for sender in &webhook.senders {
                let known = || config.sender.iter().map(|known| known.name.value.as_str());
                if !known().any(|known| known == sender.value) {
                    self.unknown("sender", sender, known());
                }
            }
        }
    }

    /// Checks that an endpoint can be reached and has a secret.
    pub(super) fn mail_webhook(&mut self, webhook: &MailWebhook) {
        self.webhook_url(&webhook.url, "mail goes");
        self.webhook_secret(&webhook.secret_file);
    }

    fn webhook_url(&mut self, url: &Place<String>, what_goes: &str) {
        let parsed = url.value.parse::<Uri>().ok();
        let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
        if !parsed.is_some_and(|uri| is_http(&uri) && uri.host().is_some()) {
            let message = format!("`{}` is not a URL of a server", url.value.escape_debug());
            let help = "give one as in `https://app.example.com/hooks/mail`";
            self.wrong(url, message, Some(help.into()));
        } else if is_in_the_clear(&url.value) {
            let message = format!(
                "{what_goes} to {} in the clear: whoever is between can read them",
                url.value
            );
            let help = "give the `url` with `https://`, or reach the server by 127.0.0.1";
            self.odd(url, message, help);
        }
    }

    /// Checks that a URL can be the name of its webhook.
    fn short_url(&mut self, url: &Place<String>) {
        let len = url.value.len();
        if len > URL_MAX {
            let message = format!(
                "the webhook has no `name`, and its URL of {len} octets is too long for one"
            );
            self.wrong(url, message, Some("give the webhook a `name`".into()));
        }
    }

    fn webhook_secret(&mut self, file: &Place<PathBuf>) {
        let shown = file.value.display();
        let wrong = match files::read_to_string(&file.value) {
            Err(error) => format!("cannot read {shown}: {error}"),
            Ok(text) => match Secrets::parse(&text) {
                Ok(_) => return,
                Err(error) => format!("{shown}: {}", Causes(&error)),
            },
        };
        let help = "make one as by `openssl rand -base64 32`, readable for this user alone";
        self.wrong(file, wrong, Some(help.into()));
    }
}
