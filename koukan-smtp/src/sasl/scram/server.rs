//! The server's half.

use super::{
    super::{decode, encode, exchange::Malformed, messages},
    Verifier,
    keys::{hash, xor},
};

/// The most octets in a client's nonce.
const NONCE_MAX: usize = 128;

/// The server after the client's first message.
#[derive(Debug)]
pub(in super::super) struct Server {
    /// The header of the first message, as the client must repeat it.
    header: Box<str>,
    /// The first message without its header.
    first: Box<str>,
    client_nonce: Box<str>,
    pub(in super::super) user: Box<str>,
}

/// The server after its own first message.
#[derive(Debug)]
pub(in super::super) struct Challenged {
    server: Server,
    challenge: String,
    nonce: String,
    verifier: Verifier,
}

impl Server {
    /// Reads the client's first message.
    pub(in super::super) fn read(message: &[u8]) -> Result<Self, Malformed> {
        let text = str::from_utf8(message).map_err(|_| Malformed)?;
        let end = text.match_indices(',').nth(1).ok_or(Malformed)?.0 + 1;
        let (header, first) = text.split_at(end);
        let acts_as = messages::read_header(header)?;
        let mut attributes = first.split(',');
        // An `m=` in front would be an extension that this server does not understand, so it is refused.
        let user = attributes.next().and_then(|one| one.strip_prefix("n="));
        let user = messages::unescape(user.ok_or(Malformed)?)?;
        let nonce = attributes.next().and_then(|one| one.strip_prefix("r="));
        let nonce = nonce.ok_or(Malformed)?;
        let is_nonce = (1..=NONCE_MAX).contains(&nonce.len())
            && nonce.bytes().all(|octet| octet.is_ascii_graphic());
        let is_itself = acts_as.is_none_or(|other| *other == *user);
        if !is_nonce || !is_itself {
            return Err(Malformed);
        }
        Ok(Self {
            header: header.into(),
            first: first.into(),
            client_nonce: nonce.into(),
            user: user.into(),
        })
    }

    /// Makes the server's first message from the verifier of the user.
    pub(in super::super) fn challenge(self, verifier: Verifier, nonce: &str) -> Challenged {
        let nonce = format!("{}{nonce}", self.client_nonce);
        let (salt, iterations) = (encode(verifier.salt()), verifier.iterations());
        Challenged {
            challenge: format!("r={nonce},s={salt},i={iterations}"),
            server: self,
            nonce,
            verifier,
        }
    }
}

impl Challenged {
    /// The server's first message.
    pub(in super::super) fn message(&self) -> &str {
        &self.challenge
    }

    /// Reads the client's last message. Returns the server's last message, or `None` where the
    /// client's proof is wrong.
    pub(in super::super) fn verify(&self, message: &[u8]) -> Result<Option<String>, Malformed> {
        let text = str::from_utf8(message).map_err(|_| Malformed)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Malformed)?;
        let proof = decode(proof).map_err(|_| Malformed)?;
        let proof = proof.try_into().map_err(|_| Malformed)?;
        let mut attributes = without_proof.split(',');
        let binding = attributes.next().and_then(|one| one.strip_prefix("c="));
        let nonce = attributes.next().and_then(|one| one.strip_prefix("r="));
        let (Some(binding), Some(nonce)) = (binding, nonce) else {
            return Err(Malformed);
        };
        if binding != encode(&*self.server.header) || nonce != self.nonce {
            return Ok(None);
        }
        let said = format!("{},{},{without_proof}", self.server.first, self.challenge);
        let client_key = xor(proof, self.verifier.client_signature(&said));
        let is_proved = self.verifier.is_stored_key(&hash(&client_key));
        let signature = || encode(self.verifier.server_signature(&said));
        Ok(is_proved.then(|| format!("v={}", signature())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pencil() -> Verifier {
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
         wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
            .parse()
            .unwrap()
    }

    fn challenged() -> Challenged {
        let server = Server::read(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO").unwrap();
        assert_eq!(&*server.user, "user");
        server.challenge(pencil(), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    }

    const FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                         p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    /// The example of RFC 7677 section 3.
    #[test]
    fn the_example_of_the_rfc() {
        let challenged = challenged();
        assert_eq!(
            challenged.message(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        assert_eq!(
            challenged.verify(FINAL.as_bytes()),
            Ok(Some(
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_owned()
            ))
        );
    }

    #[test]
    fn what_proves_nothing_is_refused() {
        let challenged = challenged();
        for (text, expected) in [
            (FINAL.replace("dHzb", "dHzc"), Ok(None)),
            (FINAL.replace("biws", "eSws"), Ok(None)),
            (FINAL.replace("$k0", "$k1"), Ok(None)),
            (FINAL.replace("p=dHzb", "p="), Err(Malformed)),
            (FINAL.replace(",p=", ",q="), Err(Malformed)),
            (FINAL.replace("c=", "x="), Err(Malformed)),
            (String::new(), Err(Malformed)),
        ] {
            assert_eq!(challenged.verify(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn first_messages_that_are_none_are_refused() {
        for text in [
            "",
            "n,",
            "n,,",
            "n,,n=user",
            "n,,n=,r=x",
            "n,,n=user,r=",
            "n,,m=x,n=user,r=y",
            "n,a=root,n=user,r=x",
            "p=tls-exporter,,n=user,r=x",
            "n,,n=us=er,r=x",
        ] {
            assert!(Server::read(text.as_bytes()).is_err(), "{text}");
        }
        let long = format!("n,,n=user,r={}", "x".repeat(NONCE_MAX + 1));
        assert!(Server::read(long.as_bytes()).is_err());
        for text in ["y,,n=user,r=x", "n,a=user,n=user,r=x", "n,,n=user,r=x,z=1"] {
            assert!(Server::read(text.as_bytes()).is_ok(), "{text}");
        }
    }
}
