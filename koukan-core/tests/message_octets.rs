//! The parser loses no octet of a message.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use koukan_core::message::parser::{ParseLimits, parse};
use proptest::prelude::*;

/// The pieces of messages; `#` becomes a word that occurs nowhere else.
const PIECES: [&str; 22] = [
    "Subject: #\r\n",
    "X-#: # #\r\n",
    "X: #\r\n\t#\r\n",
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: multipart/alternative; boundary=\"c\"\r\n",
    "Content-Type: multipart/related; boundary=b\r\n",
    "Content-Type: multipart/digest; boundary=c\r\n",
    "Content-Type: message/rfc822\r\n",
    "Content-Type: text/rfc822-headers\r\n",
    "Content-Type: message/delivery-status\r\n",
    "Content-Type: image/png\r\n",
    "Content-Type: text/html; charset=koi8-r\r\n",
    "\r\n",
    "\r\n",
    "--b\r\n",
    "--c\r\n",
    "--b--\r\n",
    "--c--\r\n",
    "--b #\r\n",
    "--b#\r\n",
    "--c-- #\r\n",
    "#\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_word_is_somewhere(
        pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40),
        from in any::<bool>(),
        max_inline in proptest::sample::select(vec![0, 20, 1024]),
        max_depth in 0_usize..5,
        max_parts in proptest::sample::select(vec![0, 1, 2, 5, 1000]),
    ) {
        let mut message = String::from(if from { "From #\r\n" } else { "" });
        message.extend(pieces);
        let mut words = Vec::new();
        while let Some(at) = message.find('#') {
            let word = format!("w{}w", words.len());
            message.replace_range(at..=at, &word);
            words.push(word);
        }
        let limits = ParseLimits::default()
.with_max_inline(max_inline)
.with_max_depth(max_depth)
.with_max_parts(max_parts);
        let parsed = parse(message.clone().into(), &limits);
        let mut found = parsed.json.to_string();
        for (_, octets) in &parsed.blobs {
            found.push('\n');
            found.push_str(std::str::from_utf8(octets).unwrap());
        }
        for word in words {
            prop_assert!(found.contains(&word), "{word} of {message:?} is not in {found}");
        }
    }
}
