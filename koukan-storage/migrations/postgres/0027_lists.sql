-- Lists of one state read nothing of the others, and what is held or is to be sent later is counted by itself.

CREATE INDEX transactions_queued ON transactions (created, id) WHERE final_reason IS NULL;

CREATE INDEX transactions_queued_of ON transactions (sender, created, id) WHERE final_reason IS NULL;

CREATE INDEX transactions_over ON transactions (created, id) WHERE final_reason IS NOT NULL;

CREATE INDEX transactions_over_of ON transactions (sender, created, id) WHERE final_reason IS NOT NULL;

CREATE INDEX transactions_held ON transactions (created, id)
    WHERE held IS NOT NULL AND final_reason IS NULL AND lease_session IS NULL;

CREATE INDEX transactions_scheduled ON transactions (created, id)
    WHERE send_at IS NOT NULL AND final_reason IS NULL AND lease_session IS NULL;

DROP INDEX transactions_listed;

DROP INDEX transactions_created;
