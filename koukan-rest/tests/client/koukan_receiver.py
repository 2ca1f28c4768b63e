"""A receiving application, to the letter of the REST API.

It takes one recipient with each create, answers MAIL and RCPT at once, wants the parsed message,
its blobs, and at last the RFC 5322 message, whose end is the end of the message: then there is a
data_response. URIs are absolute, entity tags bare, requests come back as {}, and ranges are
refused. Each transaction that ends is told as a line of JSON.
"""

import http.server
import json
import re
import sys
import threading
import time

REFUSED = set(sys.argv[1:])
CHANGED = threading.Condition()
TRANSACTIONS = {}
KEYS = {}


def tell(**event):
    print(json.dumps(event), flush=True)


class Transaction:
    def __init__(self, name, base, request):
        self.name = name
        self.uri = "/transactions/" + name
        self.base = base
        self.request = request
        self.version = 1
        self.parsed = None
        self.blobs = {}
        self.message = None
        self.cancelled = False
        self.reason = None
        self.mail_response = None
        self.rcpt_response = []
        self.data_response = None
        if "mail_from" in request:
            self.mail_response = {"code": 250, "message": "2.1.0 ok"}
        for mailbox in request.get("rcpt_to", []):
            refused = mailbox["m"] in REFUSED
            text = "5.1.1 no such user" if refused else "2.1.5 ok"
            self.rcpt_response.append({"code": 550 if refused else 250, "message": text})

    def changed(self):
        self.version += 1
        CHANGED.notify_all()

    def end(self, reason):
        self.reason = reason
        tell(
            event="end",
            reason=reason,
            cancelled=self.cancelled,
            request=self.request,
            parsed=self.parsed,
            blobs={name: blob for name, blob in self.blobs.items()},
            message=self.message,
        )

    def json(self):
        status = {"uri": self.base + self.uri + "/body"}
        if self.message is not None:
            status["finalized"] = True
        builder = {"uri": self.base + self.uri + "/message_builder"}
        if self.parsed is not None:
            builder["blob_status"] = {}
            for name in create_ids(self.parsed):
                blob = {"uri": self.base + self.uri + "/blob/" + name}
                if name in self.blobs:
                    blob["finalized"] = True
                builder["blob_status"][name] = blob
        view = {"attempt_count": 1, "body": {"blob_status": status, "message_builder": builder}}
        view["sender"] = {}
        if "mail_from" in self.request:
            view["mail_from"] = {}
        view["rcpt_to"] = [{} for _ in self.request.get("rcpt_to", [])]
        if self.mail_response:
            view["mail_response"] = self.mail_response
        if self.rcpt_response:
            view["rcpt_response"] = self.rcpt_response
        if self.data_response:
            view["data_response"] = self.data_response
        if self.reason:
            view["final_attempt_reason"] = self.reason
        if self.cancelled:
            view["cancelled"] = True
        return view


