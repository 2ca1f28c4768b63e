//! Each property holds for its corpus, and for variations of it.

use std::{fs, path::Path};

use koukan_properties::ALL;

/// How many variations are tried for each file of a corpus.
const TRIES: u64 = 1_000;

/// The most octets that are tried.
const LEN_MAX: usize = 4_096;

/// The most files of one corpus.
const FILES_MAX: usize = 32;

/// The most octets of one corpus.
const OCTETS_MAX: usize = 16 << 10;

/// Pieces of syntax.
const TOKENS: [&[u8]; 16] = [
    b"\r\n",
    b"\n",
    b"\r",
    b".",
    b"\0",
    b"<",
    b">",
    b"@",
    b"\"",
    b":",
    b"=",
    b",",
    b"\xff",
    b" ",
    b"--",
    b"9999999999",
];

/// Pseudo-random numbers that are the same each time (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        usize::try_from(number).unwrap_or_default() % end.max(1)
    }

    fn span(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.below(len + 1);
        start..start + self.below((len - start).min(64) + 1)
    }
}

/// Changes some octets.
fn change(octets: &mut Vec<u8>, others: &[Vec<u8>], numbers: &mut Numbers) {
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(octets.len() + 1);
        match numbers.below(6) {
            0 => octets.insert(at, numbers.below(256) as u8),
            1 => {
                let token = TOKENS[numbers.below(TOKENS.len())];
                octets.splice(at..at, token.iter().copied());
            }
            2 => {
                let span = numbers.span(octets.len());
                octets.drain(span);
            }
            3 => {
                let span = numbers.span(octets.len());
                let again = octets[span].to_vec();
                octets.splice(at..at, again);
            }
            4 => {
                let other = &others[numbers.below(others.len())];
                let span = numbers.span(other.len());
                octets.splice(at..at, other[span].iter().copied());
            }
            _ => {
                if let Some(octet) = octets.get_mut(at) {
                    *octet ^= 1 << numbers.below(8);
                }
            }
        }
    }
    octets.truncate(LEN_MAX);
}

#[test]
fn each_property_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    std::thread::scope(|scope| {
        for (name, holds) in ALL {
            let folder = corpus.join(name);
            let mut files: Vec<_> = fs::read_dir(&folder)
                .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
                .map(|entry| entry.expect("a file").path())
                .collect();
            files.sort();
            scope.spawn(move || {
                let seeds: Vec<_> = files
                    .iter()
                    .map(|file| fs::read(file).expect("octets"))
                    .collect();
                assert!(seeds.len() > 2, "{name} has hardly a corpus");
                let octets: usize = seeds.iter().map(Vec::len).sum();
                let is_small = seeds.len() <= FILES_MAX && octets <= OCTETS_MAX;
                assert!(is_small, "{name}: {} files, {octets} octets", seeds.len());
                let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
                for seed in &seeds {
                    holds(seed);
                    for _ in 0..TRIES {
                        let mut octets = seed.clone();
                        change(&mut octets, &seeds, &mut numbers);
                        // Printed if it fails.
                        let shown = octets.escape_ascii().to_string();
                        let result = std::panic::catch_unwind(|| holds(&octets));
                        assert!(result.is_ok(), "{name} does not hold of b\"{shown}\"");
                    }
                }
            });
        }
    });
}

#[test]
fn each_folder_of_the_corpus_has_a_property_and_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for entry in fs::read_dir(fuzz.join("corpus")).expect("the corpus") {
        let name = entry.expect("a folder").file_name();
        assert!(ALL.iter().any(|(of, _)| **of == *name), "{name:?}");
    }
    for (name, _) in ALL {
        let target = fuzz.join(format!("fuzz_targets/{name}.rs"));
        let text = fs::read_to_string(&target).expect("a target");
        assert!(
            text.contains(&format!("check(\"{name}\", octets)")),
            "{name}"
        );
    }
}
