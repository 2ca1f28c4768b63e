//! The client's half.

use super::{
    super::{Failed, decode, encode, messages},
    keys::{ITERATIONS_MAX, ITERATIONS_MIN, Key, hash, key, salted, signature, xor},
};

const HEADER: &str = "n,,";

/// The client after its first message.
#[derive(Debug)]
pub(in super::super) struct Client {
    first: String,
    nonce: String,
    password: super::super::Password,
}

/// The client after it has proved that it knows the password; the server has to prove the same now.
#[derive(Debug)]
pub(in super::super) struct Proved {
    message: String,
    signature: Key,
}

impl Client {
    pub(in super::super) fn new(
        user: &str,
        password: super::super::Password,
        nonce: String,
    ) -> Self {
        Self {
            first: format!("n={},r={nonce}", messages::escape(user)),
            nonce,
            password,
        }
    }

    /// The client's first message.
    pub(in super::super) fn message(&self) -> String {
        format!("{HEADER}{}", self.first)
    }

    /// Answers the server's first message. This needs much computing time: run it on a thread for
    /// blocking work.
    pub(in super::super) fn prove(&self, challenge: &[u8]) -> Result<Proved, Failed> {
        let challenge = str::from_utf8(challenge).map_err(|_| Failed::Malformed)?;
        let mut attributes = challenge.split(',');
        let mut next = |name| {
            let value = attributes.next().and_then(|one| one.strip_prefix(name));
            value.ok_or(Failed::Malformed)
        };
        let (nonce, salt, iterations) = (next("r=")?, next("s=")?, next("i=")?);
        let is_ours = nonce.len() > self.nonce.len() && nonce.starts_with(&self.nonce);
        let salt = decode(salt).map_err(|_| Failed::Malformed)?;
        let iterations: u32 = iterations.parse().map_err(|_| Failed::Malformed)?;
        let is_bearable = (ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations);
        if !is_ours || !is_bearable {
            return Err(Failed::Malformed);
        }
        let salted = salted(self.password.reveal(), &salt, iterations);
        let without_proof = format!("c={},r={nonce}", encode(HEADER));
        let said = format!("{},{challenge},{without_proof}", self.first);
        let client_key = key(&salted, "Client Key");
        let proof = xor(client_key, signature(&hash(&client_key), &said));
        Ok(Proved {
            message: format!("{without_proof},p={}", encode(proof)),
            signature: signature(&key(&salted, "Server Key"), &said),
        })
    }
}

impl Proved {
    /// The client's last message.
    pub(in super::super) fn message(&self) -> &str {
        &self.message
    }

    /// Whether the server's last message proves that it knows the verifier.
    pub(in super::super) fn is_signed(&self, message: &[u8]) -> bool {
        message == format!("v={}", encode(self.signature)).as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677 section 3.
    #[test]
    fn the_example_of_the_rfc() {
        let client = Client::new("user", "pencil".into(), "rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(client.message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                         s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proved = client.prove(challenge.as_bytes()).unwrap();
        assert_eq!(
            proved.message(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert!(proved.is_signed(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!proved.is_signed(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
        for wrong in [
            challenge.replace("rOpr", "rOpx"),
            challenge.replace("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""),
            challenge.replace("4096", "4294967295"),
            challenge.replace("4096", "1"),
            challenge.replace("s=", "t="),
        ] {
            assert!(client.prove(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
