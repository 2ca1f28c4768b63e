//! Verifiers for users who do not exist.

use super::{
    Entries, Verifier,
    keys::{Key, signature},
};

/// Iterations where there are no users to compare with.
const ITERATIONS: u32 = 65_536;
/// Octets of a salt that `koukan passwd` makes.
const SALT: usize = 16;

/// Makes up verifiers. The same user always gets the same one; it looks like a real verifier and
/// fits no password.
pub(crate) struct Stranger(Key);

impl Stranger {
    /// Makes verifiers that depend on this secret.
    pub(crate) fn new(secret: Key) -> Self {
        Self(secret)
    }

    /// The verifier for a user who is not among the known ones.
    pub(crate) fn verifier(&self, user: &str, known: &Entries) -> Verifier {
        let of = |what: &str| signature(&self.0, &format!("{what}:{user}"));
        let iterations = known.iterations().unwrap_or(ITERATIONS);
        let salt = of("salt");
        Verifier::of_nobody(&salt[..SALT], iterations, [of("stored"), of("server")])
    }
}

impl std::fmt::Debug for Stranger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stranger")
    }
}
