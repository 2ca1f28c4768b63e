//! `koukan dkim-key`.

use super::*;

#[test]
fn a_key_that_signs_is_made_once_and_its_record_printed() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s1.pem").display().to_string();
    let run = |arguments: &[&str]| {
        let names = ["--domain", "example.com", "--selector", "s1"];
        let output = koukan(&[&["dkim-key"], &names[..], arguments].concat());
        (
            output.status.success(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (is_done, record, told) = run(&[&file]);
    assert!(is_done, "{told}");
    let start = "s1._domainkey.example.com. IN TXT ( \"v=DKIM1; k=rsa; p=MII";
    assert!(record.starts_with(start), "{record}");
    for string in record.split('"').skip(1).step_by(2) {
        assert!(string.len() <= 255, "{string}");
    }
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let key = fs::read(&file).unwrap();
    let (is_done, _, told) = run(&["--algorithm", "ed25519", &file]);
    assert!(!is_done && told.contains("already exists"), "{told}");
    assert_eq!(fs::read(&file).unwrap(), key);
    let (_, shown, _) = run(&["--show", &file]);
    assert_eq!(shown, record);

    let other = folder.path().join("s2.pem").display().to_string();
    let (is_done, record, _) = run(&["--algorithm", "ed25519", &other]);
    assert!(is_done && record.contains("k=ed25519; p="), "{record}");
    let wrong = ["dkim-key", "--domain", "a b", "--selector", "s", &other];
    let told = text(&koukan(&wrong).stderr);
    assert!(told.contains("not a valid DNS name"), "{told}");
}
