//! Kept connections.

use std::time::Duration;

use koukan_core::{reply::Reply, test_util::at_rest};
use koukan_smtp::client::{HostLimit, PoolSettings, SmtpEndpoint};
use tokio::time::{sleep, timeout};

use super::{
    exchanges::{IN_A_BLOCK, ONE_BY_ONE, PIPELINED, QUIT, REFUSED, RESET, SENT, WITH_CARE},
    net::Net,
    sending::{HOST, assert_own, hello, send, start},
};

pub(crate) fn with_pool(net: &Net, set: impl FnOnce(&mut PoolSettings)) -> SmtpEndpoint {
    let mut pool = PoolSettings::default();
    set(&mut pool);
    net.endpoint_with(|settings| settings.with_pool(pool))
}

pub(crate) async fn send_one(endpoint: &SmtpEndpoint) -> String {
    let replies = send(endpoint, &["b"], "hi\r\n").await;
    replies.into_iter().next_back().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_used_again() {
    let net =
        Net::new([hello("PIPELINING") + PIPELINED + PIPELINED + PIPELINED + "C: QUIT\nS: 221 bye"]);
    let endpoint = net.endpoint();
    for _ in 0..3 {
        assert_eq!(send_one(&endpoint.clone()).await, "250 queued");
    }
    endpoint.close().await;
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_reset_with_the_next_transaction() {
    let net = Net::new([hello("PIPELINING")
        + REFUSED
        + "QUIET
           C: RSET
           C: MAIL FROM:<a@me.example>
           C: RCPT TO:<b@mx.example>
           C: DATA
           S: 250 reset
           S: 250 sender
           S: 250 b
           S: 354 go
           C: hi
           C: .
           S: 250 queued\n"
        + PIPELINED]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "550 no b");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(send_one(&endpoint).await, "250 queued");
    assert_eq!(send_one(&endpoint).await, "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn reset_goes_alone_without_pipelining() {
    let net = Net::new([hello("")
        + "C: MAIL FROM:<a@me.example>
           S: 250 sender
           C: RCPT TO:<b@mx.example>
           S: 550 no b
           C: RSET
           QUIET
           S: 250 reset
           C: MAIL FROM:<a@me.example>
           S: 550 no a"]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "550 no b");
    assert_eq!(send_one(&endpoint).await, "550 no a");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_connection_is_not_used_again() {
    for end in ["CLOSE", "S: 421 4.4.2 idle too long\nEOF"] {
        let net = Net::new([
            hello("PIPELINING") + PIPELINED + end,
            hello("PIPELINING") + PIPELINED,
        ]);
        let endpoint = net.endpoint();
        assert_eq!(send_one(&endpoint).await, "250 queued");
        // The server closes.
        at_rest().await;
        assert_eq!(send_one(&endpoint).await, "250 queued");
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_dies_before_mail_is_answered_is_replaced() {
    let asked = "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: DATA\n";
    for end in ["CLOSE", "S: 421 4.4.2 idle too long\nEOF"] {
        let first = hello("PIPELINING") + PIPELINED + asked + end;
        let net = Net::new([first, hello("PIPELINING") + PIPELINED]);
        let endpoint = net.endpoint();
        assert_eq!(send_one(&endpoint).await, "250 queued");
        let replies = send(&endpoint, &["b"], "hi\r\n").await;
        assert_eq!(replies, ["250 sender", "250 b", "250 queued"]);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_may_have_arrived_is_not_sent_twice() {
    let net = Net::new([hello("PIPELINING CHUNKING")
        + IN_A_BLOCK
        + SENT
        + "S: 250 sender\nS: 250 b\nCLOSE"]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "250 queued");
    let reply = send_one(&endpoint).await;
    assert_own(&reply, &Reply::connection_lost(), HOST, "end of message");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_on_a_connection_that_was_dead_already_goes_on_a_new_one() {
    let net = Net::new([
        hello("PIPELINING CHUNKING") + IN_A_BLOCK + SENT + "CLOSE",
        hello("PIPELINING CHUNKING") + WITH_CARE,
    ]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "250 queued");
    assert_eq!(send_one(&endpoint).await, "250 queued with care");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_on_which_mail_is_refused_for_its_sake_is_replaced() {
    for refusal in [
        "503 5.5.1 nested MAIL",
        "451 4.7.1 one message a session",
        "554 5.5.1 one message a session",
    ] {
        let asked = "C: MAIL FROM:<a@me.example>\nC: RCPT TO:<b@mx.example>\nC: DATA\nS: ";
        let first = hello("PIPELINING") + PIPELINED + asked + refusal + "\nC: QUIT\nEOF";
        let net = Net::new([first, hello("PIPELINING") + PIPELINED + PIPELINED]);
        let endpoint = net.endpoint();
        for _ in 0..3 {
            let replies = send(&endpoint, &["b"], "hi\r\n").await;
            assert_eq!(replies, ["250 sender", "250 b", "250 queued"], "{refusal}");
        }
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_new_connection_says_to_mail_stands() {
    let refused = "C: MAIL FROM:<a@me.example>\nS: 451 4.7.1 later\nEOF";
    let net = Net::new([
        hello("") + ONE_BY_ONE + "C: MAIL FROM:<a@me.example>\nS: 451 4.7.1 later\nC: QUIT\nEOF",
        hello("") + refused,
    ]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "250 queued");
    assert_eq!(send_one(&endpoint).await, "451 4.7.1 later");
    drop(endpoint);
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_is_refused_on_a_kept_connection_is_refused() {
    let net =
        Net::new([hello("") + ONE_BY_ONE + "C: MAIL FROM:<a@me.example>\nS: 550 5.7.1 not you"]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "250 queued");
    assert_eq!(send_one(&endpoint).await, "550 5.7.1 not you");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn any_number_of_connections_may_be_allowed() {
    let net = Net::new([hello("PIPELINING") + PIPELINED]);
    let endpoint = with_pool(&net, |pool| pool.max_connections = usize::MAX);
    assert_eq!(send_one(&endpoint).await, "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn no_message_is_ended_before_reset_is_answered() {
    let next = "C: RSET
        C: MAIL FROM:<a@me.example>
        C: RCPT TO:<b@mx.example>
        QUIET\n";
    let whole = "C: BDAT 4 LAST\nC: hi\n";
    let refused = "C: MAIL FROM:<a@me.example>
        C: RCPT TO:<b@mx.example>\n"
        .to_owned()
        + whole
        + "S: 250 sender\nS: 550 no b\nS: 503 nobody\n";
    let first = || hello("PIPELINING CHUNKING") + &refused + next;
    let plain = first() + "S: 250 reset\nS: 250 sender\n" + whole + "S: 250 b\nS: 250 queued";
    let net = Net::new([plain]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "550 no b");
    assert_eq!(send_one(&endpoint).await, "250 queued");
    net.done().await;
    // Surplus lines are not a reply to RSET. The message goes over another connection.
    for surplus in ["hello", "2x0 what", "220-more"] {
        let odd = first() + "S: " + surplus + "\nS: 250 reset\nC: QUIT\nEOF";
        let net = Net::new([odd, hello("PIPELINING") + WITH_CARE]);
        let endpoint = net.endpoint();
        assert_eq!(send_one(&endpoint).await, "550 no b");
        assert_eq!(
            send_one(&endpoint).await,
            "250 queued with care",
            "{surplus}"
        );
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_kept_connection_that_cannot_be_reset_is_replaced() {
    let mixed = "220-what is more\nS: 250 reset";
    for refusal in ["502 what", "421 4.3.2 bye", "700 what", mixed] {
        let end = if refusal.starts_with('4') {
            "EOF"
        } else {
            "C: QUIT\nEOF"
        };
        let first = REFUSED.to_owned() + "C: RSET\nS: " + refusal + "\n" + end;
        let net = Net::new([
            hello("") + &without_pipelining(&first),
            hello("") + WITH_CARE,
        ]);
        let endpoint = net.endpoint();
        assert_eq!(send_one(&endpoint).await, "550 no b");
        assert_eq!(
            send_one(&endpoint).await,
            "250 queued with care",
            "{refusal}"
        );
        net.done().await;
    }
}

fn without_pipelining(script: &str) -> String {
    let refused = "C: MAIL FROM:<a@me.example>
        S: 250 sender
        C: RCPT TO:<b@mx.example>
        S: 550 no b\n";
    script.replace(REFUSED, refused)
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_that_dies_is_not_replaced() {
    let net = Net::new([hello("PIPELINING") + "C: MAIL FROM:<a@me.example>\nCLOSE"]);
    let reply = send_one(&net.endpoint()).await;
    assert_own(&reply, &Reply::connection_lost(), HOST, "MAIL");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn connections_to_a_host_are_limited() {
    let net = Net::new([hello("PIPELINING")
        + "C: MAIL FROM:<a@me.example>
           S: 250 sender\n"
        + RESET
        + PIPELINED]);
    let endpoint = with_pool(&net, |pool| pool.max_connections = 1);
    let (mut driver, pending) = start(&endpoint);
    assert!(driver.wait(pending).await.is_positive());
    let reply = send_one(&endpoint).await;
    assert_own(&reply, &Reply::overloaded(), "mx.example:25", "");

    let waiting = send_one(&endpoint);
    let first = async {
        at_rest().await;
        drop(driver);
    };
    let (reply, ()) = tokio::join!(waiting, first);
    assert_eq!(reply, "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn who_waited_gets_the_connection_that_was_parked() {
    let net = Net::new([hello("PIPELINING") + PIPELINED + PIPELINED + PIPELINED]);
    let endpoint = with_pool(&net, |pool| pool.max_connections = 1);
    let replies = tokio::join!(
        send_one(&endpoint),
        send_one(&endpoint),
        send_one(&endpoint)
    );
    assert_eq!(replies.0, "250 queued");
    assert_eq!(replies.1, "250 queued");
    assert_eq!(replies.2, "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_in_time() {
    let net = Net::new([hello("PIPELINING") + PIPELINED + "PAUSE 29\n" + QUIT]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "250 queued");
    let start = tokio::time::Instant::now();
    net.done().await;
    assert_eq!(start.elapsed().as_secs(), 30);
    drop(endpoint);
}

#[tokio::test(start_paused = true)]
async fn a_connection_retires_after_its_last_transaction() {
    for extensions in ["PIPELINING", "PIPELINING LIMITS_MAILMAX=2"] {
        let net = Net::new([
            hello(extensions) + PIPELINED + PIPELINED + QUIT,
            hello(extensions) + PIPELINED,
        ]);
        let max = if extensions.len() > 12 { 100 } else { 2 };
        let endpoint = with_pool(&net, |pool| pool.max_transactions = max);
        for _ in 0..3 {
            assert_eq!(send_one(&endpoint).await, "250 queued");
        }
        drop(endpoint);
        net.done().await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_idle_connections_are_kept_than_allowed() {
    let net = Net::new([hello("PIPELINING") + PIPELINED + QUIT]);
    let endpoint = with_pool(&net, |pool| pool.max_idle = 0);
    assert_eq!(send_one(&endpoint).await, "250 queued");
    net.done().await;
}

#[tokio::test(start_paused = true)]
async fn with_the_last_endpoint_all_connections_close() {
    let net = Net::new([hello("PIPELINING") + PIPELINED + "EOF"]);
    let endpoint = net.endpoint();
    assert_eq!(send_one(&endpoint).await, "250 queued");
    drop(endpoint);
    timeout(Duration::from_secs(1), net.done()).await.unwrap();
}

/// Whatever holds for others.
#[tokio::test(start_paused = true)]
async fn a_host_may_have_limits_of_its_own() {
    let net = Net::new([
        hello("PIPELINING") + PIPELINED + QUIT,
        hello("PIPELINING") + PIPELINED + QUIT,
    ]);
    let endpoint = with_pool(&net, |pool| {
        let limit = HostLimit::default()
            .with_max_connections(Some(1))
            .with_max_transactions(Some(1));
        pool.hosts.set(&"MX.example:25".parse().unwrap(), limit);
        pool.hosts
            .set(&"mx.example:26".parse().unwrap(), HostLimit::default());
    });
    let replies = tokio::join!(send_one(&endpoint), send_one(&endpoint));
    assert_eq!(replies.0, "250 queued");
    assert_eq!(replies.1, "250 queued");
    net.done().await;
}
