"""Task 3: adds a field to each message, and prints it."""

import asyncio
import sys

from aiosmtpd.controller import UnthreadedController


class Stamp:
    async def handle_DATA(self, server, session, envelope):
        message = b"X-Seen-By: an example\r\n" + envelope.content
        print(message.decode(errors="replace"), flush=True)
        return "250 OK"


loop = asyncio.new_event_loop()
controller = UnthreadedController(Stamp(), hostname="127.0.0.1", port=int(sys.argv[1]), loop=loop)
controller.begin()
loop.run_forever()
