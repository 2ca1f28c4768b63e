# An SMTP server that takes mail from one user alone, over TLS, and says to each recipient what its name asks for.
import asyncio, base64, json, pathlib, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

address, folder, certificate, key, user, password, size = sys.argv[1:]
host, port = address.split(":")
folder = pathlib.Path(folder)
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)

BY_TOKEN = b"by token"


class Handler:
    seen = set()
    kept = 0

    def is_first(self, what):
        is_first = what not in self.seen
        self.seen.add(what)
        return is_first

    # RFC 7628; the token is the password.
    async def auth_OAUTHBEARER(self, server, args):
        shown = base64.b64decode(args[1], validate=True) if len(args) > 1 else await server.challenge_auth("")
        header, *pairs, last, end = shown.split(b"\x01")
        assert header == b"n,a=" + user.encode() + b"," and not last and not end, shown
        if b"auth=Bearer " + password.encode() in pairs:
            return AuthResult(success=True, auth_data=LoginPassword(user.encode(), BY_TOKEN))
        # It says that it has heard that, or aborts, which is answered already: RFC 7628 section 3.2.3.
        heard = await server.challenge_auth('{"status":"invalid_token"}') == b"\x01"
        return AuthResult(success=False, handled=not heard)

    async def handle_RCPT(self, server, session, envelope, to, options):
        local = to.split("@")[0]
        is_first = self.is_first(to)
        if local == "never" or local == "then" and not is_first:
            return "550 5.1.1 nobody is called " + local
        if local in ("later", "then") and is_first:
            return "450 4.2.1 later"
        envelope.rcpt_tos.append(to)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        if "atend@example.com" in envelope.rcpt_tos:
            return "554 5.6.0 not that"
        if "busy@example.com" in envelope.rcpt_tos and self.is_first("busy at the end"):
            return "451 4.3.0 busy"
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "options": envelope.mail_options,
            "tls": session.ssl is not None,
            "user": session.auth_data.login.decode(),
            "by_token": session.auth_data.password == BY_TOKEN,
            "content": envelope.content.decode(),
        }
        self.kept += 1
        # None is seen that is not whole.
        part = folder / "part"
        part.write_text(json.dumps(kept))
        part.rename(folder / f"{self.kept}.json")
        return "250 2.0.0 kept"


def authenticator(server, session, envelope, mechanism, data):
    is_user = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=is_user, handled=True, auth_data=data)


async def main():
    loop = asyncio.get_running_loop()
    make = lambda: SMTP(
        Handler.only,
        data_size_limit=int(size),
        enable_SMTPUTF8=True,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticator,
    )
    await loop.create_server(make, host, int(port))
    await asyncio.Event().wait()


Handler.only = Handler()
asyncio.run(main())
