//! Reading the header section of a body without changing the body.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

use crate::{
    blob::HeldOctets,
    message::header_fields::HeaderFields,
    reply::{Rejection, Reply},
};

use super::{Body, BodyError, Source, transform::not_kept};

/// The longest header section that is read, in octets.
pub const HEADER_MAX: usize = 256 << 10;

impl Body {
    /// Reads the header section, including the empty line at its end, and returns it with a body of the same
    /// octets. A body that is a blob or a composition stays one, and is read by a second reader; of any other
    /// body no more is read than necessary. The octets are charged to `held`.
    ///
    /// # Errors
    ///
    /// [`BodyError`]. A header section longer than [`HEADER_MAX`] is a rejection with
    /// [`Reply::message_too_big`], since nothing is decided by a part of it.
    pub async fn with_header_section(
        mut self,
        mut held: Option<&mut HeldOctets>,
    ) -> Result<(Self, Bytes), BodyError> {
        self.ready().await?;
        let body = match self.into_blob() {
            Ok((prefix, blob)) => {
                let mut beside = Self::from_blob(prefix.clone(), blob.clone());
                let (header, _) = read(&mut beside, &mut held).await?;
                return Ok((Self::from_blob(prefix, blob), header));
            }
            Err(body) => body,
        };
        let mut body = match body.into_composition() {
            Ok((prefix, composition)) => {
                let mut beside = Self::from_composition(prefix.clone(), composition.clone());
                let (header, _) = read(&mut beside, &mut held).await?;
                return Ok((Self::from_composition(prefix, composition), header));
            }
            Err(body) => body,
        };
        let (header, chunks) = read(&mut body, &mut held).await?;
        for chunk in chunks.into_iter().rev() {
            body.prepend(chunk);
        }
        Ok((body, header))
    }
}

impl Body {
    /// Reads the fields of the header section, to look at and change them. Waits for the header section only. The
    /// body keeps the same octets.
    ///
    /// The octets are charged to nobody. Filters use
    /// [`Transaction::edit_header`](crate::transaction::Transaction::edit_header), which charges them to the
    /// transaction's account.
    ///
    /// # Errors
    ///
    /// Those of [`Body::with_header_section`].
    ///
    /// # Cancel safety
    ///
    /// If this is dropped while the header section is being read, the body ends with an error.
    ///
    /// # Example
    ///
    /// ```
    /// use bytes::Bytes;
    /// use koukan_core::body::Body;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let mut body = Body::from(Bytes::from_static(b"Subject: hi\r\n\r\nhello\r\n"));
    /// let mut header = body.header().await?;
    /// let subject = header.first("Subject").map(|field| field.text()).unwrap_or_default();
    /// header.replace_text("Subject", &format!("[list] {subject}"))?;
    /// body.set_header(&header);
    /// assert_eq!(body.collect(100).await?, "Subject: [list] hi\r\n\r\nhello\r\n");
    /// # Ok::<(), tower::BoxError>(())
    /// # }).unwrap();
    /// ```
    pub async fn header(&mut self) -> Result<HeaderFields, BodyError> {
        self.header_held(None).await
    }

    /// As [`Body::header`], charged to `held`.
    pub(crate) async fn header_held(
        &mut self,
        held: Option<&mut HeldOctets>,
    ) -> Result<HeaderFields, BodyError> {
        let body = std::mem::replace(self, Self::new(Source::Broken));
        let (body, octets) = body.with_header_section(held).await?;
        *self = body;
        Ok(HeaderFields::parse(octets))
    }

    /// Replaces the header section by one that was [read](Body::header) from this body and changed. Call it once, on
    /// the same body, before anything else is read of it. In another body it would replace the same number of
    /// octets, whatever they are.
    pub fn set_header(&mut self, header: &HeaderFields) {
        match header.only_added() {
            Some(added) => self.prepend(added),
            None => {
                let body = std::mem::replace(self, Self::empty());
                let octets = header.to_octets();
                *self = body.with_start_replaced(header.octets_before(), octets);
            }
        }
    }

