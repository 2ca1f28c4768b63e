# An SMTP server that takes ASCII in lines alone, and keeps what Python's email makes of each message.
import asyncio, email, email.policy, json, pathlib, sys
from aiosmtpd.smtp import SMTP

address, folder = sys.argv[1:]
host, port = address.split(":")
folder = pathlib.Path(folder)


class Handler:
    kept = 0

    async def handle_DATA(self, server, session, envelope):
        text = envelope.content
        if not text.isascii() or any(len(line) > 998 for line in text.split("\r\n")):
            return "554 5.6.0 that is no ASCII in lines"
        message = email.message_from_string(text, policy=email.policy.SMTP)
        parts = [part for part in message.walk() if not part.is_multipart()]
        kept = {
            "to": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "defects": [str(defect) for part in message.walk() for defect in part.defects],
            "encodings": [part["content-transfer-encoding"] for part in parts],
            "contents": [part.get_payload(decode=True).hex() for part in parts],
        }
        self.kept += 1
        # None is seen that is not whole.
        part = folder / "part"
        part.write_text(json.dumps(kept))
        part.rename(folder / f"{self.kept}.json")
        return "250 2.0.0 kept"


async def main():
    loop = asyncio.get_running_loop()
    handler = Handler()
    # With what it decodes itself it does not offer 8BITMIME.
    await loop.create_server(lambda: SMTP(handler, decode_data=True), host, int(port))
    await asyncio.Event().wait()


asyncio.run(main())
