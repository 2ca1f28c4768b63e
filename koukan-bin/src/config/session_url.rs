//! The URL at which other replicas reach this one.

use std::net::Ipv6Addr;

use koukan_rest::client::is_server_url;

use super::{Config, Place};

/// An environment variable that is named in braces is not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`session_url` names the environment variable {0}, which is not set")]
pub(crate) struct NotSet(String);

/// The URL, with names in braces replaced by their values, as in `http://{POD_IP}:8000`. An IPv6
/// address is put in brackets.
pub(crate) fn resolved(
    text: &str,
    value: impl Fn(&str) -> Option<String>,
) -> Result<String, NotSet> {
    let mut url = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        let value = value(name).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| NotSet(name.to_owned()))?;
        url += before;
        match value.parse::<Ipv6Addr>() {
            Ok(address) => url += &format!("[{address}]"),
            Err(_) => url += &value,
        }
        rest = after;
    }
    Ok(url + rest)
}

impl Config {
    /// The URL at which other replicas reach this one, if there is one, with the values of
    /// environment variables.
    ///
    /// # Errors
    ///
    /// What is wrong, and the place of the URL: a variable is not set, or its value makes no URL.
    pub(crate) fn session_url(&self) -> Result<Option<String>, Place<String>> {
        let mut urls = self.rest_listener.iter();
        let Some(url) = urls.find_map(|listener| listener.session_url.as_ref()) else {
            return Ok(None);
        };
        let value = |name: &str| std::env::var(name).ok();
        let text = resolved(&url.value, value).map_err(|error| url.with(error.to_string()))?;
        match is_server_url(&text) {
            true => Ok(Some(text)),
            false => {
                let text = text.escape_debug();
                Err(url.with(format!(
                    "`session_url` is `{text}` with the environment's values, which is not a URL of a server"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces_are_those_of_the_environment() {
        let value = |name: &str| match name {
            "POD_IP" => Some("10.1.2.3".to_owned()),
            "SIX" => Some("2001:db8::1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        for (text, expected) in [
            ("http://a:8000", Ok("http://a:8000")),
            ("http://{POD_IP}:8000", Ok("http://10.1.2.3:8000")),
            ("https://{SIX}:8443/x", Ok("https://[2001:db8::1]:8443/x")),
            ("http://{NONE}:8000", Err("NONE")),
            ("http://{EMPTY}", Err("EMPTY")),
            ("http://a{", Ok("http://a{")),
        ] {
            let expected = expected.map(str::to_owned);
            let expected = expected.map_err(|name| NotSet(name.to_owned()));
            assert_eq!(resolved(text, value), expected, "{text}");
        }
    }
}
