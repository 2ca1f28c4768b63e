//! Lists of a server that is a pipe to the test, with paused time.

use std::{collections::VecDeque, path::Path};

use koukan_core::{
    filter::MailboxSet,
    test_util::{ScriptedConnector, ScriptedResolver},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::advance,
};

use super::*;

/// The answers that a server gives, in order, and the requests it gets. Without an answer it is silent.
#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<VecDeque<String>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn answers(&self, status: &str, headers: &str, content: &str) {
        let length = content.len();
        let answer =
            format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{content}");
        self.answers.lock().unwrap().push_back(answer);
    }

    async fn serve(self, mut io: DuplexStream) {
        loop {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                if io.read_buf(&mut asked).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let asked = String::from_utf8(asked).unwrap().to_ascii_lowercase();
            self.asked.lock().unwrap().push(asked);
            let answer = self.answers.lock().unwrap().pop_front();
            match answer {
                Some(answer) => io.write_all(answer.as_bytes()).await.unwrap(),
                None => std::future::pending().await,
            }
        }
    }

    fn surroundings(&self) -> Surroundings {
        let server = self.clone();
        let connector = ScriptedConnector::new(move |_, io| {
            tokio::spawn(server.clone().serve(io));
        });
        let resolver = ScriptedResolver::new();
        Surroundings::new("localhost").with_network(Arc::new(connector), Arc::new(resolver))
    }

    fn last_asked(&self) -> String {
        self.asked.lock().unwrap().last().cloned().unwrap()
    }

    fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn list(surroundings: &Surroundings) -> Result<Replaceable<MailboxSet>, InvalidFilter> {
    list_at(surroundings, config())
}

fn config() -> ListAt {
    ListAt {
        url: "http://127.0.0.1:8080/list".into(),
        refresh: None,
        max_size: Some(ByteSize(100)),
        kept_in: None,
        allow_empty: false,
    }
}

fn has(list: &Replaceable<MailboxSet>, mailbox: &str) -> bool {
    list.current().contains(&mailbox.parse().unwrap(), None)
}

