-- Times are microseconds since 1970. Texts are compared octet by octet.

CREATE TABLE blobs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    len BIGINT NOT NULL,
    is_finished BOOLEAN NOT NULL,
    created BIGINT NOT NULL
);

CREATE INDEX blobs_created ON blobs (created);

CREATE TABLE chunks (
    blob_id TEXT COLLATE "C" NOT NULL,
    start BIGINT NOT NULL,
    octets BYTEA NOT NULL,
    PRIMARY KEY (blob_id, start)
);

-- Messages are compressed by whoever stores the files, if at all.
ALTER TABLE chunks ALTER COLUMN octets SET STORAGE EXTERNAL;

CREATE TABLE transactions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL,
    sender TEXT COLLATE "C",
    idempotency_key TEXT COLLATE "C",
    -- Null where nobody remembers which request had the key.
    request_digest BYTEA,
    context TEXT COLLATE "C" NOT NULL,
    mail TEXT COLLATE "C" NOT NULL,
    recipients TEXT COLLATE "C" NOT NULL,
    prefix BYTEA,
    blob_id TEXT COLLATE "C",
    body_len BIGINT,
    -- Null is a message without parts.
    body_kind TEXT COLLATE "C",
    retry BOOLEAN NOT NULL,
    notify BOOLEAN NOT NULL,
    attempt_count BIGINT NOT NULL,
    -- When the last attempt ended.
    attempted BIGINT,
    last_reply TEXT COLLATE "C",
    crash_count BIGINT NOT NULL,
    due_at BIGINT,
    work TEXT COLLATE "C",
    final_reason TEXT COLLATE "C",
    final_since BIGINT,
    lease_session TEXT COLLATE "C",
    lease_fence BIGINT NOT NULL,
    -- Where it is to go: what is attempted for one destination waits for that alone.
    destination TEXT COLLATE "C" NOT NULL,
    -- What transactions have in common that carry the same octets; null where there is no other.
    message_key TEXT COLLATE "C",
    -- What is searched, in lower case; of the forward-paths each between two line feeds.
    reverse_path TEXT COLLATE "C" NOT NULL,
    forward_paths TEXT COLLATE "C" NOT NULL,
    -- Since when no attempt is made, where somebody holds it back; only where the work is an attempt.
    held BIGINT,
    -- The host or the domain that all of it goes to; empty where its recipients have several.
    host TEXT COLLATE "C" NOT NULL,
    -- When it is sent at the earliest, where that was said.
    send_at BIGINT,
    -- Whether somebody has asked whoever works on it to cancel it.
    is_to_cancel BOOLEAN NOT NULL DEFAULT FALSE
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX transactions_keyed ON transactions (sender, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

CREATE INDEX transactions_waiting ON transactions (due_at, destination)
    WHERE final_reason IS NULL AND lease_session IS NULL AND held IS NULL;

CREATE INDEX transactions_suspect ON transactions (crash_count, due_at)
    WHERE final_reason IS NULL AND lease_session IS NULL AND crash_count > 0;

CREATE INDEX transactions_for ON transactions (destination, due_at)
    WHERE final_reason IS NULL AND lease_session IS NULL AND held IS NULL;

CREATE INDEX transactions_message ON transactions (message_key, destination, due_at)
    WHERE message_key IS NOT NULL AND final_reason IS NULL AND lease_session IS NULL
        AND held IS NULL;

CREATE INDEX transactions_leased ON transactions (lease_session)
    WHERE lease_session IS NOT NULL;

CREATE INDEX transactions_finished ON transactions (final_since)
    WHERE final_reason IS NOT NULL;

CREATE INDEX transactions_unfinished_blob ON transactions (blob_id)
    WHERE final_reason IS NULL;

CREATE INDEX transactions_bound ON transactions (host, attempted)
    WHERE final_reason IS NULL;

CREATE INDEX transactions_to_cancel ON transactions (id)
    WHERE is_to_cancel AND final_reason IS NULL;

-- Lists, of one sender and of all.
CREATE INDEX transactions_listed ON transactions (sender, created, id);

CREATE INDEX transactions_created ON transactions (created, id);

CREATE TABLE parts (
    transaction_id TEXT COLLATE "C" NOT NULL,
    position BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    blob_id TEXT COLLATE "C" NOT NULL,
    len BIGINT NOT NULL,
    PRIMARY KEY (transaction_id, position)
);

CREATE INDEX parts_blob ON parts (blob_id);

-- What was tried, and what came of it; one row an attempt.
CREATE TABLE attempts (
    transaction_id TEXT COLLATE "C" NOT NULL,
    -- The first is 1.
    number BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    host TEXT COLLATE "C",
    address TEXT COLLATE "C",
    outcome TEXT COLLATE "C" NOT NULL,
    -- What was said, where it has failed for somebody, in JSON. It is read only where attempts are shown.
    conversation TEXT COLLATE "C",
    PRIMARY KEY (transaction_id, number)
);

-- Those of a transaction go with it.
CREATE FUNCTION koukan_remove_parts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM parts WHERE transaction_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER transactions_removed AFTER DELETE ON transactions
    FOR EACH ROW WHEN (OLD.body_kind IS NOT NULL) EXECUTE FUNCTION koukan_remove_parts();

CREATE FUNCTION koukan_remove_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM attempts WHERE transaction_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER transactions_attempted_removed AFTER DELETE ON transactions
    FOR EACH ROW WHEN (OLD.attempt_count > 0) EXECUTE FUNCTION koukan_remove_attempts();

-- What became of transactions that were never committed: most were delivered at once.
CREATE TABLE summaries (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL,
    sender TEXT COLLATE "C",
    context TEXT COLLATE "C" NOT NULL,
    mail TEXT COLLATE "C" NOT NULL,
    recipients TEXT COLLATE "C" NOT NULL,
    attempt_count BIGINT NOT NULL,
    last_attempt TEXT COLLATE "C",
    final_reason TEXT COLLATE "C" NOT NULL,
    final_since BIGINT NOT NULL,
    destination TEXT COLLATE "C" NOT NULL,
    reverse_path TEXT COLLATE "C" NOT NULL,
    forward_paths TEXT COLLATE "C" NOT NULL,
    last_reply TEXT COLLATE "C",
    conversation TEXT COLLATE "C"
);

CREATE INDEX summaries_finished ON summaries (final_since);

CREATE INDEX summaries_listed ON summaries (sender, created, id);

CREATE INDEX summaries_created ON summaries (created, id);

-- What has changed about transactions, for whoever reads events; written in the commit of the change.
CREATE TABLE events (
    number BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    transaction_id TEXT COLLATE "C" NOT NULL,
    sender TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    details TEXT COLLATE "C" NOT NULL
);

-- The number of the last event. Whoever writes events holds it until the commit.
CREATE TABLE event_numbers (last BIGINT NOT NULL);

INSERT INTO event_numbers VALUES (0);

-- How far those have come who read all events, and are started with the agent.
CREATE TABLE cursors (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);

-- Hosts and domains for which no attempt is made.
CREATE TABLE suspensions (
    host TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    suspended_by TEXT COLLATE "C" NOT NULL
);

-- Addresses to which a sender sends nothing, since they were found to be bad.
CREATE TABLE suppressions (
    sender TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (sender, address)
);

CREATE INDEX suppressions_until ON suppressions (until);

-- Processes that work on the queue, as long as they say so; by the clock of the database.
CREATE TABLE sessions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    expires TIMESTAMPTZ NOT NULL,
    -- Where requests for what it works on are taken.
    address TEXT COLLATE "C"
);
