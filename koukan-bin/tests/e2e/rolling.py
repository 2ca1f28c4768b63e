"""Clients that send mail over REST and SMTP until their standard input ends. They try again only where they are refused to
connect or, over SMTP, are told 421.

Arguments: the address of a balancer, and those of the agents behind it. The token is in the environment, and so are the
addresses for SMTP. What was acknowledged is printed as JSON, by kind of client; anything else that goes wrong ends a
client, and is printed as well.
"""

import itertools, json, os, smtplib, sys, threading, time

import httpx

FRONT, *AGENTS = [f"http://{address}" for address in sys.argv[1:]]
SUBMISSION = [address.split(":") for address in os.environ["SUBMISSION"].split()]
TOKEN = {"Authorization": "Bearer " + os.environ["TOKEN"]}
CREATE = "/senders/submission/transactions"
MESSAGE = "Subject: hi\r\n\r\nhello\r\n"
# Between two messages, and before one who was refused connects again.
PAUSE = 0.02

is_over = threading.Event()


class Client:
    """What all clients count."""

    def __init__(self, kind):
        self.kind = kind
        self.acknowledged, self.wrong, self.refused, self.closed = [], None, 0, 0

    def run(self):
        for number in itertools.count():
            if is_over.is_set():
                return
            to = f"{self.kind}-{number}@example.com"
            try:
                self.send(to)
            except Exception as error:
                self.wrong = f"{type(error).__name__}: {error}"
                return
            self.acknowledged.append(to)
            time.sleep(PAUSE)


class Sender(Client):
    """One client of REST, with connections that are kept unless it is said."""

    def __init__(self, kind, bases, headers=None, steps=False, is_kept=True):
        limits = httpx.Limits() if is_kept else httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(headers=TOKEN | (headers or {}), limits=limits, timeout=60, trust_env=False)
        super().__init__(kind)
        self.bases, self.steps = itertools.cycle(bases), steps
        self.base = next(self.bases)

    def ask(self, method, path, **what):
        while True:
            try:
                answer = self.http.request(method, self.base + path, **what)
            except httpx.ConnectError:
                self.refused += 1
                self.base = next(self.bases)
                time.sleep(PAUSE)
                continue
            self.closed += answer.headers.get("connection") == "close"
            assert answer.status_code in (200, 201), f"{method} {path}: {answer.status_code} {answer.text}"
            return answer

    def send(self, to):
        envelope = {"mail_from": {"m": "a@example.org"}, "rcpt_to": [{"m": to}]}
        if not self.steps:
            self.ask("POST", CREATE, json=envelope | {"body": {"inline": MESSAGE}})
            return
        uri = self.ask("POST", CREATE, json=envelope).json()["body"]["blob_status"]["uri"]
        path = uri[uri.index("/transactions/"):]
        # Meanwhile whoever has it may stop.
        time.sleep(PAUSE * 5)
        self.ask("PUT", path, content=MESSAGE.encode())


class Submitter(Client):
    """One client of SMTP."""

    def __init__(self, kind, is_kept):
        super().__init__(kind)
        self.hosts, self.is_kept = itertools.cycle(SUBMISSION), is_kept
        self.host, self.session = next(self.hosts), None

    def send(self, to):
        while True:
            try:
                if self.session is None:
                    self.session = smtplib.SMTP(*self.host, timeout=60)
                    code, text = self.session.ehlo()
                    if code == 421:
                        # It would say HELO next.
                        raise smtplib.SMTPHeloError(code, text)
                self.session.sendmail("a@example.org", [to], MESSAGE)
                if not self.is_kept:
                    self.session.quit()
                    self.session = None
                return
            except ConnectionRefusedError:
                self.refused += 1
            except smtplib.SMTPResponseException as error:
                assert error.smtp_code == 421, error
                self.closed += 1
            self.host, self.session = next(self.hosts), None
            time.sleep(PAUSE)


senders = [
    Sender("kept", [FRONT]),
    Sender("steps", [FRONT], steps=True),
    Sender("waits", [FRONT], headers={"Prefer": "wait=2"}),
    Sender("direct", AGENTS),
    Sender("direct-steps", AGENTS, steps=True),
    Sender("fresh", AGENTS, is_kept=False),
    Submitter("smtp-kept", is_kept=True),
    Submitter("smtp-fresh", is_kept=False),
]
threads = [threading.Thread(target=sender.run, daemon=True) for sender in senders]
for thread in threads:
    thread.start()
print("started", flush=True)
sys.stdin.read()
is_over.set()
for thread in threads:
    thread.join(90)
told = {
    sender.kind: {
        "acknowledged": sender.acknowledged,
        "wrong": sender.wrong or ("hangs" if thread.is_alive() else None),
        "refused": sender.refused,
        "closed": sender.closed,
    }
    for sender, thread in zip(senders, threads)
}
print(json.dumps(told))
