//! Builds the message from the options.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use koukan_core::{
    message::builder::Spec,
    path::{ForwardPath, ReversePath},
};
use serde_json::{Value, json};
use tower::BoxError;

use super::{
    input::{is_standard, read_standard, text},
    source::Source,
    upload::failed,
};

/// The message: a file, or a description. One option may be `-`, for standard input.
#[derive(Debug, Args)]
pub(crate) struct Message {
    /// An RFC 5322 message; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["builder", "subject", "text", "html", "attach"])]
    eml: Option<PathBuf>,
    /// A message builder spec in JSON; the other options are added to it. `-` is standard input. A
    /// content `{"filename": "FILE"}` is uploaded from that file.
    #[arg(long, value_name = "FILE")]
    builder: Option<PathBuf>,
    /// The subject.
    #[arg(long)]
    subject: Option<String>,
    /// A body in plain text; `-` is standard input.
    #[arg(long)]
    text: Option<String>,
    /// A body in HTML; `-` is standard input.
    #[arg(long)]
    html: Option<String>,
    /// A file to attach; may be given several times.
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
}

impl Message {
    pub(super) fn source(
        &self,
        from: &ReversePath,
        to: &[ForwardPath],
    ) -> Result<Source, BoxError> {
        self.check()?;
        if let Some(file) = &self.eml {
            return eml(file);
        }
        let (mut spec, place) = match &self.builder {
            None => (json!({}), None),
            Some(file) => {
                let (octets, place) = if is_standard(file) {
                    (read_standard()?, "standard input".to_owned())
                } else {
                    let octets = fs::read(file).map_err(failed(file))?;
                    (octets, file.display().to_string())
                };
                let spec = serde_json::from_slice(&octets);
                (
                    spec.map_err(|error| format!("{place}: {error}"))?,
                    Some(place),
                )
            }
        };
        let in_place = |message: String| match &place {
            Some(place) => format!("{place}: {message}"),
            None => message,
        };
        if !spec.is_object() {
            return Err(in_place("a message builder spec is a JSON object".into()).into());
        }
        let mut files = Vec::new();
        take_files(&mut spec, &mut files);
        self.add_headers(&mut spec, from, to);
        if let Some(given) = &self.text {
            add(&mut spec, "text_body", part("text/plain", &text(given)?));
        }
        if let Some(given) = &self.html {
            add(&mut spec, "text_body", part("text/html", &text(given)?));
        }
        for file in &self.attach {
            let id = format!("file{}", files.len());
            let name = file.file_name().map(|name| name.to_string_lossy());
            add(
                &mut spec,
                "file_attachments",
                json!({
                    "content_type": content_type(file),
                    "filename": name.unwrap_or_default(),
                    "content": {"create_id": id},
                }),
            );
            files.push((id, file.clone()));
        }
        // Errors are reported before anything is sent.
        Spec::from_json(&spec).map_err(|error| in_place(error.to_string()))?;
        for (_, file) in &files {
            check_file(file)?;
        }
        Ok(Source::Builder { spec, files })
    }

    /// Checks that there is a message, and that standard input is used only once.
    fn check(&self) -> Result<(), BoxError> {
        let files = [&self.eml, &self.builder].map(|file| file.as_ref().is_some_and(is_standard));
        let texts = [&self.text, &self.html].map(|text| text.as_ref().is_some_and(is_standard));
        let dashes = files.into_iter().chain(texts).filter(|is_dash| *is_dash);
        if dashes.count() > 1 {
            return Err(
                "standard input can be only one of --eml, --builder, --text, --html".into(),
            );
        }
        if self.attach.iter().any(is_standard) {
            return Err("--attach names a file: standard input has no name and no type".into());
        }
        let has_text = self.text.is_some() || self.html.is_some();
        let has_file = self.eml.is_some() || self.builder.is_some() || !self.attach.is_empty();
        if has_text || has_file {
            return Ok(());
        }
        Err(
            "there is nothing to send: give --text, --html, --attach, --builder or --eml \
             (`--text -` reads standard input, `--text ''` is an empty message)"
                .into(),
        )
    }

    fn add_headers(&self, spec: &mut Value, from: &ReversePath, to: &[ForwardPath]) {
        let has = |spec: &Value, name: &str| {
            let headers = spec.get("headers").and_then(Value::as_array);
            let headers = headers.into_iter().flatten();
            let mut names = headers.filter_map(|header| header[0].as_str());
            names.any(|known| known.eq_ignore_ascii_case(name))
        };
        if let ReversePath::Mailbox(from) = from
            && !has(spec, "from")
        {
            add(
                spec,
                "headers",
                json!(["from", [{"address": from.as_str()}]]),
            );
        }
        if !has(spec, "to") {
            let to: Vec<_> = to
                .iter()
                .filter_map(ForwardPath::mailbox)
                .map(|to| json!({"address": to.as_str()}))
                .collect();
            if !to.is_empty() {
                add(spec, "headers", json!(["to", to]));
            }
        }
        if let Some(subject) = &self.subject {
            add(spec, "headers", json!(["subject", subject]));
        }
    }
}

/// A whole message.
fn eml(file: &Path) -> Result<Source, BoxError> {
    if !is_standard(file) {
        if check_file(file)? == 0 {
            return Err(format!("there is no message in {}: it is empty", file.display()).into());
        }
        return Ok(Source::Eml(file.into()));
    }
    Ok(Source::Read(read_standard()?.into()))
}

/// Checks before anything is sent that a file can be read; returns its size in octets.
fn check_file(file: &Path) -> Result<u64, BoxError> {
    let metadata = fs::metadata(file).map_err(failed(file))?;
    if metadata.is_dir() {
        return Err(format!("cannot read {}: it is a directory", file.display()).into());
    }
    Ok(metadata.len())
}

fn part(content_type: &str, text: &str) -> Value {
    json!({"content_type": content_type, "content": {"inline": text}})
}

fn add(spec: &mut Value, list: &str, value: Value) {
    match spec.get_mut(list).and_then(Value::as_array_mut) {
        Some(list) => list.push(value),
        None => spec[list] = json!([value]),
    }
}

/// Replaces contents that name files by contents to be uploaded.
fn take_files(spec: &mut Value, files: &mut Vec<(String, PathBuf)>) {
    for list in ["text_body", "related_attachments", "file_attachments"] {
        let parts = spec.get_mut(list).and_then(Value::as_array_mut);
        let parts = parts.into_iter().flatten();
        for content in parts.filter_map(|part| part.get_mut("content")) {
            let Some(file) = content.get("filename").and_then(Value::as_str) else {
                continue;
            };
            let given = content.get("create_id").and_then(Value::as_str);
            let id = given.map_or_else(|| format!("file{}", files.len()), str::to_owned);
            files.push((id.clone(), file.into()));
            *content = json!({"create_id": id});
        }
    }
}

/// The content type of a file, by its file name extension.
fn content_type(file: &Path) -> &'static str {
    let extension = file.extension().map(|end| end.to_ascii_lowercase());
    match extension.as_deref().and_then(|end| end.to_str()) {
        Some("txt" | "log" | "md") => "text/plain",
        Some("htm" | "html") => "text/html",
        Some("csv") => "text/csv",
        Some("ics") => "text/calendar",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("svg") => "image/svg+xml",
        Some("pdf") => "application/pdf",
        Some("zip") => "application/zip",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
