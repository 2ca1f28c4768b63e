//! Everything that a filter is given.

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[tokio::test]
async fn a_filter_is_given_the_agents_own_surroundings() {
    let given = Arc::new(Mutex::new(None));
    let builder = Koukan::builder().try_filter("keep", {
        let given = Arc::clone(&given);
        move |_: Nothing, surroundings| {
            *given.lock().unwrap() = Some(surroundings.clone());
            Ok::<_, InvalidFilter>(tower::layer::util::Identity::new())
        }
    });
    let agent = start(builder, &config("keep")).await;
    let given = given.lock().unwrap().take().unwrap();
    assert_eq!(&*given.hostname, "me.example");
    // The blobs are charged to the agent's budget.
    let (mut writer, _blob) = given.blobs.create();
    writer.append(vec![0; 1000].into()).await.unwrap();
    assert_eq!(agent.storage().pool().used(), given.blobs.used());
    assert!(given.blobs.used() >= 1000);
    assert_eq!(given.blocking.run(|| 6 * 7).await, Ok(42));
    assert!((0.0..1.0).contains(&given.random.unit()));
    agent.stop().await;
}
