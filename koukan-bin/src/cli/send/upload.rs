//! Files as bodies, with a progress bar.

use std::{io, path::Path};

use bytes::BytesMut;
use futures_util::stream;
use koukan_core::body::{Body, BodyError};
use tokio::{fs::File, io::AsyncReadExt};
use tower::BoxError;

/// Octets to read at a time.
const CHUNK: usize = 256 << 10;
const WIDTH: usize = 30;

/// The content of a file. If `has_progress`, a progress bar is drawn on standard error while it is read.
///
/// # Errors
///
/// If the file cannot be read; the error names the file.
pub(super) async fn file(path: &Path, has_progress: bool) -> Result<Body, BoxError> {
    let failed = failed(path);
    let file = File::open(path).await.map_err(&failed)?;
    let len = file.metadata().await.map_err(&failed)?.len();
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let bar = Bar {
        name: name.unwrap_or_default(),
        len,
        done: 0,
        shown: None,
        has_progress,
    };
    let state = (file, bar, failed);
    let octets = stream::try_unfold(state, |(mut file, mut bar, failed)| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        while chunk.len() < CHUNK {
            let read = file.read_buf(&mut chunk).await;
            if read.map_err(|error| BodyError::Failed(failed(error)))? == 0 {
                break;
            }
        }
        bar.advance(chunk.len() as u64);
        Ok((!chunk.is_empty()).then(|| (chunk.freeze(), (file, bar, failed))))
    });
    Ok(Body::from_stream(octets))
}

/// Makes an error that names the file from an operating system's error.
pub(super) fn failed(path: &Path) -> impl Fn(io::Error) -> BoxError + Send + Sync + use<> {
    let path = path.display().to_string();
    move |error| format!("cannot read {path}: {error}").into()
}

struct Bar {
    name: String,
    len: u64,
    done: u64,
    /// The percentage that was drawn last.
    shown: Option<u64>,
    has_progress: bool,
}

impl Bar {
    fn advance(&mut self, octets: u64) {
        self.done += octets;
        let percent = (self.done * 100)
            .checked_div(self.len)
            .unwrap_or(100)
            .min(100);
        if !self.has_progress || self.shown == Some(percent) {
            return;
        }
        self.shown = Some(percent);
        let full = usize::try_from(percent).unwrap_or(100) * WIDTH / 100;
        let (done, rest) = ("=".repeat(full), " ".repeat(WIDTH - full));
        eprint!("\r{} [{done}{rest}] {percent:3} %", self.name);
        if percent == 100 {
            eprintln!();
        }
    }
}
