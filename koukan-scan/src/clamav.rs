//! clamd, which looks for viruses: its command INSTREAM.
//!
//! Each piece of the message is sent with its length before it; a piece of zero octets marks the end. clamd answers
//! `stream: OK`, `stream: NAME FOUND`, or a text that ends in `ERROR`.
//!
//! *Source*: clamd(8), of ClamAV.

use koukan_core::{network::BoxWire, reply::Reply, signals::DurableSignal};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};

use crate::{Finding, Message, Question, ScanError, ScanResult, Scanner, lines::answer};

/// The commands sent to clamd, and how its answers are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clamav;

/// What clamd says of a message: the signal `clamav`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClamavFinding(pub Finding);

impl DurableSignal for ClamavFinding {
    const NAME: &'static str = "clamav";
}

impl From<Finding> for ClamavFinding {
    fn from(finding: Finding) -> Self {
        Self(finding)
    }
}

impl From<ClamavFinding> for Finding {
    fn from(found: ClamavFinding) -> Self {
        found.0
    }
}

impl Scanner for Clamav {
    type Signal = ClamavFinding;

    async fn ask(&self, mut wire: BoxWire, question: Question<'_>) -> Result<Finding, ScanError> {
        let shown = show(&mut wire, question.message).await;
        let shown = match shown {
            Err(error) if matches!(error, ScanError::Unread) || error.is_slow_write() => {
                return Err(error);
            }
            shown => shown,
        };
        // clamd may have answered before it has read the whole message, and have hung up.
        let said = answer(&mut wire, |octets| octets.contains(&0)).await;
        match (shown, said) {
            (Ok(()), Ok(said)) if !said.is_empty() => read(&said),
            (Err(lost), Ok(said)) if !said.is_empty() => match read(&said)? {
                // "Clean" does not count then: clamd has seen only a part of the message.
                found if found.result == ScanResult::Clean => Err(lost),
                found => Ok(found),
            },
            (Err(lost), _) => Err(lost),
            (Ok(()), Err(lost)) => Err(lost),
            (Ok(()), Ok(_)) => Err(ScanError::said("nothing")),
        }
    }

    async fn ping(&self, mut wire: BoxWire) -> Result<(), ScanError> {
        wire.write_all(b"zPING\0").await?;
        let said = answer(&mut wire, |octets| octets.contains(&0)).await?;
        match &*said {
            b"PONG\0" => Ok(()),
            said => Err(ScanError::said(&String::from_utf8_lossy(said))),
        }
    }

    fn refusal(&self, finding: &Finding) -> Option<Reply> {
        if finding.result != ScanResult::Infected {
            return None;
        }
        let reply = Reply::infected();
        Some(match finding.symbols.first() {
            Some(name) => {
                let name: String = name.chars().filter(char::is_ascii_graphic).collect();
                let text = format!("{} ({name})", reply.text());
                reply.with_text(text)
            }
            None => reply,
        })
    }
}

async fn show(wire: impl AsyncWrite + Unpin, mut message: Message) -> Result<(), ScanError> {
    let mut wire = BufWriter::new(wire);
    wire.write_all(b"zINSTREAM\0").await?;
    while let Some(octets) = message.next().await? {
        // An empty piece would mark the end of the message.
        for piece in octets.chunks(1 << 20) {
            wire.write_u32(u32::try_from(piece.len()).unwrap_or_default())
                .await?;
            wire.write_all(piece).await?;
        }
    }
    wire.write_u32(0).await?;
    wire.flush().await?;
    Ok(())
}

fn read(said: &[u8]) -> Result<Finding, ScanError> {
    let said = said.split(|octet| *octet == 0).next().unwrap_or_default();
    let said = String::from_utf8_lossy(said);
    let said = said.trim();
    let found = said.strip_prefix("stream:").map(str::trim);
    match found {
        Some("OK") => Ok(Finding::new(ScanResult::Clean)),
        Some(found) if found.ends_with(" FOUND") => {
            let name = found.trim_end_matches(" FOUND");
            Ok(Finding::new(ScanResult::Infected).with_symbols([name]))
        }
        None if said.contains("size limit exceeded") => Err(ScanError::TooLarge),
        _ => Err(ScanError::said(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clamd_says_is_read() {
        let clean = read(b"stream: OK\0").unwrap();
        assert_eq!(clean, Finding::new(ScanResult::Clean));
        let infected = read(b"stream: A.B c FOUND\0rest").unwrap();
        assert_eq!(infected.symbols, ["A.B c"]);
        let large = read(b"INSTREAM size limit exceeded. ERROR\0").unwrap_err();
        assert!(matches!(large, ScanError::TooLarge));
        for said in [
            "stream: FOUND",
            "",
            "UNKNOWN COMMAND",
            "stream: broken ERROR",
        ] {
            let error = read(said.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), format!("the scanner says: {said}"));
        }
    }
}
