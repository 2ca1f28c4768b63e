"""Signs a message as dkimpy does."""

import sys

import dkim

key, form, length = sys.argv[1:]
message = b"From: a@example.com\r\nTo:  b@example.org,\r\n\tc@example.org\r\nSubject: x\r\n\r\n" \
    b" a  \t b\r\n\r\n  c \r\n"
header, body = form.encode().split(b"/")
signature = dkim.sign(
    message,
    b"s",
    b"example.com",
    open(key, "rb").read(),
    canonicalize=(header, body),
    length=length == "l",
)
sys.stdout.buffer.write(signature + message)
