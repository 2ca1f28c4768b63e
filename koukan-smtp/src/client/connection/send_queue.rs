//! Octets that wait to be written.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes, BytesMut};

/// Pieces of up to this many octets are copied together; longer ones are written from where they are.
const COPIED_MAX: usize = 512;

/// Octets that wait to be written, in pieces, for vectored writes.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    pieces: VecDeque<Bytes>,
    /// Octets in `pieces`.
    length: usize,
    /// Commands and short pieces that come after `pieces`.
    tail: BytesMut,
}

impl SendQueue {
    /// The end of the queue, for commands to be appended.
    pub(crate) fn tail(&mut self) -> &mut BytesMut {
        &mut self.tail
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if piece.len() <= COPIED_MAX {
            self.tail.extend_from_slice(&piece);
            return;
        }
        if !self.tail.is_empty() {
            let tail = self.tail.split().freeze();
            self.push_piece(tail);
        }
        self.push_piece(piece);
    }

    fn push_piece(&mut self, piece: Bytes) {
        self.length += piece.len();
        self.pieces.push_back(piece);
    }

    pub(crate) fn len(&self) -> usize {
        self.length + self.tail.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.length = 0;
        self.tail.clear();
    }
}

impl Buf for SendQueue {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        self.pieces.front().map_or(&self.tail, |piece| piece)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = self.pieces.iter().map(|piece| &piece[..]);
        let tail = Some(&self.tail[..]).filter(|tail| !tail.is_empty());
        slices
            .iter_mut()
            .zip(pieces.chain(tail))
            .map(|(slice, piece)| *slice = IoSlice::new(piece))
            .count()
    }

    fn advance(&mut self, mut octets: usize) {
        while let Some(piece) = self.pieces.front_mut() {
            let step = octets.min(piece.len());
            piece.advance(step);
            octets -= step;
            self.length -= step;
            if !piece.is_empty() {
                return;
            }
            self.pieces.pop_front();
        }
        self.tail.advance(octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> SendQueue {
        let mut queue = SendQueue::default();
        queue.tail().extend_from_slice(b"BDAT 603 LAST\r\n");
        queue.push(Bytes::from_static(&[b'x'; 600]));
        queue.push(Bytes::from_static(b"end"));
        queue
    }

    #[test]
    fn gives_slices_for_one_vectored_write() {
        let queue = queue();
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(queue.chunks_vectored(&mut slices), 3);
        let lengths: Vec<usize> = slices.iter().map(|slice| slice.len()).collect();
        assert_eq!(lengths, [15, 600, 3, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn is_used_up_in_steps_of_any_length() {
        for step in 1..=618 {
            let mut queue = queue();
            let mut wire = Vec::new();
            while queue.has_remaining() {
                assert_eq!(queue.remaining() + wire.len(), 618);
                let step = step.min(queue.remaining());
                let mut slices = [IoSlice::new(&[]); 8];
                let count = queue.chunks_vectored(&mut slices);
                let octets = slices[..count].iter().flat_map(|slice| slice.iter());
                wire.extend(octets.take(step).copied());
                queue.advance(step);
            }
            assert!(wire.starts_with(b"BDAT 603 LAST\r\nx") && wire.ends_with(b"xend"));
            assert_eq!(wire.len(), 618);
        }
    }
}
