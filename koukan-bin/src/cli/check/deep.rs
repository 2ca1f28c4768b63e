//! Tries what the agent does at its start.

use std::{fs, io, net::TcpListener, os::unix::net::UnixStream, path::Path};

use crate::{
    Koukan,
    command::block_on,
    compose::postgres_options,
    config::{Config, Place, Postgres},
};
use koukan_core::{causes::Causes, network::ListenAddress};
use koukan_storage::{PostgresError, SqliteOptions};

/// Tries everything and reports what fails; returns whether everything works.
pub(super) fn check(file: &Path, agent: &Koukan) -> bool {
    let config = agent.config();
    let mut problems = Vec::new();
    let at = |place: Place<()>, problem: &str| {
        let Place { line, column, .. } = place;
        format!("{}:{line}:{column}: {problem}", file.display())
    };
    let smtp = config
        .smtp_listener
        .iter()
        .map(|listener| &listener.address);
    let rest = config
        .rest_listener
        .iter()
        .map(|listener| &listener.address);
    // All at the same time, as in the agent.
    let mut sockets = Vec::new();
    for address in smtp.chain(rest) {
        let bound = match &address.value {
            ListenAddress::Tcp(socket) => {
                TcpListener::bind(socket).map(|socket| sockets.push(socket))
            }
            ListenAddress::Unix(path) => unix_socket(path),
            // Such a socket only exists once the agent is started.
            ListenAddress::HandedOver(_) => Ok(()),
        };
        match bound {
            Ok(()) => {}
            Err(error) => {
                let problem = format!("cannot listen on {}: {error}", address.value);
                problems.push(at(address.place(), &problem));
            }
        }
    }
    let storage = &config.storage;
    if let Some(path) = &storage.sqlite {
        problems.extend(database(&path.value).map(|problem| at(path.place(), &problem)));
    }
    if let Some(postgres) = &storage.postgres {
        problems.extend(server(config, postgres).map(|(place, problem)| at(place, &problem)));
    }
    if let Some(path) = &storage.spill {
        problems.extend(unwritable(&path.value).map(|problem| at(path.place(), &problem)));
    }
    if let Err(wrong) = config.session_url() {
        let help = "set the variable for the agent, as `deploy/kubernetes` does";
        let problem = format!("{}\n        help: {help}", wrong.value);
        problems.push(at(wrong.place(), &problem));
    }
    if let Some(problem) = lists(agent) {
        problems.push(format!("{}: {problem}", file.display()));
    }
    for problem in &problems {
        eprintln!("{problem}");
    }
    problems.is_empty()
}

/// Checks that no process listens at a Unix socket, and that its file can be made.
fn unix_socket(path: &Path) -> io::Result<()> {
    if UnixStream::connect(path).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let directory = path.parent().unwrap_or(Path::new("/"));
    tempfile::tempfile_in(directory).map(drop)
}

/// Reads the lists that HTTP servers offer.
fn lists(agent: &Koukan) -> Option<String> {
    match block_on(Some(1), agent.try_lists()) {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(Causes(&error).to_string()),
        Err(error) => Some(format!("cannot read lists: {error}")),
    }
}

/// Checks the database if it exists, without changing it, and that files can be made beside it.
fn database(path: &Path) -> Option<String> {
    let shown = path.display();
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let directory = directory.unwrap_or(Path::new("."));
    if !directory.exists() {
        return unwritable(directory);
    }
    match block_on(Some(1), SqliteOptions::new(path).check()) {
        Ok(Ok(schema)) if schema.is_known() => unwritable(directory),
        Ok(Ok(_)) => Some(format!(
            "a newer version of this program has used the database {shown}"
        )),
        Ok(Err(error)) => Some(format!(
            "cannot use the database {shown}: {}",
            Causes(&error)
        )),
        Err(error) => Some(format!("cannot use the database {shown}: {error}")),
    }
}

/// Connects to the server and checks that the agent could use the database, without changing anything.
fn server(config: &Config, postgres: &Postgres) -> Option<(Place<()>, String)> {
    let url = postgres.url.place();
    let options = match postgres_options(config, postgres) {
        Ok(options) => options,
        Err(error) => return Some((url, Causes(&error).to_string())),
    };
    match block_on(Some(1), options.check()) {
        Ok(Ok(schema)) if schema.is_known() => None,
        Ok(Ok(_)) => {
            let newer = "a newer version of this program has used the database";
            Some((url, newer.to_owned()))
        }
        Ok(Err(error)) => {
            let connections = postgres.connections.as_ref().map(Place::place);
            let place = match &error {
                PostgresError::FewConnections { .. } => connections.unwrap_or(url),
                _ => url,
            };
            let help = error.help();
            let help = help.map(|help| format!("\n        help: {help}"));
            let problem = Causes(&error).to_string() + &help.unwrap_or_default();
            Some((place, problem))
        }
        Err(error) => Some((url, format!("cannot use the database: {error}"))),
    }
}

/// Why no file can be made in a directory; the agent makes a missing directory at its start.
fn unwritable(directory: &Path) -> Option<String> {
    let mut there = directory;
    while !there.exists() {
        there = match there.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
    }
    let is_directory = fs::metadata(there).is_ok_and(|metadata| metadata.is_dir());
    if !is_directory {
        return Some(format!("{} is not a directory", there.display()));
    }
    match tempfile::tempfile_in(there) {
        Ok(_) => None,
        Err(error) => Some(format!("cannot write to {}: {error}", there.display())),
    }
}
