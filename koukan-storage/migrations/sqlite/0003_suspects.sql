-- What was under lease in a crash is attempted alone, what was in few crashes before others.
CREATE INDEX transactions_suspect ON transactions (crash_count, due_at)
    WHERE final_reason IS NULL AND lease_session IS NULL AND crash_count > 0;
