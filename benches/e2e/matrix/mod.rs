//! All cases, one after the other.

mod case;
mod measure;
mod pass;
mod report;

use clap::Args;

use crate::Failed;

use self::case::CASES;

/// Which cases to run, and how.
#[derive(Debug, Args)]
pub(crate) struct Matrix {
    /// Only the case of this name; may be given more than once.
    #[arg(long)]
    case: Vec<String>,
    /// A tenth of the messages.
    #[arg(long)]
    quick: bool,
    /// Prints a JSON object for each case, and the table to the standard error.
    #[arg(long)]
    json: bool,
    /// Does not compare with Postfix.
    #[arg(long)]
    without_postfix: bool,
    /// The sink takes DATA only.
    #[arg(long)]
    without_chunking: bool,
}

impl Matrix {
    /// # Errors
    ///
    /// When a case failed; the others are run all the same.
    pub(crate) fn run(&self) -> Result<(), Failed> {
        for name in &self.case {
            if CASES.iter().all(|case| case.name != name) {
                return Err(format!("there is no case {name}").into());
            }
        }
        self.tell(&report::head());
        let is_wanted =
            |name: &str| self.case.is_empty() || self.case.iter().any(|one| one == name);
        let mut failed = Vec::new();
        for case in CASES.iter().filter(|case| is_wanted(case.name)) {
            match self.measure(case) {
                Ok(result) => {
                    self.tell(&report::line(&result));
                    if self.json {
                        println!("{result}");
                    }
                }
                Err(error) => {
                    eprintln!("{}: {error}", case.name);
                    failed.push(case.name);
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
