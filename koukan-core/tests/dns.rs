//! The resolver that asks DNS servers, against a server on loopback.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::proto::{
    op::{Message, Metadata, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME, MX, PTR, TXT},
    },
};
use koukan_core::network::{DnsResolver, DnsSettings, LookupError, Mx, NoDns, Proof, Resolver};
use tokio::{net::UdpSocket, task::JoinHandle};

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

/// The records of a name.
fn records(asked: &str, kind: RecordType) -> Result<Vec<RData>, Option<ResponseCode>> {
    Ok(match (asked, kind) {
        ("example.com.", RecordType::MX) => vec![
            RData::MX(MX::new(10, name("mx.example.com."))),
            RData::MX(MX::new(20, name("Backup.Example.net."))),
        ],
        ("null.example.", RecordType::MX) => vec![RData::MX(MX::new(0, Name::root()))],
        ("mx.example.com.", RecordType::A) => vec![RData::A(A::new(192, 0, 2, 1))],
        ("mx.example.com.", RecordType::AAAA) => {
            vec![RData::AAAA(AAAA("2001:db8::1".parse().unwrap()))]
        }
        ("example.com.", RecordType::TXT) => {
            vec![RData::TXT(TXT::new(vec!["one ".into(), "text".into()]))]
        }
        ("bob+lists=x.example.", RecordType::TXT) => {
            vec![RData::TXT(TXT::new(vec!["odd".into()]))]
        }
        ("foreign.example.", RecordType::TXT) => vec![RData::TXT(TXT::new(vec!["own".into()]))],
        ("alias.example.", RecordType::TXT) => vec![RData::CNAME(CNAME(name("end.example.")))],
        ("1.2.0.192.in-addr.arpa.", RecordType::PTR) => {
            vec![RData::PTR(PTR(name("mx.example.com.")))]
        }
        ("loop.example.", _) => vec![RData::CNAME(CNAME(name("loop.example.")))],
        ("ring1.example.", _) => vec![RData::CNAME(CNAME(name("ring2.example.")))],
        ("ring2.example.", _) => vec![RData::CNAME(CNAME(name("Ring1.example.")))],
        ("3.2.0.192.in-addr.arpa.", _) => {
            vec![RData::CNAME(CNAME(name("3.2.0.192.in-addr.arpa.")))]
        }
        // The last of them has nothing.
        (asked, _) if asked.starts_with("alias-") => {
            let left = asked
                .strip_prefix("alias-")
                .and_then(|it| it.strip_suffix(".example."));
            match left.and_then(|left| left.parse::<u32>().ok()?.checked_sub(1)) {
                Some(left) => vec![RData::CNAME(CNAME(name(&format!("alias-{left}.example."))))],
                None => Vec::new(),
            }
        }
        ("half.example.", RecordType::A) => return Err(Some(ResponseCode::ServFail)),
        ("half.example.", _) => Vec::new(),
        ("fails.example.", _) => return Err(Some(ResponseCode::ServFail)),
        ("silent.example.", _) => return Err(None),
        ("example.com." | "mx.example.com.", _) => Vec::new(),
        _ => return Err(Some(ResponseCode::NXDomain)),
    })
}

/// Records of other names in the same answer.
fn beside(asked: &str) -> Vec<(Name, RData)> {
    let text = |text: &str| RData::TXT(TXT::new(vec![text.to_owned()]));
    match asked {
        "foreign.example." => vec![(name("other.example."), text("foreign"))],
        "alias.example." => vec![
            (name("other.example."), text("foreign")),
            (name("end.example."), text("end")),
        ],
        _ => Vec::new(),
    }
}

