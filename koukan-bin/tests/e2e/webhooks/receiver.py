"""A receiver of webhooks: prints the content of each request that is signed, and takes it or not."""

import base64, hashlib, hmac, http.server, json, sys, threading, time

secret = base64.b64decode(sys.argv[1])
port = int(sys.argv[2])
status = int(sys.argv[3]) if len(sys.argv) > 3 else 204


seen = set()
printing = threading.Lock()


def tell(request):
    """Prints a line. Several requests may come at the same time."""
    with printing:
        print(json.dumps(request), flush=True)


def of_mail(data):
    """What is answered to a message, by its first recipient."""
    user = data["rcpt_to"][0].split("@")[0]
    if user == "gone":
        return 410, "5.1.1 no such user here\nand nobody else\n"
    if user in ("later", "busy") and user not in seen:
        seen.add(user)
        return 503, "in the middle of something"
    if user == "resting" and user not in seen:
        seen.add(user)
        return 503, "not before I have rested", {"Retry-After": "5"}
    return 200, "thanks"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        name, sent = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        signed = f"{name}.{sent}.".encode() + content
        expected = "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        signatures = self.headers["webhook-signature"].split()
        is_signed = any(hmac.compare_digest(expected, it) for it in signatures)
        is_fresh = abs(time.time() - int(sent)) < 300
        if not (is_signed and is_fresh):
            tell({"unsigned": name})
            return self.answer(401)
        # What was printed was taken, whatever becomes of the answer.
        content = json.loads(content)
        tell({"id": name, "at": time.time(), "content": content})
        self.answer(*(of_mail(content["data"]) if content["type"] == "mail" else (status,)))

    def answer(self, status, text="", fields={}):
        self.send_response(status)
        for field in fields.items():
            self.send_header(*field)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
print(json.dumps({"port": server.server_port}), flush=True)
server.serve_forever()
