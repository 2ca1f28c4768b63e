//! A gateway in Python that follows the documented protocol exactly.

use crate::collector::{Collector, without_trace};

use super::{
    python::python,
    setup::{Agent, Shape},
};

/// Commands one by one, bare entity tags, heartbeats, and a body in ranges that is completed by its
/// length.
const SCRIPT: &str = r#"
def bare(fields):
    return fields["ETag"].removeprefix("W/").strip('"')
def until(url, etag, wanted):
    for _ in range(50):
        status, fields, tx = request("GET", url, {"request-timeout": "10", "If-None-Match": etag})
        assert status in (200, 304), (status, tx)
        if status == 200:
            etag = bare(fields)
            if wanted(tx):
                return etag, tx
    raise SystemExit("it never came")
def heartbeat(url, etag):
    # An empty body with no content type; urllib would add one.
    import http.client
    host, path = url.removeprefix("http://").split("/", 1)
    connection = http.client.HTTPConnection(host)
    connection.request("PATCH", "/" + path, headers={"If-Match": etag, "Content-Length": "0"})
    answer = connection.getresponse()
    assert answer.status == 200, (answer.status, answer.read())
    return answer.headers["ETag"].strip('"')

asked = {"sender": {"name": "ingress", "tag": "smtp-mx"}, "mail_from": {"m": "alice@example.org", "e": [{"k": "SIZE", "p": "100"}]},
         "remote_host": ["127.0.0.1", 2525], "local_host": ["127.0.0.1", 25],
         "smtp_meta": {"ehlo_host": "client.example", "esmtp": True, "tls": False, "auth": False}}
status, fields, tx = request("POST", "/senders/ingress/transactions", {"request-timeout": "5"}, asked)
assert status == 201, (status, tx)
assert tx["mail_from"] == {} and tx["sender"] == {}, tx
url, etag = fields["Location"], bare(fields)
assert url.startswith("http://"), url
etag, tx = until(url, "none", lambda tx: "mail_response" in tx)
etag = heartbeat(url, etag)
status, _, problem = request("PATCH", url, {"If-Match": "old"}, {"rcpt_to": [{"m": "x@example.com"}]})
assert status == 412, (status, problem)
status, _, problem = request("PATCH", url, {}, {"rcpt_to": [{"m": "x@example.com"}]})
assert 400 <= status < 500, (status, problem)
for offset, to in enumerate(["bob@example.com", "550@example.com", "carol@example.com"]):
    patch = {"rcpt_to": [{"m": to}], "rcpt_to_list_offset": offset}
    status, fields, tx = request("PATCH", url, {"If-Match": etag}, patch)
    assert status == 200 and len(tx["rcpt_to"]) == offset + 1, (status, tx)
    etag, tx = until(url, "none", lambda tx: len(tx.get("rcpt_response", [])) > offset)
assert [reply["code"] // 100 for reply in tx["rcpt_response"]] == [2, 5, 2], tx
status, _, problem = request("PATCH", url, {"If-Match": etag}, {"mail_from": {"m": "eve@example.org"}})
assert status == 409, (status, problem)
message = b"Subject: hi\r\n\r\nhello\r\n"
body = tx["body"]["blob_status"]["uri"]
status, _, answer = request("PUT", body, {"Content-Range": "bytes 0-9/*"}, message[:10])
assert status == 200, (status, answer)
status, _, answer = request("PUT", body, {"Content-Range": f"bytes 10-{len(message) - 1}/*"}, message[10:])
assert status == 200, (status, answer)
status, _, answer = request("PUT", body, {"X-Finalize-Blob-Length": str(len(message))}, b"")
assert status == 200, (status, answer)
etag, tx = until(url, "none", lambda tx: "data_response" in tx)
assert tx["data_response"]["code"] == 250 and tx["body"]["blob_status"]["finalized"], tx
tx = end(url)
status, _, tx = request("POST", url + "/cancel", {}, b"")
assert status == 200 and not tx.get("cancelled"), (status, tx)
"#;

#[test]
fn a_gateway_to_the_letter_delivers() {
    let sink = Collector::start();
    let agent = Agent::start(Shape::Split, sink.address);
    python(agent.rest, SCRIPT, &[]);
    for to in ["bob@example.com", "carol@example.com"] {
        let message = sink.only_message(to);
        assert!(
            message.contains("from client.example ([127.0.0.1])"),
            "{message}"
        );
        assert_eq!(without_trace(&message), "Subject: hi\r\n\r\nhello\r\n");
    }
}
