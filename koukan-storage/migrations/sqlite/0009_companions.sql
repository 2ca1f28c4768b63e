-- Finds the attempts at a message that can be made together, without reading those that cannot.
DROP INDEX transactions_message;
CREATE INDEX transactions_message ON transactions (message_key, destination, due_at)
    WHERE message_key IS NOT NULL AND final_reason IS NULL AND lease_session IS NULL
        AND held IS NULL;
