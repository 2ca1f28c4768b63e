//! Users who share an address, as those of a webmail server do.

use super::*;

/// Knows alice and carol, who have one password.
#[derive(Debug)]
struct Two;

#[async_trait::async_trait]
impl Authenticator for Two {
    fn mechanisms(&self) -> Mechanisms {
        [Mechanism::Plain, Mechanism::Login, Mechanism::OAuthBearer]
            .into_iter()
            .collect()
    }

    async fn ask(&self, claim: Claim) -> Result<Answer, Unavailable> {
        Ok(match claim {
            Claim::Password { user, password }
                if password.reveal() == "pencil" && ["alice", "carol"].contains(&&*user) =>
            {
                Answer::Accepted(user)
            }
            _ => Answer::Refused,
        })
    }
}

const SUCCEEDED: &str = "235 2.7.0 authentication succeeded";
const FAILED: &str = "535 5.7.8 authentication failed";

#[tokio::test(start_paused = true)]
async fn who_guesses_shuts_nobody_out_who_has_authenticated_from_there() {
    let limits = Limits::default().with_failed_authentications(3);
    let server = tells_identity().with_authenticator(Two).with_limits(limits);
    let auth = async |mechanism, user: &str, secret: &str| {
        let (mut client, _) = connect(&server, &connected(HERE)).await;
        client.auth(mechanism, user, secret).await
    };
    let plain = async |user: &str, secret: &str| auth(Mechanism::Plain, user, secret).await;
    assert_eq!(plain("alice", "pencil").await, SUCCEEDED);
    for _ in 0..3 {
        assert_eq!(plain("carol", "guess").await, FAILED);
    }
    let too_many = Reply::too_many_failed_authentications().to_string();
    // Her name is not enough, nor is a token that names nobody.
    assert_eq!(plain("carol", "pencil").await, too_many);
    let credentials = Credentials::new("", "token");
    let (_, first) = ClientExchange::begin(Mechanism::OAuthBearer, &credentials).unwrap();
    let (mut client, _) = connect(&server, &connected(HERE)).await;
    let nameless = String::from_utf8(first.unwrap().into()).unwrap();
    let nameless = encode(nameless.replace("a=,", ","));
    let reply = client.ask(&format!("AUTH OAUTHBEARER {nameless}")).await;
    assert_eq!(reply, too_many);
    for mechanism in [Mechanism::Plain, Mechanism::Login] {
        assert_eq!(auth(mechanism, "alice", "pencil").await, SUCCEEDED);
    }
    // In her own name somebody may guess as often as in any other.
    for _ in 0..3 {
        assert_eq!(plain("alice", "guess").await, FAILED);
    }
    assert_eq!(plain("alice", "pencil").await, too_many);
}
