//! Child processes, and the resources that they used.

mod address;
mod traced;
mod usage;

use std::process::{Child, Command};

use crate::Failed;

pub(crate) use self::{
    address::{await_listener, free_address},
    traced::Traced,
    usage::{children, cpu_seconds, cpu_seconds_with_ended, peak_mib, resident_mib, written_kib},
};

/// Runs a program to its end.
///
/// # Errors
///
/// The output of the program, if it failed.
pub(crate) fn complete(command: &mut Command) -> Result<(), Failed> {
    let program = command.get_program().to_owned();
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{}: {told}", program.display()).into())
}

/// A child that is killed when it is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failed> {
        let program = command.get_program().to_owned();
        match command.spawn() {
            Ok(child) => Ok(Self(child)),
            Err(error) => Err(format!("cannot start {}: {error}", program.display()).into()),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Processor time so far, user and system.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.id().to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let mut command = Command::new("kill");
    // It may have ended by itself.
    let _ = command.args(["-s", name]).arg(process.to_string()).status();
}
