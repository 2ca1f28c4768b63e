//! The filter `dkim_sign`.

use koukan_mail_auth::{
    dkim::SignatureSpec,
    dkim_sign::{Author, DkimSignLayer},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    InvalidFilter, Surroundings, at,
    key::{KeyConfig, one_key},
    key_step,
};
use crate::config::{HumanDuration, Step};

/// Signs messages.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sign {
    keys: Vec<KeyConfig>,
    /// How the author is found whose domain selects the keys.
    #[serde(default)]
    author: AuthorConfig,
    /// How long signatures are valid.
    pub(super) expires: Option<HumanDuration>,
    /// Header fields that are signed, and to which no further field of the same name can be added.
    sealed_headers: Option<Vec<String>>,
    /// Header fields that are signed if they are present.
    signed_headers: Option<Vec<String>>,
}

#[derive(Deserialize, Default, Clone, Copy, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AuthorConfig {
    #[default]
    HeaderFrom,
    MailFrom,
}

pub(super) fn dkim_sign(
    config: Sign,
    surroundings: &Surroundings,
) -> Result<DkimSignLayer, InvalidFilter> {
    if config.keys.is_empty() {
        let text = "without a key nothing is signed: add one, which `koukan dkim-key` makes";
        return Err(at(text, vec![key_step("keys")]));
    }
    let keys = config.keys.iter().enumerate().map(|(index, key)| {
        let place = |name| vec![key_step("keys"), Step::Item(index), key_step(name)];
        one_key(key, &config, surroundings).map_err(|(message, name)| at(message, place(name)))
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let mut seen = Vec::new();
    for (index, key) in config.keys.iter().enumerate() {
        let name = format!("{}._domainkey.{}", key.selector, key.domain).to_ascii_lowercase();
        if seen.contains(&name) {
            let text = format!("there is a key at {name} already: leave one of them");
            let place = vec![key_step("keys"), Step::Item(index), key_step("selector")];
            return Err(at(text, place));
        }
        seen.push(name);
    }
    let author = match config.author {
        AuthorConfig::HeaderFrom => Author::HeaderFrom,
        AuthorConfig::MailFrom => Author::MailFrom,
    };
    let layer = DkimSignLayer::new(keys, surroundings.clock.clone())
        .with_author(author)
        .with_pools(surroundings.blobs.clone(), surroundings.blocking.clone());
    Ok(layer)
}

/// Whether a filter with that configuration signs fields with that name; if `is_new`, whether it
/// seals them against further ones.
pub(crate) fn signs(config: &Value, name: &str, is_new: bool) -> bool {
    Sign::deserialize(config).is_ok_and(|config| {
        let spec = with_fields(SignatureSpec::new("", ""), &config);
        match is_new {
            true => spec.with_signed::<&str>([]).signs(name),
            false => spec.signs(name),
        }
    })
}

/// The specification, with the fields that the configuration names.
pub(super) fn with_fields(mut spec: SignatureSpec, config: &Sign) -> SignatureSpec {
    if let Some(names) = &config.sealed_headers {
        spec = spec.with_sealed(names.iter().map(String::as_str));
    }
    if let Some(names) = &config.signed_headers {
        spec = spec.with_signed(names.iter().map(String::as_str));
    }
    spec
}
#[cfg(test)]
mod tests {
    use std::{fs, io, os::unix::fs::OpenOptionsExt, path::Path};

    use koukan_core::test_util::{Script, mail, rcpt, send};
    use koukan_mail_auth::dkim::{Algorithm, SigningKey};
    use serde_json::json;
    use tower::Layer;

    use super::*;

    fn write(file: &Path, algorithm: Algorithm) {
        let (_, pem) = SigningKey::generate(algorithm).unwrap();
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(file).unwrap();
        io::Write::write_all(&mut file, pem.as_bytes()).unwrap();
    }

    async fn signed(layer: &DkimSignLayer) -> String {
        let upstream = Script::new();
        let service = layer.layer(upstream.clone());
        let message = "From: a@example.com\r\n\r\nhello\r\n";
        let outcome = send(service, mail("a@example.com"), [rcpt("b@y")], message).await;
        assert!(outcome.message.unwrap().is_positive());
        String::from_utf8(upstream.received()[0].body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_key_whose_file_has_changed_signs_from_then_on_unless_it_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        write(&file, Algorithm::Ed25519);
        let surroundings = Surroundings::new("mx.example.com");
        let config = json!({
            "keys": [{"domain": "example.com", "selector": "s", "file": file}],
            "expires": "2d",
        });
        let config = serde_json::from_value(config).unwrap();
        let layer = dkim_sign(config, &surroundings).unwrap();
        assert!(signed(&layer).await.contains("a=ed25519-sha256;"));
        assert!(signed(&layer).await.contains(" x="));
        write(&file, Algorithm::Rsa);
        surroundings.followed.look_here();
        assert!(signed(&layer).await.contains("a=rsa-sha256;"));
        fs::write(&file, "half a key").unwrap();
        surroundings.followed.look_here();
        assert!(signed(&layer).await.contains("a=rsa-sha256;"));
    }
}