/// A DNS server that counts its queries, and stops with its task.
async fn server() -> (SocketAddr, Arc<AtomicUsize>, JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    let serve = async move {
        let mut octets = [0; 4096];
        loop {
            let (length, client) = socket.recv_from(&mut octets).await.unwrap();
            asked.fetch_add(1, Ordering::SeqCst);
            let request = Message::from_vec(&octets[..length]).unwrap();
            let query = request.queries[0].clone();
            let mut response = Message::query();
            response.metadata = Metadata::response_from_request(&request.metadata);
            response.add_query(query.clone());
            let octets: Vec<_> = query.name().iter().map(<[u8]>::to_vec).collect();
            let asked = String::from_utf8(octets.join(&b'.')).unwrap() + ".";
            let asked = asked.to_ascii_lowercase();
            match records(&asked, query.query_type()) {
                Ok(found) => {
                    for data in found {
                        response.add_answer(Record::from_rdata(query.name().clone(), 300, data));
                    }
                    for (name, data) in beside(&asked) {
                        response.add_answer(Record::from_rdata(name, 300, data));
                    }
                }
                Err(Some(code)) => response.metadata.response_code = code,
                Err(None) => continue,
            }
            let octets = response.to_vec().unwrap();
            socket.send_to(&octets, client).await.unwrap();
        }
    };
    (address, count, tokio::spawn(serve))
}

fn resolver(server: SocketAddr) -> DnsResolver {
    let mut settings = DnsSettings::default();
    settings.servers = vec![server];
    settings.timeout = Duration::from_millis(200);
    settings.attempts = 1;
    DnsResolver::new(&settings).unwrap()
}

