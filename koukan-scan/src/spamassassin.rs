//! spamd, which recognises spam: its command SYMBOLS.
//!
//! A request is a line, header fields and a message; so is the answer. `Spam: True ; 7.1 / 5.0` gives the score
//! and the threshold; the content names the rules that matched.
//!
//! *Source*: spamd/PROTOCOL of SpamAssassin.

use koukan_core::{network::BoxWire, reply::Reply, signals::DurableSignal};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};

use crate::{Finding, Message, Question, ScanError, ScanResult, Scanner, lines::answer};

/// The request to spamd, and how its answer is read.
#[derive(Debug, Clone, Default)]
pub struct SpamAssassin {
    user: Option<Box<str>>,
}

/// What spamd says of a message: the signal `spamassassin`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpamAssassinFinding(pub Finding);

impl DurableSignal for SpamAssassinFinding {
    const NAME: &'static str = "spamassassin";
}

impl From<Finding> for SpamAssassinFinding {
    fn from(finding: Finding) -> Self {
        Self(finding)
    }
}

impl From<SpamAssassinFinding> for Finding {
    fn from(found: SpamAssassinFinding) -> Self {
        found.0
    }
}

impl SpamAssassin {
    /// Uses the preferences of this user of spamd. Only ASCII letters, digits and `-._@` are sent; other
    /// characters are left out.
    #[must_use]
    pub fn with_user(mut self, user: &str) -> Self {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-._@".contains(*c);
        self.user = Some(user.chars().filter(is_plain).collect());
        self
    }

    async fn show(
        &self,
        wire: impl AsyncWrite + Unpin,
        size: u64,
        mut message: Message,
    ) -> Result<(), ScanError> {
        let mut wire = BufWriter::new(wire);
        let mut head = format!("SYMBOLS SPAMC/1.5\r\nContent-length: {size}\r\n");
        if let Some(user) = &self.user {
            head.push_str("User: ");
            head.push_str(user);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        wire.write_all(head.as_bytes()).await?;
        while let Some(octets) = message.next().await? {
            wire.write_all(&octets).await?;
        }
        wire.flush().await?;
        Ok(())
    }
}

impl Scanner for SpamAssassin {
    type Signal = SpamAssassinFinding;

    async fn ask(&self, mut wire: BoxWire, question: Question<'_>) -> Result<Finding, ScanError> {
        self.show(&mut wire, question.size, question.message)
            .await?;
        // spamd closes the connection at the end of its answer.
        read(&answer(&mut wire, |_| false).await?)
    }

    async fn ping(&self, mut wire: BoxWire) -> Result<(), ScanError> {
        wire.write_all(b"PING SPAMC/1.2\r\n\r\n").await?;
        let said = answer(&mut wire, |octets| octets.contains(&b'\n')).await?;
        let said = String::from_utf8_lossy(&said);
        let said = said.trim_end();
        let is_pong = said.starts_with("SPAMD/") && said.ends_with(" 0 PONG");
        is_pong.then_some(()).ok_or_else(|| ScanError::said(said))
    }

    fn refusal(&self, finding: &Finding) -> Option<Reply> {
        (finding.result == ScanResult::Spam).then(Reply::spam)
    }
}

fn read(said: &[u8]) -> Result<Finding, ScanError> {
    let said = String::from_utf8_lossy(said);
    let first = said.lines().next().unwrap_or_default();
    let wrong = || ScanError::said(first);
    let (head, content) = said.split_once("\r\n\r\n").ok_or_else(wrong)?;
    let mut words = first.split(' ');
    let is_answer = words.next().is_some_and(|word| word.starts_with("SPAMD/"));
    if !is_answer || words.next() != Some("0") {
        return Err(wrong());
    }
    let verdict = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.trim().eq_ignore_ascii_case("spam");
        is_it.then(|| value.trim())
    });
    let verdict = verdict.ok_or_else(wrong)?;
    let (is_spam, scores) = verdict.split_once(';').ok_or_else(wrong)?;
    let (score, threshold) = scores.split_once('/').ok_or_else(wrong)?;
    let [score, threshold] = [score, threshold].map(|number| number.trim().parse::<f64>());
    let (score, threshold) = (score.map_err(|_| wrong())?, threshold.map_err(|_| wrong())?);
    let result = match is_spam.trim() {
        "True" | "Yes" => ScanResult::Spam,
        "False" | "No" => ScanResult::Clean,
        _ => return Err(wrong()),
    };
    let symbols = content.split([',', '\r', '\n']).map(str::trim);
    Ok(Finding::new(result)
        .with_score(score, threshold)
        .with_symbols(symbols.filter(|name| !name.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spamd_says_is_read() {
        let said =
            "SPAMD/1.1 0 EX_OK\r\nContent-length: 9\r\nSpam: True ; 7.1 / 5.0\r\n\r\nA_B,C\r\n";
        let found = read(said.as_bytes()).unwrap();
        assert_eq!(found.result, ScanResult::Spam);
        assert_eq!((found.score, found.threshold), (Some(7.1), Some(5.0)));
        assert_eq!(found.symbols, ["A_B", "C"]);
        let clean = said
            .replace("True ; 7.1", "False ; -0.1")
            .replace("A_B,C", "");
        let found = read(clean.as_bytes()).unwrap();
        assert_eq!((found.result, found.score), (ScanResult::Clean, Some(-0.1)));
        assert!(found.symbols.is_empty());
        for (from, to) in [
            ("0 EX_OK", "76 Bad header line"),
            ("Spam: True", "Spam: Perhaps"),
            ("7.1 / 5.0", "7.1"),
            ("Spam", "Ham"),
            ("\r\n\r\n", ""),
            ("SPAMD", "HTTP"),
        ] {
            assert!(read(said.replace(from, to).as_bytes()).is_err(), "{to}");
        }
    }
}
