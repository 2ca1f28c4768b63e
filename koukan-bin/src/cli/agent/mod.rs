//! Requests to the REST API of a running agent, or to the database of a stopped one.

mod stopped;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    Builder,
    command::{block_on, complain},
};
use axum::{
    body::{Body, to_bytes},
    http::{
        Method, Request, Response,
        header::{AUTHORIZATION, HeaderValue},
    },
};
use clap::Args;
use futures_util::StreamExt;
use koukan_rest::client::{ClientError, ClientSettings, HttpClient};
use serde_json::Value;
use tower::{BoxError, ServiceExt};

use super::printed::{self, say};

/// The most octets in a JSON answer.
const ANSWER_MAX: usize = 256 << 20;

/// Which agent to ask, and how to authenticate.
#[derive(Debug, Args)]
pub(in crate::cli) struct Agent {
    /// The URL of the agent's REST API.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:8000"
    )]
    url: String,
    /// A file with a bearer token whose role is `operate`.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// A file with the trusted certificates, in PEM, instead of the system's.
    #[arg(long, global = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The configuration file of a stopped agent, to see what is in its database.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with_all = ["url", "token_file", "ca_file"]
    )]
    config: Option<PathBuf>,
    /// The parts that the configuration may name.
    #[arg(skip)]
    parts: Builder,
}

impl Agent {
    /// The same, with the parts that the configuration may name.
    pub(in crate::cli) fn with_parts(mut self, parts: Builder) -> Self {
        self.parts = parts;
        self
    }

    /// Sends a request whose answer is JSON.
    pub(in crate::cli) async fn ask(&self, method: Method, path: &str) -> Result<Value, BoxError> {
        let response = self.request(method, path).await?;
        let octets = to_bytes(response.into_body(), ANSWER_MAX).await?;
        let json = serde_json::from_slice(&octets);
        json.map_err(|error| format!("the answer of {} is not JSON: {error}", self.url).into())
    }

    /// Sends the same request for each of several names, and prints each answer. An error is
    /// reported, and does not keep the others from being sent.
    pub(in crate::cli) async fn ask_each(
        &self,
        method: Method,
        all: impl Iterator<Item = (&str, String)>,
        (is_json, table): (bool, fn(&Value) -> String),
    ) -> ExitCode {
        let mut code = ExitCode::SUCCESS;
        for (name, path) in all {
            match self.ask(method.clone(), &path).await {
                Ok(answer) => print(&answer, is_json, table),
                Err(error) => {
                    eprintln!("koukan: {name}: {error}");
                    code = ExitCode::FAILURE;
                }
            }
        }
        code
    }

    /// Copies the answer to standard output.
    pub(in crate::cli) async fn copy(&self, path: &str) -> Result<(), BoxError> {
        let response = self.request(Method::GET, path).await?;
        let mut octets = response.into_body().into_data_stream();
        while let Some(some) = octets.next().await {
            printed::print(&some?)?;
        }
        Ok(())
    }

    async fn request(&self, method: Method, path: &str) -> Result<Response<Body>, BoxError> {
        let response = match &self.config {
            Some(config) if method == Method::GET => {
                stopped::ask(self.parts.clone(), config, path).await?
            }
            Some(config) => {
                let config = config.display();
                let error = format!(
                    "only a running agent changes its queue: start it with `koukan run --config \
                     {config}`, and say where its REST API is by --url in place of --config"
                );
                return Err(error.into());
            }
            None => self.send(method, path).await?,
        };
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    async fn send(&self, method: Method, path: &str) -> Result<Response<Body>, BoxError> {
        let mut settings = ClientSettings::default();
        if let Some(file) = &self.ca_file {
            settings = settings.with_ca(read(file)?);
        }
        let base = self.url.trim_end_matches('/');
        let request = Request::builder().method(method);
        let request = request.uri(format!("{base}{path}"));
        let mut request = request.body(Body::empty())?;
        if let Some(file) = &self.token_file {
            let bearer = format!("Bearer {}", read(file)?.trim());
            let mut bearer = HeaderValue::try_from(bearer)
                .map_err(|_| format!("{} is not a token", file.display()))?;
            bearer.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        let response = HttpClient::new(&settings)?.oneshot(request).await;
        response.map_err(|error| self.unanswered(error))
    }

    fn unanswered(&self, error: ClientError) -> BoxError {
        match error {
            ClientError::Unreachable(cause) => format!(
                "no agent answers at {}: {cause}; --url says where its REST API is, and --config shows the \
                 queue of one that is stopped",
                self.url
            )
            .into(),
            error => error.into(),
        }
    }

    /// The error for a request that the agent refuses.
    async fn refused(&self, response: Response<Body>) -> BoxError {
        let status = response.status();
        let octets = to_bytes(response.into_body(), ANSWER_MAX).await;
        let problem: Option<Value> = octets
            .ok()
            .and_then(|octets| serde_json::from_slice(&octets).ok());
        let detail = problem
            .as_ref()
            .and_then(|problem| problem["detail"].as_str());
        let help = match status.as_u16() {
            401 | 403 => "; --token-file names a file with a token whose role is `operate`",
            _ => "",
        };
        match detail {
            Some(detail) => format!("{detail}{help}").into(),
            None => format!("{} answers with {status}{help}", self.url).into(),
        }
    }
}

/// Runs a command, and reports an error if it fails.
pub(in crate::cli) fn carry_out(
    command: impl Future<Output = Result<ExitCode, BoxError>>,
) -> ExitCode {
    match block_on(Some(1), command) {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => complain(&*error),
        Err(error) => complain(&error),
    }
}

/// Prints an answer.
pub(in crate::cli) fn print(answer: &Value, is_json: bool, table: impl FnOnce(&Value) -> String) {
    match is_json {
        true => say(format_args!("{answer:#}")),
        false => say(table(answer).trim_end()),
    }
}

/// Percent-encodes a text for a URI: RFC 3986 section 2.
pub(in crate::cli) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'-' | b'.' | b'_' | b'~' => escaped.push(char::from(octet)),
            octet if octet.is_ascii_alphanumeric() => escaped.push(char::from(octet)),
            octet => {
                // Writing to a string cannot fail.
                let _ = fmt::Write::write_fmt(&mut escaped, format_args!("%{octet:02X}"));
            }
        }
    }
    escaped
}

fn read(file: &Path) -> Result<String, BoxError> {
    let text = fs::read_to_string(file);
    text.map_err(|error| format!("cannot read {}: {error}", file.display()).into())
}
