"""A server that is told of events by webhooks, and takes those that are signed.

    python3 receiver.py 127.0.0.1:8003 SECRET_FILE
"""

import base64, hashlib, hmac, http.server, json, pathlib, sys, threading, time

# How far the clocks may be apart, in seconds: what is older may be somebody's repetition.
TOLERANCE = 300
# Octets of a request, at most.
CONTENT_MAX = 32 << 20

address, secret_file = sys.argv[1:]
# A line for each secret: while one is replaced there are two.
secrets = [
    base64.b64decode(line.removeprefix("whsec_"))
    for line in pathlib.Path(secret_file).read_text().split()
]
# The last event that was taken: what comes again is known by its number.
last = 0
# Held by the connection whose events are taken.
taking = threading.Lock()


def is_ours(headers, content):
    """Whether somebody who knows a secret has sent this, and not long ago."""
    name, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (sent.isascii() and sent.isdigit()) or abs(time.time() - int(sent)) > TOLERANCE:
        return False
    signed = f"{name}.{sent}.".encode() + content
    expected = [base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)) for secret in secrets]
    given = [
        signature.removeprefix("v1,").encode()
        for signature in headers.get("webhook-signature", "").split()
        if signature.startswith("v1,")
    ]
    return any(hmac.compare_digest(one, other) for one in given for other in expected)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # How long a client may be silent, in seconds.
    timeout = 90

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > CONTENT_MAX:
            self.close_connection = True
            return self.answer(413 if length.isdigit() else 411)
        content = self.rfile.read(int(length))
        if not is_ours(self.headers, content):
            return self.answer(401)
        global last
        try:
            events = json.loads(content)["data"]["events"]
        except (ValueError, KeyError, TypeError):
            # It is signed, and tells of no events: perhaps it was meant for another server.
            return self.answer(400)
        with taking:
            for event in events:
                if int(event["id"]) > last:
                    print(json.dumps(event), flush=True)
                    last = int(event["id"])
        # Said when all is done with them: what is not taken comes again.
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


host, port = address.rsplit(":", 1)
# A thread for each connection: agents keep theirs, and one must not hold up the others.
server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
print(f"listening on {host}:{server.server_port}", flush=True)
server.serve_forever()
