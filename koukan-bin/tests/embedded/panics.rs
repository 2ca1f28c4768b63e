//! What a builder panics at is told where the configuration names the part; and what is no panic.

use koukan::{Koukan, registry::InvalidFilter};
use koukan_core::{
    filter::{policy_action::matchers::OverTls, router::AddressList},
    test_util::Script,
};
use serde_json::Value;
use tower::layer::util::Identity;

/// A configuration with these filters and this endpoint.
fn config(filters: &str, endpoint: &str) -> String {
    format!(
        r#"hostname: me.example
sender:
  - {{ name: in, chain: in }}
chain:
  - name: in
    filter:
      {filters}
    endpoint:
      {endpoint}
"#
    )
}

/// An agent whose parts cannot be made.
fn agent() -> koukan::Builder {
    Koukan::builder()
        .filter("broken", |config: Value| -> Identity {
            panic!("no colour {}", config["colour"])
        })
        .endpoint("broken", |_: Value| -> Script {
            // What reading a configuration says of a time.
            panic!("failed to parse")
        })
        .matcher("broken", |_: Value| -> Result<OverTls, InvalidFilter> {
            std::panic::panic_any(1)
        })
        .router_rule(
            "broken",
            |_: Value, _| -> Result<AddressList, InvalidFilter> { panic!("no table") },
        )
}

#[test]
fn a_builder_that_panics_is_named_with_its_line() {
    const TO: &str = "smtp: { host: [\"127.0.0.1:25\"] }";
    for (filters, endpoint, told) in [
        (
            "- broken: { colour: 5 }",
            TO,
            "k.yaml:7:9: filter `broken`: it panicked when it was made: no colour 5\n",
        ),
        (
            "- received_header",
            "broken: {}",
            "k.yaml:9:7: endpoint `broken`: it panicked when it was made: failed to parse\n",
        ),
        (
            "- policy_action: { tag: t, action: LOG, match: { matcher: broken } }",
            TO,
            "it panicked when it was made: without a message\n",
        ),
        (
            "- router:\n          rules:\n            - address_list: { domains: [example.com] }\n            - broken",
            TO,
            "k.yaml:10:15: filter `router`: it panicked when it was made: no table\n",
        ),
    ] {
        let text = config(filters, endpoint);
        let error = agent().config_text("k.yaml", &text).err().unwrap();
        let error = error.to_string();
        assert!(error.contains(told), "{told} is not in {error}");
        assert!(error.contains("a builder can return an error"), "{error}");
    }
}

#[test]
fn what_is_wrong_elsewhere_is_told_besides() {
    let text = config("- broken", "smpt: {}");
    let error = agent().config_text("k.yaml", &text).err().unwrap();
    let error = error.to_string();
    for told in ["filter `broken`", "did you mean `smtp`?"] {
        assert!(error.contains(told), "{told} is not in {error}");
    }
}

#[cfg(feature = "cli")]
#[tokio::test]
async fn a_main_within_a_runtime_is_an_error_and_no_panic() {
    let code = Koukan::builder().main();
    let failed = std::process::ExitCode::FAILURE;
    assert_eq!(format!("{code:?}"), format!("{failed:?}"));
}
