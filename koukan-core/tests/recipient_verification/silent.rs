//! Destinations that do not answer for single addresses.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_address_that_is_a_trap_holds_up_no_others_of_its_domain() {
    let destination = Script::new()
        .rcpt("trap@example.com", Answer::Never)
        .other_rcpts(Reply::recipient_ok());
    let layer = RecipientVerificationLayer::new(verifier(&destination)).refusing_unknown();
    for round in 0..5 {
        let trap = asked(layer.clone().layer(Script::new()), &["trap@example.com"]).await;
        assert_eq!(trap, [Reply::unverified_recipient()]);
        let began = Instant::now();
        let other = format!("b{round}@example.com");
        let replies = asked(layer.clone().layer(Script::new()), &[&other]).await;
        assert_eq!(replies, [Reply::recipient_ok()]);
        assert_eq!(began.elapsed(), Duration::ZERO);
        advance(Lives::default().unknown).await;
    }
}