def create_ids(node):
    """The blobs that a parsed message names, each once."""
    names = []
    if isinstance(node, dict):
        if isinstance(node.get("create_id"), str):
            names.append(node["create_id"])
        for value in node.values():
            names += create_ids(value)
    elif isinstance(node, list):
        for value in node:
            names += create_ids(value)
    return list(dict.fromkeys(names))


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        if re.fullmatch(r"/senders/[^/]+/transactions", self.path):
            return self.create()
        match = re.fullmatch(r"(/transactions/[^/]+)/(message_builder|cancel)", self.path)
        transaction = match and TRANSACTIONS.get(match[1])
        if not transaction:
            return self.problem(404, "no such transaction")
        if match[2] == "cancel":
            self.content()
            with CHANGED:
                if not transaction.reason:
                    transaction.cancelled = True
                    transaction.end("cancelled")
                    transaction.changed()
            return self.view(200, transaction)
        if self.headers.get("If-Match") not in (None, "*", str(transaction.version)):
            return self.problem(412, "another version")
        parsed = json.loads(self.content())
        with CHANGED:
            if transaction.parsed is not None or transaction.message is not None:
                return self.problem(400, "the message has begun")
            transaction.parsed = parsed
            transaction.changed()
        self.view(200, transaction)

    def create(self):
        if self.headers.get("Content-Type") != "application/json":
            return self.problem(415, "not JSON")
        request = json.loads(self.content())
        if len(request.get("rcpt_to", [])) != 1:
            return self.problem(400, "rcpt_to: there must be one")
        if "null" in json.dumps(request):
            return self.problem(400, "null")
        key = self.headers.get("Idempotency-Key")
        with CHANGED:
            transaction = KEYS.get(key)
            if transaction is None:
                name = str(len(TRANSACTIONS) + 1)
                base = "http://" + self.headers["Host"]
                transaction = Transaction(name, base, request)
                TRANSACTIONS[transaction.uri] = transaction
                if key is not None:
                    KEYS[key] = transaction
                inline = request.get("body", {}).get("inline")
                if inline is not None:
                    self.accept(transaction, inline)
        self.view(201, transaction, Location=transaction.base + transaction.uri)

    def do_PUT(self):
        match = re.fullmatch(r"(/transactions/[^/]+)/(body|blob/([^/]+))", self.path)
        transaction = match and TRANSACTIONS.get(match[1])
        if not transaction:
            return self.problem(404, "no such transaction")
        if self.headers.get("Content-Range"):
            return self.problem(400, "no ranges here")
        name = match[3]
        content = self.content().decode("latin-1")
        with CHANGED:
            if transaction.message is not None or transaction.reason:
                return self.problem(416, "the message is complete")
            if name is None:
                missing = set(create_ids(transaction.parsed)) - set(transaction.blobs)
                if missing:
                    return self.problem(400, "blobs are missing")
                self.accept(transaction, content)
            elif name not in create_ids(transaction.parsed):
                return self.problem(404, "no such blob")
            else:
                transaction.blobs[name] = content
            transaction.changed()
        self.answer(200, b"")

    def accept(self, transaction, message):
        transaction.message = message
        accepted = any(reply["code"] == 250 for reply in transaction.rcpt_response)
        text = "2.6.0 received" if accepted else "5.5.1 nobody to receive it"
        transaction.data_response = {"code": 250 if accepted else 554, "message": text}
        transaction.end("upstream response")

    def do_GET(self):
        transaction = TRANSACTIONS.get(self.path)
        if not transaction:
            return self.problem(404, "no such transaction")
        known = self.headers.get("If-None-Match")
        deadline = time.monotonic() + min(float(self.headers.get("request-timeout", 0)), 30)
        with CHANGED:
            while True:
                if known is None and transaction.reason:
                    break
                if known is not None and known != str(transaction.version):
                    break
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                CHANGED.wait(left)
            is_unchanged = known == str(transaction.version)
        if is_unchanged:
            return self.answer(304, None)
        self.view(200, transaction)

    def content(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            length = int(self.headers.get("Content-Length", 0))
            content = self.rfile.read(length)
            if len(content) < length:
                raise ConnectionError
            return content
        content = b""
        while True:
            line = self.rfile.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError
            size = int(line, 16)
            piece = self.rfile.read(size + 2)
            if len(piece) < size + 2:
                raise ConnectionError
            if size == 0:
                return content
            content += piece[:-2]

    def view(self, status, transaction, **headers):
        with CHANGED:
            headers["ETag"] = str(transaction.version)
            body = json.dumps(transaction.json()).encode()
        headers["Content-Type"] = "application/json"
        self.answer(status, body, headers)

    def problem(self, status, detail):
        self.close_connection = True
        body = json.dumps({"status": status, "detail": detail}).encode()
        self.answer(status, body, {"Content-Type": "application/problem+json"})

    def answer(self, status, body, headers={}):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if body:
            self.wfile.write(body)

    def do_PATCH(self):
        self.problem(400, "not step by step")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Receiver)
tell(event="ready", port=server.server_address[1])
server.serve_forever()
