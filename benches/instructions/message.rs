//! Messages that are built from a description, and parsed.

use std::hint::black_box;

use koukan_core::{
    body::Body,
    message::parser::{ParseLimits, parse},
};

use crate::{letter::composition, runtime::block_on};

const ATTACHMENT: usize = 100_000;

/// A letter in two alternatives with an attachment of 100 KB, read to its end.
pub(crate) fn build(times: usize) {
    let composition = composition(ATTACHMENT);
    block_on(async {
        for _ in 0..times {
            let discarded = Body::from(composition.clone()).discard().await;
            discarded.expect("blobs do not fail");
        }
    });
}

/// The same letter, into JSON and blobs.
pub(crate) fn parse_whole(times: usize) {
    block_on(async {
        let whole = Body::from(composition(ATTACHMENT))
            .collect(usize::MAX)
            .await;
        let whole = whole.expect("blobs do not fail");
        for _ in 0..times {
            black_box(parse(whole.clone(), &ParseLimits::default()));
        }
    });
}
