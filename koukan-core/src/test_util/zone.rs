//! Zone files as a script for a resolver.
//!
//! *Source*: RFC 1035 section 5.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::network::{Alias, DnsAnswer, Mx, Proof, Tlsa};

use super::ScriptedResolver;

/// The records of one name.
#[derive(Default)]
struct Name {
    addresses: Vec<IpAddr>,
    mx: Vec<Mx>,
    txt: Vec<Box<[u8]>>,
    tlsa: Vec<Tlsa>,
    ptr: Vec<Box<str>>,
    alias_of: Option<String>,
    is_secure: bool,
}

impl ScriptedResolver {
    /// A DNS with the names in a zone file: records of the types A, AAAA, MX, TXT, TLSA, PTR and CNAME.
    /// Aliases are followed for addresses only; each look-up of a name whose aliases form a circle fails. A name in the file has no records of other types, which is
    /// an answer; any other name does not exist.
    ///
    /// Comments with an exclamation mark are faults of the name before them: `;! servfail` makes each
    /// look-up of it fail, and `;! timeout` makes none ever end. `;! secure` on a line of its own says
    /// that what follows is proven by DNSSEC, and `;! insecure` that it is not.
    ///
    /// # Panics
    ///
    /// If a line cannot be read.
    ///
    /// # Example
    ///
    /// ```
    /// use koukan_core::{network::{LookupError, Resolver}, test_util::ScriptedResolver};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let resolver = ScriptedResolver::of_zone(r#"
    ///     $ORIGIN example.com.
    ///     @          3600 IN MX 10 mx
    ///                     TXT "v=spf1 mx " "-all"
    ///     mx              A 192.0.2.1
    ///     broken          ;! servfail
    /// "#);
    /// let mx = resolver.mx("example.com").await.unwrap();
    /// assert_eq!(&*mx.records[0].host, "mx.example.com");
    /// assert!(resolver.mx("mx.example.com").await.unwrap().records.is_empty());
    /// let failed = resolver.addresses("broken.example.com").await;
    /// assert!(matches!(failed, Err(LookupError::Failed(_))));
    /// let unknown = resolver.addresses("other.example.com").await;
    /// assert!(matches!(unknown, Err(LookupError::NoSuchName)));
    /// # });
    /// ```
    #[must_use]
    pub fn of_zone(text: &str) -> Self {
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            let read = reader.line(line);
            assert!(read.is_some(), "line {} is no record: {line}", index + 1);
        }
        reader.resolver()
    }
}

#[derive(Default)]
struct Reader {
    origin: String,
    owner: String,
    is_secure: bool,
    names: BTreeMap<String, Name>,
    failing: Vec<String>,
    silent: Vec<String>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Option<()> {
        let (tokens, fault) = tokens(line)?;
        let mut words = tokens.iter().map(String::as_str).peekable();
        if words.peek() == Some(&"$ORIGIN") {
            words.next();
            self.origin = key(words.next()?);
            return Some(());
        }
        // Records with the same owner as the one before begin with their type, or with a TTL.
        let is_new = words.peek().is_some_and(|word| !is_kind_or_ttl(word));
        if is_new {
            self.owner = self.absolute(words.next()?);
        }
        match fault.as_deref() {
            None => {}
            Some("secure") => self.is_secure = true,
            Some("insecure") => self.is_secure = false,
            Some("servfail") => self.failing.push(self.owner.clone()),
            Some("timeout") => self.silent.push(self.owner.clone()),
            Some(_) => return None,
        }
        while words
            .peek()
            .is_some_and(|word| *word == "IN" || word.parse::<u32>().is_ok())
        {
            words.next();
        }
        let Some(kind) = words.next() else {
            return (fault.is_some() || tokens.is_empty()).then_some(());
        };
        let data: Vec<_> = words.collect();
        self.record(kind, &data)
    }

