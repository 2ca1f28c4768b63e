//! How Mail::SRS rewrites addresses, and how it judges ours.

use std::process::Command;

use koukan_core::{
    clock::{Clock, SystemClock},
    path::Mailbox,
};
use koukan_mail_auth::srs::{Secrets, Srs};

const SECRET: &str = "a secret of one's own";

/// Prints `forward` of each pair of address and domain, and `reverse` of each address after `--`.
const SCRIPT: &str = r#"
use Mail::SRS;
my $srs = Mail::SRS->new(Secret => shift @ARGV);
while (defined(my $address = shift @ARGV)) {
    last if $address eq "--";
    print $srs->forward($address, shift @ARGV), "\n";
}
print eval { $srs->reverse($_) } // "refused", "\n" for @ARGV;
"#;

/// It is installed by `scripts/install-test-peers`.
fn perl(arguments: &[&str]) -> Vec<String> {
    let output = Command::new("perl")
        .args(["-e", SCRIPT, SECRET])
        .args(arguments)
        .output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn day() -> i64 {
    Srs::day(SystemClock.now().as_second())
}

#[test]
fn mail_srs_makes_the_same_addresses_and_finds_ours_again() {
    let secrets: Secrets = SECRET.parse().unwrap();
    let parse = |text: &str| text.parse::<Mailbox>().unwrap();
    let (first, second) = (Srs::new("f.example"), Srs::new("g.example"));
    for original in [
        "alice@example.org",
        "Alice+x=y@Example.ORG",
        "a.b@sub.example",
    ] {
        let ours = |day| first.rewrite(&parse(original), &secrets, day).unwrap();
        let before = day();
        let theirs = perl(&[original, "f.example"]).remove(0);
        // Midnight may pass between the two calls.
        let days = [before, day()];
        assert!(
            days.iter().any(|day| ours(*day).as_str() == theirs),
            "{theirs}"
        );
        let again = perl(&[&theirs, "g.example"]).remove(0);
        let ours_again = second.rewrite(&parse(&theirs), &secrets, before).unwrap();
        assert_eq!(ours_again.as_str(), again);
        assert_eq!(
            first
                .reverse(&parse(&theirs), &secrets, before)
                .unwrap()
                .as_str(),
            original
        );
        assert_eq!(
            second
                .reverse(&parse(&again), &secrets, before)
                .unwrap()
                .as_str(),
            theirs
        );
        let forged = theirs.replace("=example", "=evil");
        let old = ours(before - 40);
        let told = perl(&[
            "--",
            ours(before).as_str(),
            ours_again.as_str(),
            old.as_str(),
        ]);
        assert_eq!(told, [original, theirs.as_str(), "refused"]);
        assert!(first.reverse(&old, &secrets, before).is_err());
        if forged != theirs {
            assert!(first.reverse(&parse(&forged), &secrets, before).is_err());
        }
    }
}
