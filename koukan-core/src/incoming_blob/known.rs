//! Compares uploaded octets with those that are there.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

use crate::{
    blob::{BlobReader, BlobWriter},
    resource::Refusal,
};

/// Octets that are there, read beside the uploaded ones.
///
/// While one exists, nothing may be appended.
#[derive(Default)]
pub(super) struct Known {
    stretches: VecDeque<Stretch>,
    left: u64,
}

/// Octets that are stored in one place.
struct Stretch {
    /// `None` if the piece is everything.
    reader: Option<BlobReader>,
    /// Octets that were read and not yet compared.
    piece: Bytes,
    left: u64,
}

impl Known {
    /// Adds the octets from `start` to `end` of a blob, which has at least that many.
    pub(super) fn add(&mut self, writer: &BlobWriter, start: u64, end: u64) {
        let left = end.saturating_sub(start);
        if left > 0 {
            self.left += left;
            self.stretches.push_back(Stretch {
                reader: Some(writer.reader(start)),
                piece: Bytes::new(),
                left,
            });
        }
    }

    /// Adds these octets.
    pub(super) fn add_octets(&mut self, octets: &'static [u8]) {
        let piece = Bytes::from_static(octets);
        let left = piece.len() as u64;
        self.left += left;
        self.stretches.push_back(Stretch {
            reader: None,
            piece,
            left,
        });
    }

    /// How many octets are left to compare.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// How many of these octets equal those that are there: as many as both have, or fewer, up to
    /// the first difference.
    pub(super) async fn matching(&mut self, octets: &[u8]) -> Result<usize, Refusal> {
        let mut same = 0;
        while same < octets.len()
            && let Some(stretch) = self.stretches.front_mut()
        {
            let wanted = stretch.piece().await?;
            let len = wanted.len().min(octets.len() - same);
            let pairs = wanted[..len].iter().zip(&octets[same..]);
            let equal = match wanted[..len] == octets[same..same + len] {
                true => len,
                false => pairs.take_while(|(one, other)| one == other).count(),
            };
            stretch.piece.advance(equal);
            stretch.left -= equal as u64;
            self.left -= equal as u64;
            same += equal;
            if equal < len {
                break;
            }
            if stretch.left == 0 {
                self.stretches.pop_front();
            }
        }
        Ok(same)
    }
}

impl Stretch {
    /// The next octets.
    async fn piece(&mut self) -> Result<&Bytes, Refusal> {
        if self.piece.is_empty()
            && let Some(reader) = &mut self.reader
        {
            let piece = reader.next().await.map_err(|error| {
                tracing::error!(%error, "could not read back an upload");
                Refusal::no_room()
            })?;
            self.piece = piece.ok_or_else(Refusal::internal)?;
            let left = usize::try_from(self.left).unwrap_or(usize::MAX);
            self.piece.truncate(left);
        }
        Ok(&self.piece)
    }
}
