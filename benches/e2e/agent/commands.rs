//! The commands that start an agent.

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::Failed;

use super::{
    Setup, Shape,
    addresses::Addresses,
    filters::{filters, make_key},
    sides,
};

/// The commands; writes the configurations that they need.
pub(super) fn commands(
    setup: Setup<'_>,
    directory: &TempDir,
    addresses: &Addresses,
    sink: SocketAddr,
) -> Result<Vec<Command>, Failed> {
    let shape = setup.shape;
    if matches!(shape, Shape::Signed) {
        make_key(directory.path())?;
    }
    let programs: &[(&str, &[&str], &str)] = match shape {
        Shape::Whole | Shape::Filtered | Shape::Signed | Shape::Checked => {
            &[("koukan", &["run"], include_str!("whole.yaml"))]
        }
        Shape::Split => &[
            ("koukan-router", &[], include_str!("router.yaml")),
            ("koukan-gateway", &[], include_str!("gateway.yaml")),
        ],
    };
    let command = |(program, arguments, text): &(&str, &[&str], &str)| {
        let config = directory.path().join(format!("{program}.yaml"));
        let text = text
            .replace("FILTERS", &filters(shape))
            .replace("LISTENER", &sides::listener(setup))
            .replace("ROUTES", sides::routes(setup))
            .replace("OUTPUT", sides::output(setup))
            .replace("FOLDER", &directory.path().display().to_string())
            .replace("INGRESS", &addresses.ingress.to_string())
            .replace("SUBMISSION", &addresses.submission.to_string())
            .replace("REST", &addresses.rest.to_string())
            .replace("GATEWAY", &addresses.gateway.to_string())
            + &sides::besides(setup);
        let text = text
            .replace("SINK_PORT", &sink.port().to_string())
            .replace("SINK", &sink.to_string());
        fs::write(&config, text)?;
        let mut command = Command::new(binary(program)?);
        command.args(*arguments).arg("--config").arg(config);
        command.stdin(Stdio::null());
        Ok(command)
    };
    programs.iter().map(command).collect()
}

/// A binary in the same directory as this one.
pub(crate) fn binary(name: &str) -> Result<PathBuf, Failed> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        return Ok(path);
    }
    Err("the agent is not built; run `cargo build --release -p koukan` first".into())
}
