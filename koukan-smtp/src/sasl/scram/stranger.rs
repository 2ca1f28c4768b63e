//! Verifiers of users whom there are not.

use super::{
    Entries, Verifier,
    keys::{Key, signature},
};

/// Iterations where no user is known.
const ITERATIONS: u32 = 65_536;
/// Octets of a salt, as `koukan passwd` makes them.
const SALT: usize = 16;

/// Makes up verifiers: for the same user always the same, which looks like the others and fits no
/// password.
pub(crate) struct Stranger(Key);

impl Stranger {
    /// Verifiers that only this secret leads to.
    pub(crate) fn new(secret: Key) -> Self {
        Self(secret)
    }

    /// The verifier of a user who is not among those.
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
