//! The keys of the filter `dkim_sign`.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use koukan_core::{files, path::Domain};
use koukan_mail_auth::{
    dkim::{SignatureSpec, SigningKey},
    dkim_sign::{Key, SharedKey},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Surroundings,
    sign::{Sign, with_fields},
};
use crate::{config::HumanDuration, registry::text::check_domain, stamps::Stamps};

/// A key, and the domains for which it signs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyConfig {
    pub(super) domain: String,
    pub(super) selector: String,
    file: PathBuf,
    /// Whether it also signs for domains below that one.
    #[serde(default)]
    subdomains: bool,
    /// Whether it signs whoever the author is.
    #[serde(default)]
    any_author: bool,
}

/// Makes a key from its configuration, or returns what is wrong and in which part.
pub(super) fn one_key(
    key: &KeyConfig,
    config: &Sign,
    surroundings: &Surroundings,
) -> Result<Key, (String, &'static str)> {
    check_domain(&key.domain).map_err(|text| (text, "domain"))?;
    if !key.domain.is_ascii() || key.domain.starts_with('[') {
        let text = format!(
            "`{}` cannot stand in a signature: write the domain in ASCII, as it is in the DNS",
            key.domain
        );
        return Err((text, "domain"));
    }
    let is_name = Domain::check(&key.selector).is_ok() && key.selector.is_ascii();
    if !is_name || key.selector.starts_with('[') || key.selector.contains("_domainkey") {
        let text = format!(
            "`{}` is no selector: it is what stands before `._domainkey` in the DNS, as in `s1`",
            key.selector
        );
        return Err((text, "selector"));
    }
    let spec = SignatureSpec::new(key.domain.to_ascii_lowercase(), &*key.selector);
    let mut spec = with_fields(spec, config);
    if let Some(HumanDuration(lifetime)) = config.expires {
        spec = spec.with_lifetime(lifetime.as_secs().max(1));
    }
    let stamps = Stamps::new([key.file.clone()]);
    let secret = read(&key.file).map_err(|text| (text, "file"))?;
    let shared = SharedKey::new(secret);
    let replaced = shared.clone();
    surroundings.followed.follow(stamps, move |file| {
        let file_name = file.display();
        match read(file) {
            Ok(secret) => {
                replaced.replace(secret);
                tracing::info!(file = %file_name, "a key of DKIM was read anew");
            }
            Err(error) => {
                tracing::warn!(error, "cannot read a key of DKIM anew, the old one stays");
            }
        }
    });
    let mut made = Key::new(spec, shared);
    if key.subdomains {
        made = made.with_subdomains();
    }
    if key.any_author {
        made = made.for_all();
    }
    Ok(made)
}

/// Reads a key; the file must not be readable for other users.
fn read(file: &Path) -> Result<SigningKey, String> {
    let shown = file.display();
    let cannot = |error: io::Error| format!("cannot read {shown}: {error}");
    let mode = fs::metadata(file).map_err(cannot)?.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(format!(
            "{shown} is open to everybody, and whoever reads it can sign: say `chmod o= {shown}`"
        ));
    }
    let text = files::read(file).map_err(cannot)?;
    SigningKey::from_pem(&text).map_err(|error| format!("{shown}: {error}"))
}
