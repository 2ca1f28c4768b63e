//! `koukan token`.

use std::process::ExitCode;

use clap::Args;

use super::printed::say;

/// Whose token it is.
#[derive(Debug, Args)]
pub(crate) struct Token {
    /// Print the entry for `token` in the configuration, with this name.
    #[arg(long, value_parser = name)]
    name: Option<String>,
}

/// A name that can be told in a line of a log.
fn name(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err(
            "a name begins with a letter; after it come letters, digits, `-`, `_` and `.`"
                .to_owned(),
        ),
    }
}

impl Token {
    /// Prints a new token and its hash.
    pub(crate) fn run(self) -> ExitCode {
        let (token, sha256) = koukan_rest::auth::generate_token();
        say(format_args!("token:  {token}"));
        match self.name {
            Some(name) => say(format_args!(
                "entry:  - {{ name: \"{name}\", sha256: \"{sha256}\" }}"
            )),
            None => say(format_args!("sha256: {sha256}")),
        }
        ExitCode::SUCCESS
    }
}
