//! `koukan check` of the storage.

use super::*;

/// The output of `koukan check` for a small configuration with this text as its storage.
fn checked(storage: &str, sender: &str, endpoint: &str) -> Result<String, String> {
    let config = format!(
        "hostname: a.example\n{storage}\nnotification: {{ sender: out }}\nsender:\n  - {sender}\n  \
         - {{ name: out, chain: out }}\nchain:\n  - name: in\n    endpoint: {endpoint}\n  - name: \
         out\n    endpoint: {{ smtp: {{ host: [\"127.0.0.1:3025\"] }} }}\n"
    );
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), config).unwrap();
    let output = koukan(&["check", &file.path().display().to_string()]);
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

#[test]
fn promises_need_storage() {
    let plain = "{ name: a, chain: in }";
    let by_rest = "{ name: a, chain: in, rest: {} }";
    let gateway = "{ name: a, chain: in, rest: { gateway: true } }";
    let submission = "{ exploder: { policy: submission, sender: out } }";
    let ingress = "{ exploder: { policy: ingress, sender: out } }";
    let passed_on = "{ rest: { url: \"http://127.0.0.1:8000\" } }";
    let promises = [
        (plain, submission),
        (plain, ingress),
        (by_rest, passed_on),
        (by_rest, submission),
        (gateway, submission),
    ];
    for (sender, endpoint) in promises {
        for storage in [
            "",
            "storage: {}",
            "storage: { spill: /tmp, memory_budget: 1MiB }",
        ] {
            let told = checked(storage, sender, endpoint).unwrap_err();
            assert!(told.contains("no storage keeps the mail"), "{told}");
            assert!(told.contains("write `storage: memory`"), "{told}");
            let mut lines = told.lines().filter(|line| line.contains("no storage"));
            assert!(lines.all(|line| !line.contains(".yaml: ")), "{told}");
        }
        for storage in [
            "storage: memory",
            "storage: { memory: true, memory_budget: 1MiB }",
            "storage: { sqlite: /tmp/never-made.sqlite }",
        ] {
            checked(storage, sender, endpoint).unwrap();
        }
    }
    checked("", plain, passed_on).unwrap();
    checked("", gateway, passed_on).unwrap();
}

#[test]
fn what_is_wrong_with_storage_is_told() {
    let plain = "{ name: a, chain: in }";
    let endpoint = "{ exploder: { policy: submission, sender: out } }";
    let told = checked("storage: memroy", plain, endpoint).unwrap_err();
    assert!(told.contains("yaml:2:"), "{told}");
    assert!(told.contains("memroy") && told.contains("memory"), "{told}");
    let told = checked("storage: { sqlit: x }", plain, endpoint).unwrap_err();
    assert!(told.contains("did you mean `sqlite`?"), "{told}");
    let both = "storage: { sqlite: x, memory: true }";
    let told = checked(both, plain, endpoint).unwrap_err();
    assert!(
        told.contains("either `sqlite`, `postgres` or `memory`"),
        "{told}"
    );
    let without = "storage: { reserve: 64MiB, memory: true }";
    let told = checked(without, plain, endpoint).unwrap_err();
    assert!(told.contains("`storage.reserve`"), "{told}");
    let odd = "storage: { sqlite: x, reserve: 64 }";
    let told = checked(odd, plain, endpoint).unwrap_err();
    assert!(told.contains("is not a size"), "{told}");
}