    fn record(&mut self, kind: &str, data: &[&str]) -> Option<()> {
        let absolute = |name: &str| self.absolute(name);
        let mut found = Name::default();
        match (kind, data) {
            ("A", [address]) => found
                .addresses
                .push(address.parse::<Ipv4Addr>().ok()?.into()),
            ("AAAA", [address]) => found
                .addresses
                .push(address.parse::<Ipv6Addr>().ok()?.into()),
            ("MX", [preference, host]) => {
                let mx = Mx::new(preference.parse().ok()?, absolute(host));
                found.mx.push(mx);
            }
            ("TXT", [_, ..]) => found.txt.push(data.concat().into_bytes().into()),
            ("CNAME", [name]) => found.alias_of = Some(absolute(name)),
            ("PTR", [name]) => found.ptr.push(absolute(name).into()),
            ("TLSA", [usage, selector, matching, rest @ ..]) => found.tlsa.push(Tlsa {
                usage: usage.parse().ok()?,
                selector: selector.parse().ok()?,
                matching: matching.parse().ok()?,
                data: hexadecimal(&rest.concat())?,
            }),
            _ => return None,
        }
        let name = self.names.entry(self.owner.clone()).or_default();
        name.addresses.append(&mut found.addresses);
        name.mx.append(&mut found.mx);
        name.txt.append(&mut found.txt);
        name.tlsa.append(&mut found.tlsa);
        name.ptr.append(&mut found.ptr);
        name.alias_of = found.alias_of.or(name.alias_of.take());
        name.is_secure = self.is_secure;
        Some(())
    }

    fn absolute(&self, name: &str) -> String {
        match name {
            "." => String::new(),
            "@" => self.origin.clone(),
            _ if name.ends_with('.') || self.origin.is_empty() => key(name),
            _ => format!("{}.{}", key(name), self.origin),
        }
    }

    /// The addresses of a name, which may be an alias.
    fn addresses(&self, name: &Name) -> DnsAnswer<IpAddr> {
        let proof = |is_secure| match is_secure {
            true => Proof::Secure,
            false => Proof::Insecure,
        };
        let (mut end, mut of, mut is_secure) = (name, None, name.is_secure);
        // No more steps than there are names: aliases may form a circle.
        for _ in 0..self.names.len() {
            let Some(target) = &end.alias_of else {
                break;
            };
            of = Some(target);
            let Some(found) = self.names.get(target) else {
                return DnsAnswer::insecure([]);
            };
            end = found;
            is_secure &= end.is_secure;
        }
        let alias = of.map(|of| Alias {
            of: of.as_str().into(),
            proof: proof(name.is_secure),
        });
        proved(end.addresses.clone(), proof(is_secure)).with_alias(alias)
    }

    /// Whether the name is an alias of an alias, and so on without end.
    fn is_endless(&self, name: &Name) -> bool {
        let of = |name: &Name| self.names.get(name.alias_of.as_ref()?);
        let aliases = std::iter::successors(of(name), |name| of(name));
        aliases.take(self.names.len()).count() == self.names.len()
    }

    fn resolver(self) -> ScriptedResolver {
        let mut resolver = ScriptedResolver::new();
        for (name, records) in &self.names {
            resolver = resolver.with_addresses(name, self.addresses(records));
            if self.is_endless(records) {
                resolver = resolver.with_failure(name);
            }
        }
        for (name, records) in self.names {
            let proof = match records.is_secure {
                true => Proof::Secure,
                false => Proof::Insecure,
            };
            if let Some(address) = address_of(&name) {
                resolver = resolver.with_ptr(address, proved(records.ptr, proof));
            }
            resolver = resolver
                .with_mx(&name, proved(records.mx, proof))
                .with_txt(&name, proved(records.txt, proof))
                .with_tlsa(&name, proved(records.tlsa, proof));
        }
        for name in self.failing {
            let address = address_of(&name).map(|address| address.to_string());
            resolver = resolver.with_failure(address.as_deref().unwrap_or(&name));
        }
        for name in self.silent {
            let address = address_of(&name).map(|address| address.to_string());
            resolver = resolver.with_silence(address.as_deref().unwrap_or(&name));
        }
        resolver
    }
}

fn proved<T>(records: Vec<T>, proof: Proof) -> DnsAnswer<T> {
    let mut answer = DnsAnswer::insecure(records);
    answer.proof = proof;
    answer
}

fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn is_kind_or_ttl(word: &str) -> bool {
    matches!(
        word,
        "IN" | "A" | "AAAA" | "MX" | "TXT" | "TLSA" | "PTR" | "CNAME"
    ) || word.parse::<u32>().is_ok()
}

