//! `koukan dkim-key`.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::command::complain;
use clap::{Args, ValueEnum};
use koukan_mail_auth::dkim::{self, SigningKey};

use super::printed::say;

/// The most octets in one string of a TXT record.
const STRING: usize = 255;

/// Which key, and where.
#[derive(Debug, Args)]
pub(crate) struct DkimKey {
    /// The domain on whose behalf messages are signed.
    #[arg(long)]
    domain: String,
    /// The name of the key among those of the domain; each new key needs a new one.
    #[arg(long)]
    selector: String,
    /// The kind of key. Not all verifiers know Ed25519, so use an RSA key as well.
    #[arg(long, value_enum, default_value_t = Algorithm::Rsa)]
    algorithm: Algorithm,
    /// Prints the record of the key in the file, and makes no key.
    #[arg(long)]
    show: bool,
    /// The file for the key; it must not exist yet.
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Algorithm {
    Rsa,
    Ed25519,
}

impl DkimKey {
    /// Makes a key, and prints its DNS record.
    pub(crate) fn run(self) -> ExitCode {
        match self.record() {
            Ok(record) => {
                say(record);
                ExitCode::SUCCESS
            }
            Err(error) => complain(&*error),
        }
    }

    fn record(&self) -> Result<String, Box<dyn std::error::Error>> {
        let name = format!("{}._domainkey.{}", self.selector, self.domain);
        let label = |label: &str| {
            let mut octets = label.bytes();
            !label.is_empty()
                && label.len() <= 63
                && octets.all(|octet| octet.is_ascii_alphanumeric() || b"-_".contains(&octet))
        };
        if name.len() > 253 || !name.split('.').all(label) {
            return Err(format!(
                "`{name}` is not a valid DNS name; write domains that are not ASCII as `xn--`"
            )
            .into());
        }
        let key = match self.show {
            true => SigningKey::from_pem(&read(&self.file)?)?,
            false => self.make()?,
        };
        let record = key.record();
        let strings = record.as_bytes().chunks(STRING);
        let strings = strings.map(|string| format!("\"{}\"", String::from_utf8_lossy(string)));
        let strings: Vec<_> = strings.collect();
        Ok(format!("{name}. IN TXT ( {} )", strings.join(" ")))
    }

    fn make(&self) -> Result<SigningKey, Box<dyn std::error::Error>> {
        let (key, pem) = SigningKey::generate(match self.algorithm {
            Algorithm::Rsa => dkim::Algorithm::Rsa,
            Algorithm::Ed25519 => dkim::Algorithm::Ed25519,
        })?;
        let shown = self.file.display();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options
            .open(&self.file)
            .map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => format!(
                    "{shown} already exists and is left unchanged: `--show` prints its record"
                ),
                _ => format!("cannot make {shown}: {error}"),
            })?;
        let written = file
            .write_all(pem.as_bytes())
            .and_then(|()| file.sync_all());
        if let Err(error) = written {
            // A part of a key is useless, and the file would be in the way.
            let _ = fs::remove_file(&self.file);
            return Err(format!("cannot write {shown}: {error}").into());
        }
        Ok(key)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
