//! What a program prints with `{:?}`, as one whose `main` returns an error does.

use koukan_core::causes::Causes;

use super::*;

#[test]
fn an_agent_shows_no_secrets() {
    let hash = "0123456789abcdef".repeat(4);
    let rest = format!(
        "rest_listener:\n  - {{ address: \"127.0.0.1:0\", token: [{{ name: reports, sha256: {hash} }}] }}\n"
    );
    let text = config("mailbox: { user: bob }", "") + &rest;
    let agent = with_mailbox(&Script::new()).config_text("k.yaml", &text);
    let agent = agent.unwrap();
    let shown = format!("{agent:?} {:?}", agent.config());
    assert!(shown.contains("reports"), "{shown}");
    assert!(!shown.contains(&hash[..16]), "{shown}");
}

#[tokio::test]
async fn an_error_of_the_start_is_readable() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = socket.local_addr().unwrap().to_string();
    let text = config("mailbox: { user: bob }", "").replace("127.0.0.1:0", &taken);
    let agent = with_mailbox(&Script::new()).config_text("k.yaml", &text);
    let error = agent.unwrap().start().await.err().unwrap();
    let shown = format!("{error:?}");
    assert_eq!(shown, Causes(&error).to_string());
    let begins = format!("k.yaml:4:16: cannot listen on {taken}: ");
    assert!(shown.starts_with(&begins), "{shown}");
    assert!(!shown.contains('{'), "{shown}");
}

#[test]
fn an_error_that_main_returns_shows_no_hash_of_a_token() {
    let hash = "ab".repeat(32);
    let text = config("mailbox: { user: bob }", "")
        + &format!(
            "rest_listener:\n  - {{ address: \"127.0.0.1:0\", token: [{{ sha256: {hash}, role: opperate }}] }}\n"
        );
    let error = with_mailbox(&Script::new()).config_text("k.yaml", &text);
    let error: BoxError = Box::new(error.err().unwrap());
    let shown = format!("{error:?}");
    assert!(shown.contains("k.yaml:12:"), "{shown}");
    assert!(
        !shown.contains(&hash) && !shown.contains("hostname"),
        "{shown}"
    );
    assert_eq!(shown, error.to_string());
}
