# Clients that behave as programs of other makers do that speak this API: they know the documented
# fields alone, refuse a transaction with any other, and never let a field change or go away.

KNOWN = {
    "sender", "remote_host", "local_host", "mail_from", "rcpt_to", "body", "mail_response",
    "rcpt_response", "data_response", "attempt_count", "final_attempt_reason", "retry",
    "notification", "cancelled", "filter_output",
}
PLACEHOLDERS = {"sender", "mail_from", "filter_output"}


class Strict:
    """A transaction as such a client follows it."""

    def __init__(self, asked):
        hosts = ("remote_host", "local_host")
        self.known = {name: asked[name] for name in hosts if name in asked}
        self.etag = self.url = None

    def take(self, fields, tx):
        assert fields["Content-Type"] == "application/json", fields["Content-Type"]
        self.etag = fields["ETag"]
        assert self.etag, fields
        for name, value in tx.items():
            assert name in KNOWN, name
            assert value is not None and value != [], (name, value)
            assert name not in PLACEHOLDERS or value == {}, (name, value)
        assert all(rcpt == {} for rcpt in tx.get("rcpt_to", [])), tx
        for name, value in self.known.items():
            assert name in tx, f"{name} has gone away: {tx}"
            if name in ("rcpt_to", "rcpt_response"):
                assert tx[name][: len(value)] == value, (name, value, tx)
            elif name == "body" and "blob_status" in value:
                status, was = tx["body"]["blob_status"], value["blob_status"]
                assert status["uri"] == was["uri"], (status, was)
                assert status.get("finalized") or not was.get("finalized"), (status, was)
            elif name != "body":
                assert tx[name] == value, (name, value, tx)
        self.known = tx
        return tx

    def create(self, url, asked):
        status, fields, tx = request("POST", url, {"request-timeout": "29"}, asked)
        assert status == 201, (status, tx)
        self.url = fields["Location"]
        return self.take(fields, tx)

    def patch(self, asked=None):
        headers = {"If-Match": self.etag, "request-timeout": "29"}
        if asked is None:
            return self.heartbeat(headers)
        status, fields, tx = request("PATCH", self.url, headers, asked)
        assert status == 200, (status, tx)
        return self.take(fields, tx)

    def heartbeat(self, headers):
        import http.client
        host, path = self.url.removeprefix("http://").split("/", 1)
        connection = http.client.HTTPConnection(host)
        connection.request("PATCH", "/" + path, b"", headers)
        answer = connection.getresponse()
        tx = json.loads(answer.read())
        assert answer.status == 200, (answer.status, tx)
        return self.take(answer.headers, tx)

    def wait(self, wanted):
        for _ in range(60):
            if wanted(self.known):
                return self.known
            headers = {"If-None-Match": self.etag, "request-timeout": "9"}
            status, fields, tx = request("GET", self.url, headers)
            if status == 304:
                assert fields["ETag"] == self.etag, fields
            else:
                assert status == 200, (status, tx)
                self.take(fields, tx)
        raise SystemExit(f"it never came: {self.known}")

    def put(self, octets, piece=1 << 20):
        """In pieces, each answered with how much there is; the last one says that it is the last."""
        url, at = self.known["body"]["blob_status"]["uri"], 0
        while at < len(octets):
            chunk = octets[at : at + piece]
            end = at + len(chunk)
            total = end if end == len(octets) else "*"
            headers = {}
            if at > 0 or total == "*":
                headers["Content-Range"] = f"bytes {at}-{end - 1}/{total}"
            status, fields, answer = request("PUT", url, headers, chunk)
            assert status == 200, (status, answer)
            if headers:
                assert fields["Content-Range"].startswith(f"bytes 0-{end - 1}/"), fields
            at = end


def gateway(sender, tag):
    """What a gateway says of an SMTP session; it does not know who the client is."""
    return {
        "sender": {"name": sender, "tag": tag},
        "remote_host": ["127.0.0.1", 34567],
        "local_host": ["127.0.0.1", 25],
        "smtp_meta": {"ehlo_host": "client.example", "esmtp": True, "tls": False, "auth": None},
        "mail_from": {"m": "alice@example.com"},
    }


def smtp_session(sender, tag, rcpts, message):
    """One mail transaction as a gateway hands it on: RCPT by RCPT, each after the reply before."""
    asked = gateway(sender, tag)
    tx = Strict(asked)
    tx.create(f"/senders/{sender}/transactions", asked)
    tx.wait(lambda view: "mail_response" in view)
    for count, rcpt in enumerate(rcpts):
        patch = {"rcpt_to": [{"m": rcpt}]}
        if count:
            patch["rcpt_to_list_offset"] = count
        tx.patch(patch)
        tx.wait(lambda view: len(view.get("rcpt_response", [])) > count)
    codes = [reply["code"] for reply in tx.known["rcpt_response"]]
    if message is not None and any(code < 300 for code in codes):
        tx.patch()
        tx.put(message)
        tx.wait(lambda view: "data_response" in view)
    return tx, codes


def send_message(sender, rcpts, spec, files, tag=None, refused=()):
    """One message to many, one transaction each: what was uploaded for the first is used again. Where
    a recipient is among the refused, that comes between two uploads."""
    uploaded = {}
    for rcpt in rcpts:
        for part in spec.get("text_body", []) + spec.get("file_attachments", []):
            uri = uploaded.get(part["content"]["create_id"])
            if uri:
                part["content"]["reuse_uri"] = uri
        asked = {"mail_from": {"m": "alice@example.com"}, "rcpt_to": [{"m": rcpt}]}
        if tag:
            asked["sender"] = {"tag": tag}
        asked["body"] = {"message_builder": spec}
        tx = Strict(asked)
        view = tx.create(f"/senders/{sender}/transactions", asked)
        blobs = view["body"]["message_builder"]["blob_status"]
        for name, octets in files.items():
            blob = blobs[name]
            if not blob.get("finalized"):
                status, _, answer = request("PUT", blob["uri"], {}, octets)
                assert status == 200, (status, answer)
                uploaded[name] = blob["uri"]
            if rcpt in refused:
                tx.wait(lambda view: "final_attempt_reason" in view)
        final = tx.wait(lambda view: "final_attempt_reason" in view)
        if rcpt in refused:
            assert final["rcpt_response"][0]["code"] == 550, final
        else:
            assert final["data_response"]["code"] == 250, final
