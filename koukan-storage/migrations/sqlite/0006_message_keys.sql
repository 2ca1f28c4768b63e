-- What transactions have in common that carry the same octets; null where there is no other.
ALTER TABLE transactions ADD COLUMN message_key TEXT;

CREATE INDEX transactions_message ON transactions (message_key)
    WHERE message_key IS NOT NULL AND final_reason IS NULL;
