//! Certificates of test authorities, made by `openssl`.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// An authority with a name. Its files are removed with it.
pub(crate) struct Authority(TempDir, &'static str);

impl Authority {
    pub(crate) fn new(name: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let constraints = "basicConstraints=critical,CA:TRUE";
        request(directory.path(), name, constraints, &[]);
        Self(directory, name)
    }

    /// Its own certificate, in PEM.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.0.path().join(format!("{}.pem", self.1))
    }

    /// A certificate for a DNS name, and its key, in PEM.
    pub(crate) fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let [own, own_key] = ["pem", "key"].map(|kind| format!("{}.{kind}", self.1));
        let signed = ["-CA", &*own, "-CAkey", &*own_key];
        let for_name = format!("subjectAltName=DNS:{name}");
        request(self.0.path(), "server", &for_name, &signed);
        let [certificate, key] = ["server.pem", "server.key"].map(|file| self.0.path().join(file));
        (certificate, key)
    }
}

/// Makes a key and a certificate for a name.
fn request(directory: &Path, name: &str, extension: &str, signed: &[&str]) {
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]);
    openssl.args(["-pkeyopt", "ec_paramgen_curve:prime256v1"]);
    openssl.args(["-config", "/dev/null", "-subj", &format!("/CN={name}")]);
    openssl.args(["-addext", extension]).args(signed);
    openssl.args(["-keyout", &format!("{name}.key")]);
    openssl.args(["-out", &format!("{name}.pem")]);
    let done = openssl.current_dir(directory).output();
    let done = done.expect("openssl is installed");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{openssl:?}: {said}");
}