    /// Replaces the first `octets` octets. The body is then neither a blob nor a composition.
    pub fn with_start_replaced(self, octets: u64, by: Bytes) -> Self {
        let mut left = octets;
        let mut body = self.map(move |mut chunk: Bytes| {
            let cut = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
            left -= cut as u64;
            Ok::<_, Rejection>(chunk.split_off(cut))
        });
        body.prepend(by);
        body
    }
}

/// The header section, and the chunks that contained it.
async fn read(
    body: &mut Body,
    held: &mut Option<&mut HeldOctets>,
) -> Result<(Bytes, Vec<Bytes>), BodyError> {
    let mut header = BytesMut::new();
    let mut chunks = Vec::new();
    let mut line = LineStart::default();
    while let Some(chunk) = body.next().await? {
        let end = line.find_end(&chunk);
        let part = &chunk[..end.unwrap_or(chunk.len())];
        if header.len() + part.len() > HEADER_MAX {
            let reply = Reply::message_too_big().with_text("header section too long");
            return Err(Rejection::new(reply).into());
        }
        if let Some(held) = held {
            let added = held.add(part.len() as u64);
            added.map_err(|error| not_kept(&error))?;
        }
        // A copy, so that the header section does not keep the whole chunk in memory.
        header.extend_from_slice(part);
        chunks.push(chunk);
        if end.is_some() {
            break;
        }
    }
    Ok((header.freeze(), chunks))
}

/// The position within a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum LineStart {
    #[default]
    Start,
    /// After a CR at the start of a line.
    Cr,
    Within,
}

impl LineStart {
    /// The end of the empty line within the next octets.
    fn find_end(&mut self, octets: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(octet) = octets.get(at) {
            *self = match (*self, octet) {
                (Self::Start | Self::Cr, b'\n') => return Some(at + 1),
                (Self::Start, b'\r') => Self::Cr,
                _ => {
                    let Some(end) = memchr(b'\n', &octets[at..]) else {
                        *self = Self::Within;
                        return None;
                    };
                    at += end;
                    Self::Start
                }
            };
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::blob::Blob;

    fn chunks(message: &str, size: usize) -> Body {
        let chunks: Vec<_> = message
            .as_bytes()
            .chunks(size)
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
            .collect();
        Body::from_stream(stream::iter(chunks))
    }

    #[tokio::test]
    async fn the_header_section_ends_with_an_empty_line_wherever_chunks_end() {
        for (message, header) in [
            ("", ""),
            ("A: b", "A: b"),
            ("\r\nx\r\n\r\n", "\r\n"),
            ("A: b\r\n c\r\n\r\nx\r\n\r\ny", "A: b\r\n c\r\n\r\n"),
            ("A: b\n\nx\n", "A: b\n\n"),
            ("A: b\r\n\n", "A: b\r\n\n"),
            ("A: b\r\n\rx: y\r\n\r\nz", "A: b\r\n\rx: y\r\n\r\n"),
            ("A: b\r\n\r\n", "A: b\r\n\r\n"),
        ] {
            for size in 1..=message.len().max(1) {
                let mut body = chunks(message, size);
                body.prepend("P: q\r\n".into());
                let (body, read) = body.with_header_section(None).await.unwrap();
                assert_eq!(read, format!("P: q\r\n{header}"), "{message:?} by {size}");
                let all = body.collect(100).await.unwrap();
                assert_eq!(all, format!("P: q\r\n{message}"));
            }
            let body = Body::from(Blob::from_bytes(Bytes::from(message)));
            let (body, read) = body.with_header_section(None).await.unwrap();
            assert_eq!(read, header);
            assert_eq!(
                body.into_blob().unwrap().1.len(),
                Some(message.len() as u64)
            );
        }
    }

    #[tokio::test]
    async fn nothing_is_decided_by_a_part_of_it() {
        let long = format!("A: {}\r\n\r\n", "b".repeat(HEADER_MAX));
        for body in [chunks(&long, 1000), Body::from(Bytes::from(long.clone()))] {
            let error = body.with_header_section(None).await.unwrap_err();
            assert!(matches!(error, BodyError::Rejected(_)), "{error}");
        }
        let all = "b".repeat(HEADER_MAX - 7);
        let fits = format!("A: {all}\r\n\r\n{all}");
        let (_, header) = chunks(&fits, 1000).with_header_section(None).await.unwrap();
        assert_eq!(header.len(), HEADER_MAX);
    }
}
