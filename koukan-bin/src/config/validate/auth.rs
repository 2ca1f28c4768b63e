//! Checks of users and of their passwords.

use std::{fs, path::PathBuf};

use koukan_smtp::sasl::scram::Entries;

use super::Check;
use crate::config::{
    ClientAuth, Endpoint, ListenerAuth, Place, Policy, Smtp, SmtpListener, TlsLevel,
};

impl Check<'_> {
    /// Users can authenticate themselves, and nobody hears their passwords.
    pub(super) fn auth(&mut self) {
        let config = self.config;
        for listener in &config.smtp_listener {
            if let Some(auth) = &listener.auth {
                self.password_file(&auth.password_file);
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

    /// Who has a message held is promised that it is sent then.
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

    fn login(&mut self, smtp: &Smtp, auth: &ClientAuth) {
        let both = auth.password_file.is_some() && auth.token_file.is_some();
        match auth.file() {
            Some(file) if !both => self.file(Some(file), "secret"),
            _ => {
                let message = "either a password or a token shows who this agent is".to_owned();
                let help = "name one file: `password_file` or `token_file`";
                self.wrong(&auth.user, message, Some(help.into()));
            }
        }
        if smtp.host.is_empty() {
            let message = "to hosts that others name it is not said who this agent is".to_owned();
            let help = "name the server: `host: [\"smtp.example.com:587\"]`, or leave `auth` out";
            self.wrong(&auth.user, message, Some(help.into()));
        }
        if smtp
            .tls
            .as_ref()
            .is_some_and(|tls| tls.value == TlsLevel::Never)
            && !auth.clear
        {
            let message = "without TLS it is not said who this agent is".to_owned();
            let help = "set `tls: verified`; only a server on this host needs no TLS";
            self.odd(&auth.user, message, help);
        }
    }

    fn password_file(&mut self, file: &Place<PathBuf>) {
        let shown = file.value.display();
        let entries = match fs::read_to_string(&file.value) {
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
        let is_here = listener.address.value.ip().is_loopback();
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
                self.wrong(&auth.password_file, message, Some(help.into()));
            }
            _ => {}
        }
        if let (None, Some(tag)) = (&auth.sender, &auth.tag) {
            let message = "a tag is of use with its sender only".to_owned();
            self.wrong(tag, message, Some("name the `sender` of users, too".into()));
        }
    }
}
