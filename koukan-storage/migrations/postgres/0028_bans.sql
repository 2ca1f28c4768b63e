-- Suspensions and suppressions, which each process has in memory: what changes is numbered in the order of commits,
-- whoever changes it, and other processes are notified.

-- The last number. Whoever takes one holds the row until the commit.
CREATE TABLE ban_numbers (last BIGINT NOT NULL);

INSERT INTO ban_numbers VALUES (0);

-- The latest changes. Whether it is a suspension now, or a suppression, says the table of these.
CREATE TABLE ban_changes (
    number BIGINT NOT NULL PRIMARY KEY,
    -- Null for a suspension, whose host is the name.
    sender TEXT COLLATE "C",
    name TEXT COLLATE "C" NOT NULL
);

-- With the rights of their owner, since others who may change the tables need not have any here; and in the schema of the
-- table, whatever the search path is.
CREATE FUNCTION note_suspensions() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counted BIGINT := (SELECT count(*) FROM changed);
    newest BIGINT;
BEGIN
    IF counted > 0 THEN
        EXECUTE format('UPDATE %I.ban_numbers SET last = last + $1 RETURNING last', TG_TABLE_SCHEMA)
            INTO newest USING counted;
        EXECUTE format('INSERT INTO %I.ban_changes (number, sender, name)
            SELECT $1 - $2 + row_number() OVER (), NULL, host FROM changed', TG_TABLE_SCHEMA)
            USING newest, counted;
        EXECUTE format('DELETE FROM %I.ban_changes WHERE number <= $1 - 10000', TG_TABLE_SCHEMA)
            USING newest;
        PERFORM pg_notify('koukan_bans', coalesce(current_setting('koukan.process', TRUE), ''));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION note_suppressions() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    counted BIGINT := (SELECT count(*) FROM changed);
    newest BIGINT;
BEGIN
    IF counted > 0 THEN
        EXECUTE format('UPDATE %I.ban_numbers SET last = last + $1 RETURNING last', TG_TABLE_SCHEMA)
            INTO newest USING counted;
        EXECUTE format('INSERT INTO %I.ban_changes (number, sender, name)
            SELECT $1 - $2 + row_number() OVER (), sender, address FROM changed', TG_TABLE_SCHEMA)
            USING newest, counted;
        EXECUTE format('DELETE FROM %I.ban_changes WHERE number <= $1 - 10000', TG_TABLE_SCHEMA)
            USING newest;
        PERFORM pg_notify('koukan_bans', coalesce(current_setting('koukan.process', TRUE), ''));
    END IF;
    RETURN NULL;
END $$;

-- Before a change: who writes suspensions or suppressions waits for its turn before it has any of their rows, so that two who
-- do only that never wait for each other. With other rows in hand they still may: the server ends that, and it is repeated.
CREATE FUNCTION await_ban_number() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('SELECT 1 FROM %I.ban_numbers FOR UPDATE', TG_TABLE_SCHEMA);
    RETURN NULL;
END $$;

-- After a TRUNCATE, which does not tell what it removes: so many numbers on, all processes read everything again.
CREATE FUNCTION note_truncation() RETURNS TRIGGER
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('UPDATE %I.ban_numbers SET last = last + 10001', TG_TABLE_SCHEMA);
    EXECUTE format('DELETE FROM %I.ban_changes', TG_TABLE_SCHEMA);
    PERFORM pg_notify('koukan_bans', coalesce(current_setting('koukan.process', TRUE), ''));
    RETURN NULL;
END $$;

CREATE TRIGGER suspensions_awaited BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON suspensions
    FOR EACH STATEMENT EXECUTE FUNCTION await_ban_number();

CREATE TRIGGER suppressions_awaited BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON suppressions
    FOR EACH STATEMENT EXECUTE FUNCTION await_ban_number();

CREATE TRIGGER suspensions_truncated AFTER TRUNCATE ON suspensions
    FOR EACH STATEMENT EXECUTE FUNCTION note_truncation();

CREATE TRIGGER suppressions_truncated AFTER TRUNCATE ON suppressions
    FOR EACH STATEMENT EXECUTE FUNCTION note_truncation();

CREATE TRIGGER suspensions_added AFTER INSERT ON suspensions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_suspensions();

CREATE TRIGGER suspensions_changed AFTER UPDATE ON suspensions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_suspensions();

CREATE TRIGGER suspensions_removed AFTER DELETE ON suspensions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_suspensions();

CREATE TRIGGER suppressions_added AFTER INSERT ON suppressions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_suppressions();

CREATE TRIGGER suppressions_changed AFTER UPDATE ON suppressions
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_suppressions();

CREATE TRIGGER suppressions_removed AFTER DELETE ON suppressions
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_suppressions();
