//! `koukan passwd`.

use std::{
    io::{self, BufRead},
    process::ExitCode,
};

use crate::command::complain;
use clap::Args;
use koukan_smtp::sasl::scram::{Entries, ITERATIONS_MAX, ITERATIONS_MIN, Verifier};

use super::printed::say;

/// The user to make a line for.
#[derive(Debug, Args)]
pub(crate) struct Passwd {
    /// The name of the user.
    user: String,
    /// How many times the password is hashed. More iterations make guessing and logging in equally slower.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 65_536,
        value_parser = clap::value_parser!(u32).range(i64::from(ITERATIONS_MIN)..=i64::from(ITERATIONS_MAX)),
    )]
    iterations: u32,
}

impl Passwd {
    /// Reads a password from the first line of standard input, and prints the line for a password file.
    pub(crate) fn run(self) -> ExitCode {
        match self.line() {
            Ok(line) => {
                say(line);
                ExitCode::SUCCESS
            }
            Err(error) => complain(&*error),
        }
    }

    fn line(&self) -> Result<String, Box<dyn std::error::Error>> {
        let mut password = String::new();
        io::stdin().lock().read_line(&mut password)?;
        let password = password.trim_end_matches(['\r', '\n']);
        if password.is_empty() {
            return Err("there is no password: it is the first line of standard input".into());
        }
        let line = format!(
            "{}:{}",
            self.user,
            Verifier::new(password, self.iterations)?
        );
        let is_found = line
            .parse::<Entries>()
            .is_ok_and(|entries| entries.get(&self.user).is_some());
        match is_found {
            true => Ok(line),
            false => Err("no user can be of that name".into()),
        }
    }
}
