# A mail with an attachment, through the client that openapi-python-client generated.
# Arguments: the agent's URL.
import sys

from generated.api.transactions import create_message, create_transaction, read_transaction
from generated.api.uploads import upload_blob
from generated.client import Client
from generated.models import (
    Address,
    BuiltBody,
    Content,
    Create,
    Mailbox,
    Message,
    MessageSpec,
    NewMessage,
    Part,
    Transaction,
)
from generated.types import File

client = Client(base_url=sys.argv[1], timeout=60, raise_on_unexpected_status=True)
message = MessageSpec(
    headers=[["from", [Address(address="alice@example.com")]], ["subject", "hello"]],
    text_body=[Part(content_type="text/plain", content=Content(inline="the text"))],
    file_attachments=[
        Part(
            content_type="application/octet-stream",
            filename="cat.bin",
            content=Content(create_id="cat"),
        )
    ],
)
asked = Create(
    mail_from=Mailbox(m="alice@example.com"),
    rcpt_to=[Mailbox(m="bob@example.com")],
    body=BuiltBody(message_builder=message),
)
created = create_transaction.sync_detailed("submission", client=client, body=asked)
transaction = created.parsed
assert isinstance(transaction, Transaction), created
assert "cat" in transaction.body.message_builder.blob_status.additional_keys, created
id = created.headers["Location"].rsplit("/", 1)[1]

octets = File(payload=bytes(range(256)) * 100)
uploaded = upload_blob.sync_detailed(id, "cat", client=client, body=octets)
assert uploaded.status_code == 200, uploaded

# Without a version it is the end that is waited for.
transaction = read_transaction.sync(id, client=client, request_timeout=30)
assert isinstance(transaction, Transaction), transaction
assert transaction.data_response.code == 250, transaction

flat = {"from": "alice@example.com", "to": ["carol@example.com"], "subject": "hello", "text": "the text"}
sent = create_message.sync(
    "submission", client=client, body=NewMessage.from_dict(flat), request_timeout=30
)
assert isinstance(sent, Message) and sent.finished, sent
assert sent.recipients[0].state == "delivered", sent
