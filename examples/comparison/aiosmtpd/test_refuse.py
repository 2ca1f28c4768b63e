"""Task 5: tests the filter of task 2, with pytest."""

import asyncio

from aiosmtpd.smtp import Envelope
from refuse import NoLotteries


def reply_to(content):
    envelope = Envelope()
    envelope.mail_from, envelope.content = "a@x.example", content
    return asyncio.run(NoLotteries().handle_DATA(None, None, envelope))


def test_lotteries_are_refused():
    assert reply_to(b"\r\nwin the lottery\r\n").startswith("550")


def test_all_else_is_taken():
    assert reply_to(b"\r\nhello\r\n") == "250 OK"
