//! Checks certificates, and where they are needed.

use std::time::Duration;

use jiff::Timestamp;
#[cfg(feature = "dns")]
use koukan_core::network::DnsSettings;
use koukan_core::{
    causes::Causes,
    clock::{Clock, SystemClock},
    files,
    network::ListenAddress,
    tls::{Authorities, Certificate, ClientTls, InvalidCertificate},
};

use super::Check;
use crate::config::{
    CertificateFiles, Destination, Endpoint, ListenerTls, Place, RestListener, Smtp, SmtpListener,
    TlsLevel, TlsMode,
};

/// How long before its expiry a certificate should be renewed.
pub(crate) const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

impl Check<'_> {
    /// Checks that certificates can be used, and are given where they are needed.
    pub(super) fn tls(&mut self) {
        #[cfg(feature = "dns")]
        self.trust_anchor();
        let config = self.config;
        for listener in &config.smtp_listener {
            self.smtp_tls(listener);
        }
        for listener in &config.rest_listener {
            self.rest_tls(listener);
        }
        for chain in &config.chain {
            if let Endpoint::Smtp(smtp) = &chain.endpoint {
                self.client_tls(smtp);
            }
        }
    }

    fn smtp_tls(&mut self, listener: &SmtpListener) {
        let names = [self.config.hostname.value.as_str()];
        match (&listener.tls, &listener.tls_mode) {
            (Some(tls), _) => self.certificates(tls, &listener.address, &names),
            (None, Some(mode)) => {
                let message = "there is no certificate for TLS".to_owned();
                let help = "give the listener `tls: { certificate: [ { file: …, key: … } ] }`";
                self.wrong(mode, message, Some(help.into()));
            }
            (None, None) => {}
        }
        let mode = listener.tls_mode.as_ref().map(|mode| mode.value);
        if listener.address.value.port() == Some(465) && mode != Some(TlsMode::Immediate) {
            let message = "clients of port 465 begin with TLS at once".to_owned();
            self.odd(&listener.address, message, "set `tls_mode: immediate`");
        }
    }

    fn rest_tls(&mut self, listener: &RestListener) {
        let address = &listener.address;
        let Some(tls) = &listener.tls else {
            if !listener.token.is_empty() && !address.value.is_here() {
                let message = "tokens cross the network in clear, for everybody to read".to_owned();
                let help = "give the listener `tls`, or let it listen on a loopback address behind a \
                            proxy that has TLS";
                self.odd(address, message, help);
            }
            return;
        };
        let url = listener.base_url.as_ref();
        let host = url.and_then(|url| host(&url.value));
        let names = listener.host.iter().map(|name| name.value.as_str());
        let names: Vec<_> = names.chain(host).collect();
        self.certificates(tls, address, &names);
        if let Some(url) = url
            && url.value.starts_with("http:")
        {
            let message = "clients of this listener need TLS, and this URL has none".to_owned();
            self.wrong(url, message, Some("begin it with `https:`".into()));
        }
    }

    /// Checks that clients can be asked for certificates.
    fn client_ca(&mut self, tls: &ListenerTls) {
        let Some(file) = &tls.client_ca else {
            if let Some(asked) = &tls.client_certificate {
                let message = "it is not said whose certificates are believed".to_owned();
                let help = "name a file with authorities: `client_ca`, or leave this out";
                self.wrong(asked, message, Some(help.into()));
            }
            return;
        };
        let shown = file.value.display();
        let problem = match files::read(&file.value) {
            Err(error) => format!("cannot read {shown}: {error}"),
            Ok(pem) => match Authorities::from_pem(&pem) {
                Err(error) => format!("{shown}: {}", Causes(&error)),
                Ok(_) => return,
            },
        };
        let help = "name a file that holds certificates in PEM, and that this user may read";
        self.wrong(file, problem, Some(help.into()));
    }

    /// Checks the certificate that is sent to servers.
    fn own_certificate(&mut self, smtp: &Smtp, level: TlsLevel) {
        let Some(files) = &smtp.certificate else {
            return;
        };
        let hosts = &self.config.destination;
        let is_shown = hosts.iter().any(|rule| rule.tls.is_some());
        if level == TlsLevel::Never && !is_shown {
            let message =
                "a certificate is shown over TLS, and `tls: never` excludes it".to_owned();
            self.wrong(&files.file, message, Some("leave `tls` out".into()));
        }
        self.shown_certificate(files);
    }

    /// Checks that a certificate for servers can be used.
    pub(super) fn shown_certificate(&mut self, files: &CertificateFiles) {
        match Certificate::from_files(&files.file.value, &files.key().value) {
            Ok(certificate) => self.time_left(files, &certificate),
            Err(error) => self.unusable(files, &error),
        }
    }

    fn certificates(&mut self, tls: &ListenerTls, address: &Place<ListenAddress>, names: &[&str]) {
        if tls.certificate.is_empty() {
            let message = "there is no certificate for TLS".to_owned();
            let help = "name one: `certificate: [ { file: …, key: … } ]`, or leave `tls` out";
            self.wrong(address, message, Some(help.into()));
            return;
        }
        self.client_ca(tls);
        let mut usable = Vec::new();
        for files in &tls.certificate {
            match Certificate::from_files(&files.file.value, &files.key().value) {
                Ok(certificate) => {
                    self.time_left(files, &certificate);
                    usable.push(certificate);
                }
                Err(error) => self.unusable(files, &error),
            }
        }
        if usable.len() < tls.certificate.len() {
            return;
        }
        for name in names {
            if !usable.iter().any(|one| one.is_for(name)) {
                let message =
                    format!("no certificate is for {name}, as clients know this listener");
                let help = "add one for that name: clients that look at it will not connect";
                self.odd(address, message, help);
            }
        }
    }

    fn time_left(&mut self, files: &CertificateFiles, certificate: &Certificate) {
        let Some(end) = certificate.not_after() else {
            return;
        };
        let file = files.file.value.display();
        let now = SystemClock.now();
        let message = if end <= now {
            format!("the certificate in {file} is no longer valid since {end}")
        } else if is_soon(end, now) {
            format!("the certificate in {file} is valid until {end} only")
        } else {
            return;
        };
        self.odd(&files.file, message, "renew it");
    }

    fn unusable(&mut self, files: &CertificateFiles, error: &InvalidCertificate) {
        let is_of_key = matches!(
            error,
            InvalidCertificate::NoKey
                | InvalidCertificate::UnknownKey(_)
                | InvalidCertificate::OtherKey
        );
        let place = if is_of_key { files.key() } else { &files.file };
        let file = place.value.display();
        let message = match error {
            InvalidCertificate::Unreadable { .. } => Causes(error).to_string(),
            _ => format!("{file}: {}", Causes(error)),
        };
        let help = "name a certificate and its key in PEM, in files that this user may read";
        self.wrong(place, message, Some(help.into()));
    }

    fn client_tls(&mut self, smtp: &Smtp) {
        let (level, _) = smtp.tls_with(None);
        let policies = smtp.mta_sts.as_ref().filter(|mta_sts| mta_sts.value);
        if let Some(mta_sts) = policies {
            if !smtp.host.is_empty() {
                let message = "there are no policies of hosts that are named here".to_owned();
                let help = "leave `mta_sts` out, or `host`, so that a `router` finds the mail hosts of domains";
                self.wrong(mta_sts, message, Some(help.into()));
            } else if level == TlsLevel::Never {
                let message = "policies demand TLS, and `tls: never` excludes it".to_owned();
                self.wrong(mta_sts, message, Some("leave `tls` out".into()));
            }
        }
        self.dane(smtp, level);
        self.own_certificate(smtp, level);
        let Some(file) = &smtp.ca_file else {
            return;
        };
        let of_domains = &self.config.destination;
        let follows =
            policies.is_some() || of_domains.iter().any(|rule| rule.mta_sts == Some(true));
        let verifies = |rule: &Destination| {
            let level = rule.tls.as_ref().map(|level| level.value);
            level == Some(TlsLevel::Verified)
        };
        let is_of_use = level == TlsLevel::Verified || of_domains.iter().any(verifies);
        if !is_of_use && !follows {
            let message = "authorities are of use only where certificates are verified".to_owned();
            let help = "set `tls: verified` or `mta_sts: true`, or leave `ca_file` out";
            self.wrong(file, message, Some(help.into()));
        }
        let shown = file.value.display();
        let problem = match files::read(&file.value) {
            Err(error) => format!("cannot read {shown}: {error}"),
            Ok(pem) => match ClientTls::verified_by(&pem) {
                Err(error) => format!("{shown}: {}", Causes(&error)),
                Ok(_) => return,
            },
        };
        let help = "name a file that holds certificates in PEM, and that this user may read";
        self.wrong(file, problem, Some(help.into()));
    }
}

