use koukan_core::{
    reply::Reply,
    resource::{
        ListState, ListTransactions, Location, Operation, RefusalKind, ResourceResponse,
        TransactionsListed,
    },
    storage::Search,
    test_util::Script,
};

use crate::agent::{Agent, rcpt, whole};

fn list() -> ListTransactions {
    ListTransactions {
        sender: "app".into(),
        state: None,
        search: Search::default(),
        limit: 100,
        cursor: None,
    }
}

async fn listed(agent: &Agent, list: ListTransactions) -> TransactionsListed {
    match agent.ask(Operation::List(list)).await {
        ResourceResponse::Listed(listed) => listed,
        other => panic!("{other:?}"),
    }
}

fn locations(listed: &TransactionsListed) -> Vec<Location> {
    let locations = listed.transactions.iter();
    locations.map(|listed| listed.location.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn transactions_are_listed_newest_first_page_by_page() {
    let agent = Agent::over(Script::new()).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        made.insert(0, agent.create(whole()).await.location);
    }
    let whole_list = listed(&agent, list()).await;
    assert_eq!(locations(&whole_list), made);
    assert_eq!(whole_list.next, None);
    let mut pages = Vec::new();
    let mut cursor = None;
    loop {
        let page = ListTransactions {
            limit: 2,
            cursor,
            ..list()
        };
        let page = listed(&agent, page).await;
        pages.extend(locations(&page));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, made);
}

#[tokio::test(start_paused = true)]
async fn pages_are_shorter_where_transactions_have_many_recipients() {
    let agent = Agent::over(Script::new()).await;
    let mut made = Vec::new();
    for _ in 0..12 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let mut create = whole();
        let recipients = (0..1000).map(|n| rcpt(&format!("bob{n}@example.com")));
        create.draft.rcpt_to = recipients.collect();
        made.insert(0, agent.create(create).await.location);
    }
    let first = listed(&agent, list()).await;
    assert_eq!(locations(&first), made[..10]);
    let rest = ListTransactions {
        cursor: first.next,
        ..list()
    };
    let rest = listed(&agent, rest).await;
    assert_eq!((locations(&rest), rest.next), (made[10..].to_vec(), None));
}

#[tokio::test(start_paused = true)]
async fn transactions_are_listed_by_state() {
    let busy = Agent::over(Script::new().other_rcpts(Reply::mailbox_busy())).await;
    busy.create(whole()).await;
    for (state, count) in [
        (ListState::Waiting, 1),
        (ListState::Active, 0),
        (ListState::Finished, 0),
    ] {
        let state = Some(state);
        let found = listed(&busy, ListTransactions { state, ..list() }).await;
        assert_eq!(found.transactions.len(), count);
    }
}

#[tokio::test(start_paused = true)]
async fn transactions_are_looked_for_page_by_page() {
    let busy = Agent::over(Script::new().other_rcpts(Reply::mailbox_busy())).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        made.insert(0, busy.create(whole()).await.location);
    }
    busy.storage.given_back().await;
    let search = Search {
        last_reply: Some("450".into()),
        ..Search::default()
    };
    let narrowed = || ListTransactions {
        search: search.clone(),
        limit: 2,
        ..list()
    };
    let first = listed(&busy, narrowed()).await;
    assert_eq!(locations(&first), made[..2]);
    let rest = ListTransactions {
        cursor: first.next,
        ..narrowed()
    };
    let rest = listed(&busy, rest).await;
    assert_eq!((locations(&rest), rest.next), (made[2..].to_vec(), None));
    let nobody = ListTransactions {
        search: Search {
            recipient: Some("nobody@example.net".into()),
            ..search
        },
        ..list()
    };
    assert!(listed(&busy, nobody).await.transactions.is_empty());
}

#[tokio::test(start_paused = true)]
async fn lists_of_others_and_of_nobody_are_refused() {
    let agent = Agent::over(Script::new()).await;
    let other = agent.acting_for("other");
    let mut nobody = list();
    nobody.sender = "nobody".into();
    let mut nonsense = list();
    nonsense.cursor = Some("nonsense".into());
    for (agent, list, kind) in [
        (&other, list(), RefusalKind::Forbidden),
        (&agent, nobody, RefusalKind::NotFound),
        (&agent, nonsense, RefusalKind::Malformed),
    ] {
        let ResourceResponse::Refused(refusal) = agent.ask(Operation::List(list)).await else {
            panic!("not refused");
        };
        assert_eq!(refusal.kind, kind);
    }
}
