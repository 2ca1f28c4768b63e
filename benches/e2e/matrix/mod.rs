//! All cases, one after the other.

mod case;
mod handshakes;
mod idle;
mod measure;
mod pass;
mod report;
mod site;

use clap::Args;

use crate::{Failed, descriptors};

use self::case::CASES;

/// Which cases to run, and how.
#[derive(Debug, Args)]
pub(crate) struct Matrix {
    /// Only the case of this name; may be given more than once.
    #[arg(long)]
    case: Vec<String>,
    /// Sends a tenth of the messages.
    #[arg(long)]
    quick: bool,
    /// Prints a JSON object for each case, and the table to standard error.
    #[arg(long)]
    json: bool,
    /// Does not compare with Postfix.
    #[arg(long)]
    without_postfix: bool,
    /// The sink offers DATA only.
    #[arg(long)]
    without_chunking: bool,
}

impl Matrix {
    /// # Errors
    ///
    /// If a case failed; the others are still run.
    pub(crate) fn run(&self) -> Result<(), Failed> {
        let names = || CASES.iter().map(|case| case.name).chain([idle::NAME]);
        for name in &self.case {
            if names().all(|known| known != name) {
                return Err(format!("there is no case {name}").into());
            }
        }
        // Sinks with connections for a thousand hosts inherit the limit.
        descriptors::raise();
        self.tell(&report::head());
        let is_wanted =
            |name: &&str| self.case.is_empty() || self.case.iter().any(|one| one == name);
        let mut failed = Vec::new();
        for name in names().filter(is_wanted) {
            let case = CASES.iter().find(|case| case.name == name);
            match case.map_or_else(|| self.idle(), |case| self.measure(case)) {
                Ok(result) => {
                    self.tell(&report::line(&result));
                    if self.json {
                        println!("{result}");
                    }
                }
                Err(error) => {
                    eprintln!("{name}: {error}");
                    failed.push(name);
                }
            }
        }
        if failed.is_empty() {
            Ok(())
        } else {
            Err(format!("failed: {}", failed.join(", ")).into())
        }
    }

    fn tell(&self, line: &str) {
        if self.json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }
}
