"""A receiving application, written to what docs/rest.md and the Koukan protocol say of one.

Prints its port. URIs are absolute, entity tags bare numbers, ranged PUTs are refused. A message that
is complete is printed as one line of JSON: its envelope, its length, the parsed message, and the
SHA-256 of each part.
"""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OK = {"code": 250, "message": "ok"}
transactions = {}
lock = threading.Lock()


def create_ids(value):
    if isinstance(value, dict):
        for name, field in value.items():
            if name == "create_id":
                yield field
            else:
                yield from create_ids(field)
    elif isinstance(value, list):
        for field in value:
            yield from create_ids(field)


class Transaction:
    def __init__(self, uri, asked):
        self.uri, self.asked, self.version = uri, asked, 1
        self.parsed, self.blobs, self.message = None, {}, None

    def view(self):
        builder = {"uri": self.uri + "/message_builder"}
        if self.parsed is not None:
            builder = {"blob_status": {
                name: {"uri": f"{self.uri}/blob/{name}", "finalized": octets is not None}
                for name, octets in self.blobs.items()}}
        body = {"blob_status": {"uri": self.uri + "/body", "finalized": self.message is not None},
                "message_builder": builder}
        view = {"mail_from": {}, "rcpt_to": [{}], "mail_response": OK, "rcpt_response": [OK],
                "body": body}
        if self.message is not None:
            view["data_response"] = OK
        return view

    def tell(self):
        told = {
            "from": self.asked["mail_from"]["m"],
            "to": [to["m"] for to in self.asked["rcpt_to"]],
            "length": len(self.message),
            "parsed": self.parsed,
            "parts": {name: hashlib.sha256(octets).hexdigest() for name, octets in self.blobs.items()},
        }
        print(json.dumps(told), flush=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, transaction=None):
        octets = json.dumps(transaction.view() if transaction else {}).encode()
        self.send_response(status)
        if transaction:
            self.send_header("ETag", str(transaction.version))
        if status == 201:
            self.send_header("Location", transaction.uri)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def content(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        octets = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            octets += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return octets

    def handle_any(self):
        content = self.content()
        parts = self.path.strip("/").split("/")
        with lock:
            if self.command == "POST" and parts[0] == "senders" and parts[2:] == ["transactions"]:
                name = str(len(transactions))
                uri = f"http://{self.headers['Host']}/transactions/{name}"
                transactions[name] = Transaction(uri, json.loads(content))
                return self.answer(201, transactions[name])
            transaction = transactions.get(parts[1]) if len(parts) > 1 else None
            if transaction is None:
                return self.answer(404)
            match [self.command, *parts[2:]]:
                case ["GET"] | ["POST", "cancel"]:
                    pass
                case ["POST" | "PUT", "message_builder"]:
                    transaction.parsed = json.loads(content)
                    transaction.blobs = {name: None for name in create_ids(transaction.parsed)}
                case ["PUT", "blob", name] if name in transaction.blobs:
                    transaction.blobs[name] = content
                case ["PUT", "body"] if "Content-Range" not in self.headers:
                    transaction.message = content
                    transaction.tell()
                case _:
                    return self.answer(400)
            transaction.version += 1
            self.answer(200, transaction)

    do_GET = do_POST = do_PUT = handle_any


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
