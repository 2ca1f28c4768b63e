//! Answers DNS messages (RFC 1035 section 4).

use super::zone::Zone;

const HEADER: usize = 12;
/// The time to live of answers, in seconds.
const TTL: u32 = 3600;
/// A pointer to the name in the question, for use wherever a name is needed.
const NAME_OF_QUESTION: [u8; 2] = [0xc0, HEADER as u8];
const IN: u16 = 1;
const SOA: u16 = 6;
const NO_SUCH_NAME: u8 = 3;

/// The answer to a message; `None` if the message is not a question.
pub(super) fn answer(message: &[u8], zone: &Zone) -> Option<Vec<u8>> {
    let header = message.get(..HEADER)?;
    let is_question = header[2] & 0xf8 == 0 && header[4..6] == [0, 1];
    if !is_question {
        return None;
    }
    let (name, length) = name(&message[HEADER..])?;
    let end = HEADER + length + 4;
    let question = message.get(HEADER..end)?;
    let kind = u16::from_be_bytes([question[length], question[length + 1]]);
    let records = zone.records(&name, kind);
    let code = match records {
        Some(_) => 0,
        None => NO_SUCH_NAME,
    };
    let records = records.unwrap_or_default();
    let count = u16::try_from(records.len()).ok()?;
    let negative = u16::from(count == 0);
    let mut answer = Vec::with_capacity(512);
    answer.extend_from_slice(&header[..2]);
    // An authoritative answer; recursion is available if it is desired.
    answer.extend_from_slice(&[0x84 | header[2] & 1, 0x80 | code]);
    for count in [1, count, negative, 0] {
        answer.extend_from_slice(&count.to_be_bytes());
    }
    answer.extend_from_slice(question);
    for data in records {
        record(&mut answer, &NAME_OF_QUESTION, kind, data)?;
    }
    if negative == 1 {
        // The SOA record of the root: for how long a negative answer may be cached.
        let numbers = [1, TTL, TTL, TTL, TTL].map(u32::to_be_bytes).concat();
        record(&mut answer, &[0], SOA, &[vec![0, 0], numbers].concat())?;
    }
    Some(answer)
}

fn record(answer: &mut Vec<u8>, name: &[u8], kind: u16, data: &[u8]) -> Option<()> {
    let length = u16::try_from(data.len()).ok()?;
    answer.extend_from_slice(name);
    answer.extend_from_slice(&kind.to_be_bytes());
    answer.extend_from_slice(&IN.to_be_bytes());
    answer.extend_from_slice(&TTL.to_be_bytes());
    answer.extend_from_slice(&length.to_be_bytes());
    answer.extend_from_slice(data);
    Some(())
}

/// A name in lower case, and how many octets it takes.
fn name(octets: &[u8]) -> Option<(String, usize)> {
    let mut name = String::new();
    let mut at = 0;
    loop {
        let length = usize::from(*octets.get(at)?);
        let label = octets.get(at + 1..at + 1 + length)?;
        at += 1 + length;
        if length == 0 {
            return Some((name, at));
        }
        if length > 63 {
            return None;
        }
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&std::str::from_utf8(label).ok()?.to_ascii_lowercase());
    }
}
