"""Passes a message on as dkimpy does, by two agents of which the second changes it, and verifies the chain."""

import sys

import dkim

folder, key_file = sys.argv[1:]
key = open(key_file, "rb").read()
record = open(f"{folder}/record", "rb").read()
message = (b"Authentication-Results: list.example; spf=pass smtp.mailfrom=a.example\r\n"
           b"From: a@a.example\r\nTo:  list@list.example\r\nSubject: x\r\nMessage-ID: <1@a.example>\r\n"
           b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n\r\n a  \t b\r\n\r\n  c \r\n")


def seal(message, selector, domain):
    return b"".join(sign(message, selector, domain)) + message


def dnsfunc(name, timeout=5):
    return record


def sign(message, selector, domain):
    signer = dkim.ARC(message)
    signer.dnsfunc = dnsfunc
    original = dkim.ARC.verify
    dkim.ARC.verify = lambda self, dnsfunc=dnsfunc: original(self, dnsfunc)
    try:
        return signer.sign(selector, domain, key, domain)
    finally:
        dkim.ARC.verify = original


first = seal(message, b"one", b"list.example")
second = seal(b"Authentication-Results: relay.example; arc=pass\r\n" + first + b"-- \r\na footer\r\n",
              b"two", b"relay.example")
for name, text in ("one", first), ("two", second):
    result, _, reason = dkim.arc_verify(text, dnsfunc=dnsfunc)
    assert result == b"pass", (name, result, reason)
    open(f"{folder}/{name}.eml", "wb").write(text)
