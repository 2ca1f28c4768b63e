//! The filters in the chains of an agent.

use std::{
    iter,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Failed, process::complete};

use super::{Shape, commands::binary};

/// How many filters [`Shape::Filtered`] has.
const MANY: usize = 20;

/// The filters for that shape, as a list in the configuration.
pub(super) fn filters(shape: Shape) -> String {
    let checks = [
        "spf_check",
        "dkim_check",
        "dmarc_check",
        "authentication_results",
    ];
    let own: Vec<String> = match shape {
        Shape::Whole | Shape::Split => Vec::new(),
        Shape::Checked => checks.map(String::from).into(),
        Shape::Filtered => (0..MANY).map(passing).collect(),
        Shape::Signed => vec![
            "dkim_sign: { keys: [{ domain: example.org, selector: bench, file: \"FOLDER/key.pem\" }] }".into(),
        ],
    };
    let all = iter::once("received_header".into()).chain(own);
    let all = all.map(|filter| format!("\n      - {filter}"));
    all.collect()
}

/// A rule that lets all of the benchmark's mail pass; every other one is evaluated for each recipient.
fn passing(number: usize) -> String {
    let (matcher, mode) = match number % 2 {
        0 => ("matcher: network_address, cidr: 192.0.2.0/24", ""),
        _ => (
            "matcher: address_list, which_addr: rcpt_to, domains: [example.net]",
            "mode: PER_RCPT, ",
        ),
    };
    format!("policy_action: {{ match: {{ {matcher} }}, {mode}tag: rule{number}, action: REJECT }}")
}

/// Makes a key for signing messages, RSA of 2048 bits, in that directory.
pub(crate) fn make_key(folder: &Path) -> Result<PathBuf, Failed> {
    let file = folder.join("key.pem");
    let mut command = Command::new(binary("koukan")?);
    command.args(["dkim-key", "--domain", "example.org", "--selector", "bench"]);
    complete(command.arg(&file))?;
    Ok(file)
}
