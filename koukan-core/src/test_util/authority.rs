//! Certificates for tests.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};

use crate::{
    network::Tlsa,
    tls::{Certificate, Certificates, ClientTls, ServerTls, record_of},
};

/// An authority that certifies any name for tests.
///
/// # Example
///
/// ```
/// use koukan_core::test_util::Authority;
///
/// let authority = Authority::new();
/// let certificate = authority.certificate("mx.example.com");
/// assert!(certificate.is_for("mx.example.com") && !certificate.is_for("example.com"));
/// let (server, client) = (authority.server("localhost"), authority.client());
/// ```
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its private key, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pem {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// A new authority.
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Each has a name of its own. Otherwise a client that trusts one would take another's key
        // for its key.
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("authority {number} for tests");
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("there is randomness");
        let issuer = CertifiedIssuer::self_signed(params, key);
        Self(issuer.expect("the parameters are sound"))
    }

    /// Its own certificate in PEM, for those who are to trust it.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// The TLSA record of its own certificate with that usage, selector and matching type.
    ///
    /// # Panics
    ///
    /// If there is no such selector or matching type.
    pub fn tlsa(&self, parameters: [u8; 3]) -> Tlsa {
        record_of(self.0.der(), parameters).expect("there are such records")
    }

    /// A certificate for that name, a domain or an IP address, valid for thousands of years.
    pub fn issue(&self, name: &str) -> Pem {
        self.sign(CertificateParams::new([name.to_owned()]).expect("it is a name"))
    }

    /// As [`Authority::issue`], valid until the start of that day.
    pub fn issue_until(&self, name: &str, (year, month, day): (i32, u8, u8)) -> Pem {
        let mut params = CertificateParams::new([name.to_owned()]).expect("it is a name");
        params.not_after = date_time_ymd(year, month, day);
        self.sign(params)
    }

    /// As [`Authority::issue`], as a [`Certificate`].
    pub fn certificate(&self, name: &str) -> Certificate {
        self.issue(name).certificate()
    }

    /// A server with a certificate for that name.
    pub fn server(&self, name: &str) -> ServerTls {
        ServerTls::new(Certificates::new([self.certificate(name)]))
    }

    /// A client that trusts only this authority.
    pub fn client(&self) -> ClientTls {
        ClientTls::verified_by(self.pem().as_bytes()).expect("it has a certificate")
    }

    fn sign(&self, params: CertificateParams) -> Pem {
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.0);
        Pem {
            certificate: certificate.expect("the parameters are sound").pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Pem {
    /// The same as a [`Certificate`].
    pub fn certificate(&self) -> Certificate {
        let read = Certificate::from_pem(self.certificate.as_bytes(), self.key.as_bytes());
        read.expect("they were made for each other")
    }

    /// As [`Authority::tlsa`].
    ///
    /// # Panics
    ///
    /// As there.
    pub fn tlsa(&self, parameters: [u8; 3]) -> Tlsa {
        self.certificate().tlsa(parameters)
    }

    /// When it expires.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.certificate().not_after()
    }
}
