# All that operators and applications may ask besides sending one message, through the client that
# openapi-python-client generated: each call is answered as the document says, and means what it says.
# Arguments: the agent's URL.
import datetime
import importlib
import pathlib
import sys

from generated.client import AuthenticatedClient, Client
from generated.models import (
    Address,
    Append,
    BatchResults,
    Create,
    DestinationList,
    Destination,
    EventList,
    Explain,
    Explanation,
    InlineBody,
    Mailbox,
    Message,
    MessageBatch,
    NewMessage,
    ParsedMessage,
    Problem,
    QueueChanged,
    QueuedDetails,
    QueueList,
    Suppression,
    SuppressionList,
    Transaction,
    TransactionList,
    WebhookList,
)
from generated.types import File

client = Client(base_url=sys.argv[1], timeout=60, raise_on_unexpected_status=True)
# Health is answered to everybody, whatever a client brings along.
known = AuthenticatedClient(base_url=sys.argv[1], token="none", raise_on_unexpected_status=True)
called = set()


def call(name, *arguments, asks=None, by=client, **keywords):
    """Calls an operation, whose answer is to be of that kind."""
    [module] = [path for path in pathlib.Path("generated/api").glob(f"*/{name}.py")]
    module = importlib.import_module(f"generated.api.{module.parent.name}.{name}")
    called.add(name)
    answer = module.sync_detailed(*arguments, client=by, **keywords)
    if asks is not None:
        assert isinstance(answer.parsed, asks), (name, answer)
    return answer.parsed if asks is not None else answer


later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()


def new(to):
    return NewMessage.from_dict(
        {"from": "alice@example.com", "to": [to], "subject": "later", "text": "hi", "send_at": later}
    )


# Messages that wait for their time, so that nothing happens to them by itself.
names = ["held", "cancelled", "bounced", "released", "all", "whole"]
batch = MessageBatch(messages=[new(f"{name}@later.example") for name in names])
made = call("create_messages", "submission", body=batch, asks=BatchResults)
assert [result.status for result in made.results] == [201] * len(names), made
messages = dict(zip(names, (result.message for result in made.results)))
ids = {name: message.transactions[0].id for name, message in messages.items()}

# The queue, by one and by many.
listed = call("list_queue", domain="later.example", limit=100, asks=QueueList)
assert {one.id for one in listed.transactions} == set(ids.values()), listed
assert all(one.state == "scheduled" for one in listed.transactions), listed
mine = call("list_transactions", "submission", domain="later.example", asks=TransactionList)
assert len(mine.transactions) == len(names), mine
shown = call("show_queued", ids["held"], asks=QueuedDetails)
assert shown.attempts == [] and shown.recipients[0].state == "pending", shown
message = call("read_message", ids["held"], asks=File)
assert b"Subject: later" in message.payload.read()
held = call("hold_queued", ids["held"], asks=QueuedDetails)
assert held.state == "held", held
refused = call("retry_queued", ids["held"], asks=Problem)
assert refused.status == 409 and "held" in refused.detail, refused
cancelled = call("cancel_queued", ids["cancelled"], asks=QueuedDetails)
assert cancelled.state == "finished" and cancelled.cancelled, cancelled
bounced = call("bounce_queued", ids["bounced"], asks=QueuedDetails)
assert bounced.recipients[0].state == "failed", bounced
call("hold_queued", ids["released"], asks=QueuedDetails)
call("release_queued", ids["released"], asks=QueuedDetails)
for action, changes in [
    ("hold_queue", "all"),
    ("release_queue", "all"),
    ("retry_queue", "all"),
    ("cancel_queue", "all"),
    ("bounce_queue", "held"),
]:
    would = call(action, recipient=f"{changes}@later.example", dry_run=True, asks=QueueChanged)
    assert would.matched == 1, (action, would)
    nothing = call(action, asks=Problem)
    assert nothing.status == 400 and "all" in nothing.detail, (action, nothing)

# A message that one request has made.
whole = call("read_whole_message", messages["whole"].id, asks=Message)
assert not whole.finished and whole.recipients[0].address == "whole@later.example", whole
given_up = call("cancel_message", messages["whole"].id, asks=Message)
assert given_up.recipients[0].state == "cancelled", given_up

# A transaction whose message is uploaded, and one that is given up.
create = Create(
    mail_from=Mailbox(m="alice@example.com"), rcpt_to=[Mailbox(m="upload@example.com")]
)
answer = call("create_transaction", "submission", body=create)
id = answer.headers["Location"].rsplit("/", 1)[1]
octets = File(payload=b"Subject: uploaded\r\n\r\nhello\r\n")
assert call("upload_body", id, body=octets).status_code == 200
answer = call("create_transaction", "submission", body=create)
id = answer.headers["Location"].rsplit("/", 1)[1]
given_up = call("cancel_transaction", id, asks=Transaction)
assert given_up.final_attempt_reason == "cancelled", given_up
refused = call("append_to_transaction", id, body=Append(), if_match='"1"', asks=Problem)
assert 400 <= refused.status < 500, refused
parsed = ParsedMessage.from_dict({"text_body": []})
for name in ["post_parsed_message", "put_parsed_message"]:
    refused = call(name, id, body=parsed, if_match='"1"', asks=Problem)
    assert 400 <= refused.status < 500, refused

# Destinations.
stopped = call("suspend_destination", "later.example", asks=Destination)
assert stopped.state == "suspended", stopped
listed = call("list_destinations", asks=DestinationList)
assert "later.example" in [one.name for one in listed.destinations], listed
refused = call("retry_destination", "later.example", asks=Problem)
assert refused.status == 409, refused
went_on = call("resume_destination", "later.example", asks=Destination)
assert went_on.state == "up", went_on
assert call("show_destination", "later.example", asks=Destination).name == "later.example"

# Addresses to which nothing is sent.
kept = call("keep_suppression", "submission", "bad@example.com", reason="no more", asks=Suppression)
assert kept.reason == "no more", kept
listed = call("list_suppressions", "submission", asks=SuppressionList)
assert [one.address for one in listed.suppressions] == ["bad@example.com"], listed
assert call("show_suppression", "submission", "bad@example.com", asks=Suppression) == kept
call("remove_suppression", "submission", "bad@example.com", asks=Suppression)
gone = call("show_suppression", "submission", "bad@example.com", asks=Problem)
assert gone.status == 404, gone

# Events, and who is told of them.
events = call("read_events", type_="held,cancelled", limit=1000, asks=EventList)
assert ids["held"] in [event.transaction for event in events.events], events
hooks = call("list_webhooks", asks=WebhookList)
assert [hook.name for hook in hooks.webhooks] == ["app"], hooks
assert call("show_webhook", "app").status_code == 200
# One that takes all that it is sent, or that was not called as yet, has nothing to be tried again.
for name in ["retry_webhook", "skip_webhook_events"]:
    assert call(name, "app").status_code in (200, 409), name
    assert call(name, "nobody", asks=Problem).status == 404, name

# What would become of a message, and the agent itself.
asked = Explain(
    sender="submission", mail_from="alice@example.com", rcpt_to=["bob@example.com"]
)
told = call("explain", body=asked, asks=Explanation)
assert told.recipients[0].code == 250, told
for name in ["healthz", "readyz", "metrics", "openapi"]:
    assert call(name, by=known).status_code == 200, name

# Whoever adds an operation to the document adds it here, or to what sends a message beside this.
sends = {"create_message", "read_transaction", "upload_blob"}
modules = {path.stem for path in pathlib.Path("generated/api").glob("*/*.py")} - {"__init__"}
assert modules - called - sends == set(), modules - called - sends
