"""A receiver of the documented Koukan protocol, for tests of the client.

Prints the port that it listens on, on 127.0.0.1. As documented there: URIs are absolute, entity
tags are bare integers, `finalized` is false until the body is complete, and a PUT in ranges is
refused. A body that breaks off is never finalized. `GET /received/ID` answers with the octets of a
finished body, 404 until then.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OK = {"code": 250, "message": "ok"}
transactions = {}
changed = threading.Condition()


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, content=None, etag=None, location=None):
        octets = content if isinstance(content, bytes) else json.dumps(content or {}).encode()
        if status == 304:
            octets = b""
        self.send_response(status)
        if etag is not None:
            self.send_header("ETag", str(etag))
        if location is not None:
            self.send_header("Location", location)
        if status != 304:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def content(self):
        """All octets of the request; raises EOFError where they break off."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.exactly(int(self.headers.get("Content-Length", 0)))
        octets = b""
        while True:
            line = self.rfile.readline()
            if not line.endswith(b"\n"):
                raise EOFError
            size = int(line.split(b";")[0], 16)
            octets += self.exactly(size)
            if self.rfile.readline() != b"\r\n":
                raise EOFError
            if size == 0:
                return octets

    def exactly(self, size):
        octets = self.rfile.read(size)
        if len(octets) != size:
            raise EOFError
        return octets

    def find(self, parts):
        return transactions.get(parts[1]) if len(parts) > 1 else None

    def do_POST(self):
        content = self.content()
        parts = self.path.strip("/").split("/")
        with changed:
            if len(parts) == 3 and parts[0] == "senders" and parts[2] == "transactions":
                return self.create(json.loads(content))
            transaction = self.find(parts)
            if transaction is None or parts[2:] != ["cancel"]:
                return self.answer(404)
            if "final_attempt_reason" not in transaction["view"]:
                transaction["view"].update(cancelled=True, final_attempt_reason="cancelled")
                self.touch(transaction)
            self.answer(200, transaction["view"], transaction["version"])

    def create(self, request):
        name = str(len(transactions))
        uri = "http://%s/transactions/%s" % (self.headers["Host"], name)
        rcpt_to = request.get("rcpt_to", [])
        view = {
            "mail_from": {},
            "rcpt_to": [{} for _ in rcpt_to],
            "mail_response": OK,
            "rcpt_response": [OK for _ in rcpt_to],
            "body": {"blob_status": {"uri": uri + "/body", "finalized": False}},
        }
        transactions[name] = {"view": view, "version": 1, "received": None}
        self.answer(201, view, 1, uri)

    def touch(self, transaction):
        transaction["version"] += 1
        changed.notify_all()

    def do_GET(self):
        parts = self.path.strip("/").split("/")
        transaction = self.find(parts)
        if transaction is None:
            return self.answer(404)
        if parts[0] == "received":
            received = transaction["received"]
            return self.answer(404) if received is None else self.answer(200, received)
        known = self.headers.get("If-None-Match")
        wait = float(self.headers.get("request-timeout", 0))
        with changed:
            if known is not None:
                is_new = lambda: str(transaction["version"]) != known.strip('"')
                if not changed.wait_for(is_new, wait):
                    return self.answer(304, etag=transaction["version"])
            else:
                changed.wait_for(lambda: "final_attempt_reason" in transaction["view"], wait)
            self.answer(200, transaction["view"], transaction["version"])

    def do_PUT(self):
        parts = self.path.strip("/").split("/")
        try:
            octets = self.content()
        except (EOFError, ValueError, ConnectionError):
            self.close_connection = True
            return
        transaction = self.find(parts)
        if transaction is None or parts[2:] != ["body"]:
            return self.answer(404)
        if "Content-Range" in self.headers:
            return self.answer(400, {"detail": "ranges are not supported"})
        with changed:
            if transaction["received"] is not None:
                return self.answer(416)
            transaction["received"] = octets
            view = transaction["view"]
            view["body"]["blob_status"]["finalized"] = True
            view.update(data_response=OK, final_attempt_reason="upstream response success")
            self.touch(transaction)
            self.answer(200)


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