impl Check<'_> {
    /// Checks that the DNSSEC trust anchors can be read.
    #[cfg(feature = "dns")]
    fn trust_anchor(&mut self) {
        let resolver = &self.config.resolver;
        let Some(file) = &resolver.trust_anchor else {
            return;
        };
        if !resolver.dnssec {
            let message = "keys are of use only where answers are looked at".to_owned();
            let help = "set `dnssec: true`, or leave `trust_anchor` out";
            self.wrong(file, message, Some(help.into()));
        } else if let Err(error) = DnsSettings::from(resolver).check() {
            let help = "name a file with DNSKEY records, as in a zone file";
            self.wrong(file, Causes(&error).to_string(), Some(help.into()));
        }
    }

    /// Checks that DANE is only enabled where DNSSEC is, and where it has an effect.
    fn dane(&mut self, smtp: &Smtp, level: TlsLevel) {
        let Some(dane) = smtp.dane.as_ref().filter(|dane| dane.value) else {
            return;
        };
        let (message, help) = if !cfg!(feature = "dns") || !self.config.resolver.dnssec {
            (
                "certificates that the DNS names are believed only where it proves them",
                "set `resolver: { dnssec: true }`",
            )
        } else if !smtp.host.is_empty() {
            (
                "the DNS is not asked for certificates of hosts that are named here",
                "leave `dane` out, or `host`, so that a `router` finds the mail hosts of domains",
            )
        } else if level == TlsLevel::Never {
            (
                "certificates demand TLS, and `tls: never` excludes it",
                "leave `tls` out",
            )
        } else {
            return;
        };
        self.wrong(dane, message.to_owned(), Some(help.into()));
    }
}

/// Whether a certificate that is valid until `end` should be renewed.
pub(crate) fn is_soon(end: Timestamp, now: Timestamp) -> bool {
    now.checked_add(SOON).is_ok_and(|soon| end <= soon)
}

/// The host of a URL.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let is_v6 = authority.starts_with('[');
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !is_v6 || !port.contains(']') => host,
        _ => authority,
    };
    Some(host.trim_start_matches('[').trim_end_matches(']'))
}
