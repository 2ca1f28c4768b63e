-- Where a transaction is to go: what is attempted for one destination waits for that alone.
ALTER TABLE transactions ADD COLUMN destination TEXT NOT NULL DEFAULT '';

-- As far as it can be told here; what is told otherwise is only counted otherwise for a while.
UPDATE transactions
SET destination = lower(
    json_extract(context, '$.sender')
    || coalesce('/' || json_extract(context, '$.tag'), '')
    || ' '
    || coalesce(
        json_extract(context, '$.next_hop'),
        substr(
            json_extract(recipients, '$[0].forward_path'),
            nullif(instr(json_extract(recipients, '$[0].forward_path'), '@'), 0) + 1
        ),
        ''
    )
)
WHERE final_reason IS NULL AND json_valid(context) AND json_valid(recipients)
    AND json_extract(context, '$.sender') IS NOT NULL;

-- Covers the search for what is due, so that what is passed over is not read.
DROP INDEX transactions_waiting;
CREATE INDEX transactions_waiting ON transactions (due_at, work, destination, crash_count)
    WHERE final_reason IS NULL AND lease_session IS NULL;
