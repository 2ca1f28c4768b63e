"""Task 4: keeps each message until an HTTP server has taken it: all of it written by hand."""

import asyncio
import sqlite3
import sys
import time
import urllib.request

from aiosmtpd.controller import UnthreadedController

PORT, URL = int(sys.argv[1]), sys.argv[2]
queue = sqlite3.connect(sys.argv[3], isolation_level=None)
queue.execute("PRAGMA synchronous = FULL")
queue.execute("CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY, content BLOB, due REAL, tries INTEGER)")


class Enqueue:
    async def handle_DATA(self, server, session, envelope):
        # The session waits for the disk, and so do all others: it is one thread.
        queue.execute("INSERT INTO mail (content, due, tries) VALUES (?, 0, 0)", (envelope.content,))
        due.set()
        return "250 OK"


def post(content):
    request = urllib.request.Request(URL, content, {"content-type": "message/rfc822"})
    urllib.request.urlopen(request, timeout=30).close()


async def deliver():
    while True:
        due.clear()
        row = queue.execute("SELECT * FROM mail WHERE due <= ? ORDER BY due", (time.time(),)).fetchone()
        if row is None:
            next_due = queue.execute("SELECT min(due) FROM mail").fetchone()[0]
            pause = None if next_due is None else max(0, next_due - time.time())
            try:
                await asyncio.wait_for(due.wait(), pause)
            except TimeoutError:
                pass
            continue
        id, content, _, tries = row
        try:
            await asyncio.to_thread(post, content)
            queue.execute("DELETE FROM mail WHERE id = ?", (id,))
        except OSError:
            # Nobody is ever told that it failed, and nobody gives up.
            queue.execute("UPDATE mail SET due = ?, tries = tries + 1 WHERE id = ?", (time.time() + 2**min(tries, 10), id))


loop = asyncio.new_event_loop()
due = asyncio.Event()
controller = UnthreadedController(Enqueue(), hostname="127.0.0.1", port=PORT, loop=loop)
controller.begin()
delivering = loop.create_task(deliver())
loop.run_forever()