/// The words of a line, texts without their quotation marks, and what follows `;!`.
fn tokens(line: &str) -> Option<(Vec<String>, Option<String>)> {
    let mut tokens = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        if let Some(comment) = rest.strip_prefix(';') {
            let fault = comment
                .strip_prefix('!')
                .map(|fault| fault.trim().to_owned());
            return Some((tokens, fault));
        }
        let (token, after) = match rest.strip_prefix('"') {
            Some(text) => text.split_once('"')?,
            None => {
                let end = rest.find([' ', '\t', ';']).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        tokens.push(token.to_owned());
        rest = after.trim_start();
    }
    Some((tokens, None))
}

fn hexadecimal(text: &str) -> Option<Box<[u8]>> {
    let octets = (0..text.len()).step_by(2);
    octets
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

/// The address that a name of the reverse tree denotes.
fn address_of(name: &str) -> Option<IpAddr> {
    if let Some(labels) = name.strip_suffix(".in-addr.arpa") {
        let labels: Vec<_> = labels.rsplit('.').collect();
        return labels.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    let labels = name.strip_suffix(".ip6.arpa")?.rsplit('.');
    let digits = labels.map(|label| u128::from_str_radix(label, 16).ok());
    let digits: Vec<_> = digits.collect::<Option<_>>()?;
    let bits = digits.iter().fold(0, |bits, digit| bits << 4 | digit);
    (digits.len() == 32).then(|| IpAddr::V6(Ipv6Addr::from(bits)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{LookupError, Resolver};

    #[tokio::test]
    async fn a_zone_is_read_as_it_is_written() {
        let resolver = ScriptedResolver::of_zone(
            r#"
            ; a comment
            $ORIGIN Example.com.
            @       MX 10 mx        ; with a comment
                    MX 20 mx.example.net.
            null    IN MX 0 .
            ;! secure
            mx      300 A 192.0.2.1
                    AAAA 2001:db8::1
            _25._tcp.mx TLSA 3 1 1 00ff AB
            ;! insecure
            text    TXT "one; two" " three"
            1.2.0.192.in-addr.arpa. PTR mx.example.com.
            1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR mx
            down    A 192.0.2.9 ;! servfail
            other   CNAME alias
            alias   CNAME mx
            ;! secure
            proved  CNAME text2
            ;! insecure
            text2   A 192.0.2.3
            ring    CNAME back
            back    CNAME ring
            in      CNAME ring
            9.2.0.192.in-addr.arpa. ;! servfail
            "#,
        );
        let mx = resolver.mx("example.com").await.unwrap();
        assert_eq!(mx.proof, Proof::Insecure);
        let expected = [Mx::new(10, "mx.example.com"), Mx::new(20, "mx.example.net")];
        assert_eq!(mx.records, expected);
        let null = resolver.mx("null.example.com").await.unwrap();
        assert_eq!(null.records, [Mx::new(0, "")]);
        let addresses = resolver.addresses("mx.example.com").await.unwrap();
        assert_eq!(
            (addresses.records.len(), addresses.proof),
            (2, Proof::Secure)
        );
        let tlsa = resolver.tlsa("_25._tcp.mx.example.com").await.unwrap();
        assert_eq!(&*tlsa.records[0].data, [0, 0xff, 0xab]);
        let text = resolver.txt("text.example.com").await.unwrap();
        assert_eq!(&*text.records[0], b"one; two three");
        for address in ["192.0.2.1", "2001:db8::1"] {
            let names = resolver.ptr(address.parse().unwrap()).await.unwrap();
            assert_eq!(&*names.records[0], "mx.example.com");
        }
        for (name, of, proofs) in [
            ("other", "mx", [Proof::Insecure, Proof::Insecure]),
            ("proved", "text2", [Proof::Insecure, Proof::Secure]),
        ] {
            let name = format!("{name}.example.com");
            let found = resolver.addresses(&name).await.unwrap();
            let alias = found.alias.unwrap();
            assert!(!found.records.is_empty(), "{name}");
            assert_eq!(&*alias.of, format!("{of}.example.com"), "{name}");
            assert_eq!([found.proof, alias.proof], proofs, "{name}");
        }
        for name in ["down", "ring", "back", "in"] {
            let failed = resolver.addresses(&format!("{name}.example.com")).await;
            assert!(matches!(failed, Err(LookupError::Failed(_))), "{name}");
        }
        let failed = resolver.ptr("192.0.2.9".parse().unwrap()).await;
        assert!(matches!(failed, Err(LookupError::Failed(_))));
    }

    #[test]
    #[should_panic(expected = "line 2 is no record: a SRV 1 2")]
    fn what_cannot_be_read_is_told() {
        let _ = ScriptedResolver::of_zone("a A 192.0.2.1\na SRV 1 2");
    }
}
