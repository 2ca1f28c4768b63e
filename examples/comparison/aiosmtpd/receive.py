"""Task 1: receives mail, and prints it."""

import asyncio
import sys

from aiosmtpd.controller import UnthreadedController


class Print:
    async def handle_DATA(self, server, session, envelope):
        print(envelope.mail_from, envelope.rcpt_tos, len(envelope.content), flush=True)
        return "250 OK"


loop = asyncio.new_event_loop()
controller = UnthreadedController(Print(), hostname="127.0.0.1", port=int(sys.argv[1]), loop=loop)
controller.begin()
loop.run_forever()
