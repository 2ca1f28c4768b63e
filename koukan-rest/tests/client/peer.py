"""An HTTP/1.1 peer that answers by a script, and tells what it got, a line of JSON for each event.

The script is a list of rules. A rule is for one request line ("GET /x"), or for all without "on";
the first that fits and was not used "times" times answers:

  status, headers, body   the response; "{port}" in them is the peer's own port
  early                   answers before it reads the content
  stall                   seconds to wait before the answer
  close                   closes the connection in place of an answer
  deaf                    never reads the content, and never answers
  trickle                 seconds to wait after each octet of the body
"""

import http.server
import json
import sys
import threading
import time

RULES = json.loads(sys.argv[1])
LOCK = threading.Lock()


def tell(**event):
    with LOCK:
        print(json.dumps(event), flush=True)


def rule_for(line):
    with LOCK:
        for rule in RULES:
            if rule.get("on", line) == line and rule.get("times", 1) > 0:
                if "times" in rule:
                    rule["times"] -= 1
                return rule
    return {"status": 404, "body": "no rule for " + line}


class Peer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        line = self.command + " " + self.path
        headers = {name.lower(): value for name, value in self.headers.items()}
        tell(event="request", line=line, headers=headers)
        rule = rule_for(line)
        if rule.get("deaf"):
            time.sleep(60)
        if rule.get("early"):
            self.close_connection = True
            self.respond(rule)
            # The content that still comes is read until it breaks off, so that nothing is reset.
            try:
                complete = self.read(headers, line)
            except (OSError, ValueError):
                complete = False
            tell(event="content", line=line, complete=complete)
            return
        try:
            content = self.read(headers, line)
        except (OSError, ValueError):
            content = False
        tell(event="content", line=line, complete=content is not False, octets=content or "")
        if content is False:
            self.close_connection = True
            return
        time.sleep(rule.get("stall", 0))
        if rule.get("close"):
            self.close_connection = True
            return
        self.respond(rule)

    def respond(self, rule):
        port = str(self.server.server_address[1])
        body = rule.get("body", "").replace("{port}", port).encode()
        self.send_response(rule.get("status", 200))
        for name, value in rule.get("headers", {}).items():
            self.send_header(name, value.replace("{port}", port))
        if rule.get("status") != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not rule.get("trickle"):
            self.wfile.write(body)
        else:
            for octet in body:
                self.wfile.write(bytes([octet]))
                self.wfile.flush()
                time.sleep(rule["trickle"])
        self.wfile.flush()

    def read(self, headers, line):
        """The content, if it is complete; otherwise False."""
        pieces = []
        if headers.get("transfer-encoding") == "chunked":
            while True:
                size = self.rfile.readline()
                if not size.endswith(b"\r\n"):
                    return False
                size = int(size.strip(), 16)
                piece = self.rfile.read(size)
                if len(piece) < size or self.rfile.read(2) != b"\r\n":
                    return False
                if size == 0:
                    return "".join(pieces)
                pieces.append(piece.decode("latin-1"))
                tell(event="piece", line=line, octets=pieces[-1])
        left = int(headers.get("content-length", "0"))
        while left > 0:
            piece = self.rfile.read1(left)
            if not piece:
                return False
            left -= len(piece)
            pieces.append(piece.decode("latin-1"))
            tell(event="piece", line=line, octets=pieces[-1])
        return "".join(pieces)

    do_GET = do_POST = do_PUT = do_PATCH = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Peer)
tell(event="ready", port=server.server_address[1])
server.serve_forever()