/// Waits for fetches that have begun.
async fn looked(surroundings: &Surroundings) {
    surroundings.lists.look();
    tokio::time::sleep(TIME_MAX + Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_follows_its_server_and_the_last_good_one_stays() {
    let server = Server::default();
    let surroundings = server.surroundings();
    let list = list(&surroundings).unwrap();
    server.answers("200 OK", "ETag: \"one\"\r\n", "# ours\na.example\n");
    surroundings.lists.load().await.unwrap();
    assert!(has(&list, "x@a.example") && !has(&list, "x@b.example"));
    assert!(!server.last_asked().contains("if-none-match"));

    // The next fetch is not due.
    looked(&surroundings).await;
    assert_eq!(server.count(), 1);
    advance(REFRESH).await;
    server.answers("304 Not Modified", "", "");
    looked(&surroundings).await;
    assert!(server.last_asked().contains("if-none-match: \"one\""));
    assert!(has(&list, "x@a.example"));

    for (status, content) in [
        ("200 OK", ""),
        ("200 OK", "# nobody\n\n"),
        ("200 OK", "no domain\n"),
        ("200 OK", &"a.example\n".repeat(20)),
        ("500 Internal Server Error", "b.example\n"),
        ("404 Not Found", ""),
    ] {
        advance(REFRESH).await;
        server.answers(status, "", content);
        let before = server.count();
        looked(&surroundings).await;
        assert_eq!(server.count(), before + 1);
        assert!(
            has(&list, "x@a.example") && !has(&list, "x@b.example"),
            "{status}"
        );
        assert!(server.last_asked().contains("if-none-match: \"one\""));
    }
    advance(REFRESH).await;
    server.answers("200 OK", "", "b.example\n");
    looked(&surroundings).await;
    assert!(has(&list, "x@b.example") && !has(&list, "x@a.example"));
    // Without an entity tag, the whole list is fetched.
    advance(REFRESH).await;
    server.answers("200 OK", "", "c.example\n");
    looked(&surroundings).await;
    assert!(!server.last_asked().contains("if-none-match"));
    assert!(has(&list, "x@c.example"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent_is_asked_once_at_a_time_and_holds_up_no_other_list() {
    let server = Server::default();
    let surroundings = server.surroundings();
    let list = list(&surroundings).unwrap();
    server.answers("200 OK", "", "a.example\n");
    surroundings.lists.load().await.unwrap();
    advance(REFRESH).await;
    for _ in 0..3 {
        surroundings.lists.look();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(server.count(), 2);
    let other = server.surroundings();
    let second = super::tests::list(&other).unwrap();
    server.answers("200 OK", "", "b.example\n");
    other.lists.load().await.unwrap();
    assert!(has(&second, "x@b.example"));
    assert!(has(&list, "x@a.example"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_at_first_is_told() {
    for (status, content, told) in [
        ("404 Not Found", "", "the server answers 404 Not Found"),
        ("200 OK", "a.example\nno domain\n", "line 2"),
        ("304 Not Modified", "", "the server answers 304"),
    ] {
        let server = Server::default();
        let surroundings = server.surroundings();
        let list = list(&surroundings).unwrap();
        server.answers(status, "", content);
        let error = surroundings.lists.load().await.unwrap_err();
        let shown = Causes(&error).to_string();
        let place = "cannot read the list at http://127.0.0.1:8080/list: ";
        assert!(shown.starts_with(place) && shown.contains(told), "{shown}");
        assert!(!has(&list, "x@a.example"));
    }
    let server = Server::default();
    let surroundings = server.surroundings();
    let _list = list(&surroundings).unwrap();
    let begin = Instant::now();
    let error = surroundings.lists.load().await.unwrap_err();
    assert!(Causes(&error).to_string().ends_with("it took too long"));
    assert_eq!(begin.elapsed(), TIME_MAX);
}

#[tokio::test(start_paused = true)]
async fn a_list_without_entries_is_taken_where_that_is_meant_so_or_there_was_none() {
    for allow_empty in [true, false] {
        let server = Server::default();
        let surroundings = server.surroundings();
        let config = ListAt {
            allow_empty,
            ..config()
        };
        let list: Replaceable<MailboxSet> = list_at(&surroundings, config).unwrap();
        server.answers("200 OK", "", "");
        surroundings.lists.load().await.unwrap();
        for (content, has_one) in [("a.example\n", true), ("# none\n", !allow_empty)] {
            advance(REFRESH).await;
            server.answers("200 OK", "", content);
            looked(&surroundings).await;
            assert_eq!(has(&list, "x@a.example"), has_one, "{content}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_does_without_the_server_where_a_good_list_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    let load = async |server: &Server, file: &Path| {
        let surroundings = server.surroundings();
        let config = ListAt {
            kept_in: Some(file.to_owned()),
            ..config()
        };
        let list: Replaceable<MailboxSet> = list_at(&surroundings, config).unwrap();
        let loaded = surroundings.lists.load().await;
        loaded.map(|()| (list, surroundings))
    };
    let server = Server::default();
    server.answers("500 Internal Server Error", "", "");
    assert!(load(&server, &file).await.is_err());
    server.answers("200 OK", "ETag: \"one\"\r\n", "a.example\n");
    let (list, surroundings) = load(&server, &file).await.unwrap();
    assert!(has(&list, "x@a.example"));
    // An invalid list is not kept.
    for content in ["no domain\n", ""] {
        advance(REFRESH).await;
        server.answers("200 OK", "", content);
        looked(&surroundings).await;
    }
    server.answers("503 Service Unavailable", "", "");
    let (list, surroundings) = load(&server, &file).await.unwrap();
    assert!(has(&list, "x@a.example"));
    // When the server is back, the whole list is fetched, and an empty one does not replace it.
    for (content, in_a) in [("", true), ("b.example\n", false)] {
        advance(REFRESH).await;
        server.answers("200 OK", "", content);
        looked(&surroundings).await;
        assert!(!server.last_asked().contains("if-none-match"));
        assert_eq!(has(&list, "x@a.example"), in_a, "{content}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "b.example\n");
    // A damaged file counts as none.
    std::fs::write(&file, "no domain\n").unwrap();
    server.answers("503 Service Unavailable", "", "");
    let told = load(&server, &file).await.err().unwrap();
    assert!(Causes(&told).to_string().contains("503"));
    let missing = ListAt {
        kept_in: Some(folder.path().join("none/list")),
        ..config()
    };
    let told = list_at::<MailboxSet>(&server.surroundings(), missing);
    assert!(
        told.err()
            .unwrap()
            .message
            .contains("there is no such folder")
    );
}
