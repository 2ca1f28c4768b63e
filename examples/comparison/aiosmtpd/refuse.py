"""Task 2: refuses messages by what is in them."""

import asyncio
import sys

from aiosmtpd.controller import UnthreadedController


class NoLotteries:
    async def handle_DATA(self, server, session, envelope):
        if b"lottery" in envelope.content.lower():
            return "550 5.7.1 no lotteries here"
        print(envelope.mail_from, flush=True)
        return "250 OK"


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    controller = UnthreadedController(NoLotteries(), hostname="127.0.0.1", port=int(sys.argv[1]), loop=loop)
    controller.begin()
    loop.run_forever()
