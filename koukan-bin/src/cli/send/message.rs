//! What a message is made of.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use koukan_core::{
    message::builder::Spec,
    path::{ForwardPath, ReversePath},
    resource::Location,
};
use serde_json::{Value, json};
use tower::BoxError;

/// The message: a file, or a description.
#[derive(Debug, Args)]
pub(crate) struct Message {
    /// An RFC 5322 message.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["builder", "subject", "text", "html", "attach"])]
    eml: Option<PathBuf>,
    /// A message builder spec in JSON; what else is given is added to it. A content
    /// `{"filename": "FILE"}` is uploaded from that file.
    #[arg(long, value_name = "FILE")]
    builder: Option<PathBuf>,
    /// The subject.
    #[arg(long)]
    subject: Option<String>,
    /// A body in plain text.
    #[arg(long)]
    text: Option<String>,
    /// A body in HTML.
    #[arg(long)]
    html: Option<String>,
    /// A file to attach; may be given several times.
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
}

/// What is created, and which files are uploaded for it.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The whole message.
    Eml(PathBuf),
    /// A message that was uploaded already.
    Uploaded(Location),
    /// A description, and the file for each `create_id`.
    Builder {
        spec: Value,
        files: Vec<(String, PathBuf)>,
    },
}

impl Message {
    pub(crate) fn source(
        &self,
        from: &ReversePath,
        to: &[ForwardPath],
    ) -> Result<Source, BoxError> {
        if let Some(file) = &self.eml {
            return Ok(Source::Eml(file.clone()));
        }
        let mut spec = match &self.builder {
            None => json!({}),
            Some(file) => {
                let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
                let text = fs::read(file).map_err(|error| wrong(&error))?;
                serde_json::from_slice(&text).map_err(|error| wrong(&error))?
            }
        };
        if !spec.is_object() {
            return Err("a message builder spec is a JSON object".into());
        }
        let mut files = Vec::new();
        take_files(&mut spec, &mut files);
        self.add_headers(&mut spec, from, to);
        if let Some(text) = &self.text {
            add(&mut spec, "text_body", part("text/plain", text));
        }
        if let Some(html) = &self.html {
            add(&mut spec, "text_body", part("text/html", html));
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
        // What is wrong is told before anything is sent.
        Spec::from_json(&spec)?;
        for (_, file) in &files {
            fs::metadata(file).map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(Source::Builder { spec, files })
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

fn part(content_type: &str, text: &str) -> Value {
    json!({"content_type": content_type, "content": {"inline": text}})
}

fn add(spec: &mut Value, list: &str, value: Value) {
    match spec.get_mut(list).and_then(Value::as_array_mut) {
        Some(list) => list.push(value),
        None => spec[list] = json!([value]),
    }
}

/// Replaces contents that name files by what is to be uploaded.
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

/// The content type of a file by the end of its name.
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