#[tokio::test]
async fn records_of_each_kind_are_found_and_kept() {
    let (address, count, serving) = server().await;
    let resolver = resolver(address);
    let found = resolver.mx("Example.com").await.unwrap();
    assert_eq!(found.proof, Proof::Insecure);
    assert_eq!(found.ttl, Some(Duration::from_secs(300)));
    let mut hosts = found.records;
    hosts.sort_by_key(|mx| mx.preference);
    assert_eq!(hosts[0], Mx::new(10, "mx.example.com"));
    assert!(hosts[1].host.eq_ignore_ascii_case("backup.example.net"));
    let null = resolver.mx("null.example").await.unwrap();
    assert_eq!(null.records, [Mx::new(0, "")]);
    let mut addresses = resolver.addresses("mx.example.com").await.unwrap().records;
    addresses.sort();
    let expected: [IpAddr; 2] = ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
    assert_eq!(addresses, expected);
    let texts = resolver.txt("example.com.").await.unwrap().records;
    assert_eq!(texts, [Box::from(*b"one text")]);
    let names = resolver.ptr(expected[0]).await.unwrap().records;
    assert_eq!(names, ["mx.example.com".into()]);

    let before = count.load(Ordering::SeqCst);
    for _ in 0..10 {
        resolver.mx("example.com").await.unwrap();
        resolver.clone().addresses("mx.example.com").await.unwrap();
    }
    assert_eq!(count.load(Ordering::SeqCst), before, "answers are kept");
    serving.abort();
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_told_are_two_things() {
    let (address, _, serving) = server().await;
    let resolver = resolver(address);
    for (name, expected) in [
        ("none.example", "NoSuchName"),
        ("a..b", "NoSuchName"),
        ("a b.example", "NoSuchName"),
        ("[192.0.2.1]", "NoSuchName"),
        ("\u{e4}.example", "NoSuchName"),
        ("fails.example", "Failed"),
        ("silent.example", "Failed"),
    ] {
        let error = resolver.mx(name).await.unwrap_err();
        let is_expected = match expected {
            "NoSuchName" => matches!(error, LookupError::NoSuchName),
            _ => matches!(error, LookupError::Failed(_)),
        };
        assert!(is_expected, "{name}: {error:?}");
    }
    // DNS labels may contain any octets.
    let odd = resolver.txt("bob+lists=x.example").await.unwrap();
    assert_eq!(odd.records, [Box::from(*b"odd")]);
    let odd = resolver.addresses("a+b").await;
    assert!(matches!(odd, Err(LookupError::NoSuchName)), "{odd:?}");
    // It has no address of one family, and those of the other cannot be found out.
    let half = resolver.addresses("half.example").await;
    assert!(matches!(half, Err(LookupError::Failed(_))), "{half:?}");
    // The name exists, and has no records of that type.
    assert_eq!(resolver.mx("mx.example.com").await.unwrap().records, []);
    assert_eq!(
        resolver.addresses("example.com").await.unwrap().records,
        [] as [IpAddr; 0]
    );
    serving.abort();
}

/// RFC 1034 section 3.6.2: a circle of aliases is an error, and does not tell that there is nothing.
#[tokio::test]
async fn aliases_without_end_are_a_failure() {
    let (address, _, serving) = server().await;
    let resolver = resolver(address);
    // Also when it is asked for again.
    for name in [
        "loop.example",
        "ring1.example",
        "alias-20.example",
        "ring2.example",
        "loop.example",
    ] {
        let found = resolver.mx(name).await;
        assert!(
            matches!(found, Err(LookupError::Failed(_))),
            "{name}: {found:?}"
        );
        let found = resolver.addresses(name).await;
        assert!(
            matches!(found, Err(LookupError::Failed(_))),
            "{name}: {found:?}"
        );
        let found = resolver.txt(name).await;
        assert!(
            matches!(found, Err(LookupError::Failed(_))),
            "{name}: {found:?}"
        );
    }
    let found = resolver.ptr("192.0.2.3".parse().unwrap()).await;
    assert!(matches!(found, Err(LookupError::Failed(_))), "{found:?}");
    for name in ["alias-0.example", "alias-1.example", "alias-7.example"] {
        assert_eq!(resolver.mx(name).await.unwrap().records, [], "{name}");
        let addresses = resolver.addresses(name).await.unwrap().records;
        assert_eq!(addresses, [] as [IpAddr; 0], "{name}");
    }
    serving.abort();
}

#[tokio::test]
async fn what_stands_under_another_name_is_not_read() {
    let (address, _, serving) = server().await;
    let resolver = resolver(address);
    let found = resolver.txt("foreign.example").await.unwrap();
    assert_eq!(found.records, [Box::from(*b"own")]);
    assert_eq!(found.alias, None);
    let found = resolver.txt("alias.example").await.unwrap();
    assert_eq!(found.records, [Box::from(*b"end")]);
    let alias = found.alias.unwrap();
    assert_eq!((&*alias.of, alias.proof), ("end.example", Proof::Insecure));
    assert_eq!(
        resolver.txt("alias.example").await.unwrap().records.len(),
        1
    );
    serving.abort();
}

#[tokio::test]
async fn what_nobody_has_signed_is_refused_where_the_zone_is_to_be() {
    let (address, _, serving) = server().await;
    let directory = std::env::temp_dir();
    let file = directory.join(format!("koukan-anchor-{}", std::process::id()));
    // A key that made no signature here.
    let key = "example.com. IN DNSKEY 257 3 13 p+NxKrRPB/je2OTGdr02ocmLfFMyHRA0sblJfkGxgjmby26dH6D//\
               ypmKZSWnUaJ68GO+t4Pl247Pl0uyO956g==\n";
    std::fs::write(&file, key).unwrap();
    let mut settings = DnsSettings::default();
    settings.servers = vec![address];
    settings.timeout = Duration::from_millis(200);
    settings.attempts = 1;
    settings.validate = true;
    settings.trust_anchor = Some(file.clone());
    settings.check().unwrap();
    let resolver = DnsResolver::new(&settings).unwrap();
    std::fs::remove_file(&file).unwrap();
    let refused = resolver.mx("example.com").await;
    assert!(
        matches!(refused, Err(LookupError::Failed(_))),
        "{refused:?}"
    );
    assert!(matches!(settings.check(), Err(NoDns::NoTrust(..))));
    serving.abort();
}
