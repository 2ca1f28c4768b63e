//! Signatures made by OpenDKIM, which `scripts/install-test-peers` installs.

use std::fs;

use super::*;

/// The message with OpenDKIM's signature.
fn signed(folder: &Path, form: &str, message: &str) -> String {
    let path = |name: &str| folder.join(name);
    fs::write(path("message.eml"), message).unwrap();
    let settings = format!(
        "Mode s\nDomain example.com\nSelector s\nKeyFile {}\nRequireSafeKeys no\nCanonicalization {form}\n",
        path("key.pem").display()
    );
    fs::write(path("opendkim.conf"), settings).unwrap();
    let mut opendkim = Command::new("/usr/sbin/opendkim");
    opendkim.arg("-x").arg(path("opendkim.conf"));
    // OpenDKIM's test mode prints the field that it would insert.
    let output = opendkim.args(["-vvv", "-t"]).arg(path("message.eml"));
    let output = output.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let field = told.split_once("hname='DKIM-Signature' hvalue='");
    let field = field.and_then(|(_, rest)| rest.split_once('\''));
    let Some((field, _)) = field else {
        panic!("it signs nothing: {told}")
    };
    format!(
        "DKIM-Signature: {}\r\n{message}",
        field.replace('\n', "\r\n")
    )
}

#[tokio::test]
async fn what_opendkim_signs_passes_until_it_is_changed() {
    let (key, pem) = SigningKey::generate(Algorithm::Rsa).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key.pem"), pem).unwrap();
    let resolver =
        ScriptedResolver::new().with_txt("s._domainkey.example.com", record(&key.record()));
    for form in [
        "simple/simple",
        "simple/relaxed",
        "relaxed/simple",
        "relaxed/relaxed",
    ] {
        for body in [
            "hello\r\n",
            "hello  \r\n\r\n  wor\tld\r\n\r\n\r\n",
            "\r\n",
            "gr\u{fc}\u{df}e\r\n.\r\n",
        ] {
            let message = format!(
                "Received: from a\r\nFrom: Alice <alice@example.com>\r\nTo: bob@example.org,\r\n carol@example.org\r\n\
                 Subject: hi  there\r\nDate: Fri, 2 Jan 2026 03:04:05 +0000\r\n\r\n{body}"
            );
            let signed = signed(folder.path(), form, &message);
            let good = found(resolver.clone(), signed.clone()).await;
            assert_eq!(results(&good), ["pass"], "{form} {body:?}");
            assert_eq!(good.signatures[0].domain, "example.com");
            for (from, to) in [("hi  there", "ho  there"), ("\r\n\r\n", "\r\n\r\nx")] {
                let changed = found(resolver.clone(), signed.replacen(from, to, 1)).await;
                assert_eq!(results(&changed), ["fail"], "{form} {body:?}: {to:?}");
            }
        }
    }
}
