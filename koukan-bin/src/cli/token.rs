//! `koukan token`.

use std::process::ExitCode;

/// Prints a new token and its hash.
pub(crate) fn run() -> ExitCode {
    let (token, sha256) = koukan_rest::auth::generate_token();
    println!("token:  {token}");
    println!("sha256: {sha256}");
    ExitCode::SUCCESS
}
