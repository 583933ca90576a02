-- The four rooms of the database, one per package that owns tables, and the audit log they share.

CREATE SCHEMA enrollment;
CREATE SCHEMA otp;
CREATE SCHEMA acs;
CREATE SCHEMA audit;

-- What happened, to whom, by whom: appended in the same transaction as the fact it tells of.
-- Each row carries a keyed hash of its own content; audit.seal chains the rows afterwards, so that
-- an edit, a re-ordering, a gap and a cut tail can be told (PCI DSS 10.3).
CREATE TABLE audit.event (
    event_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    name       text        NOT NULL CHECK (length(name) <= 60),
    actor_kind text        NOT NULL CHECK (actor_kind IN ('service', 'staff', 'person', 'network', 'system')),
    actor      text        NOT NULL CHECK (length(actor) <= 100),
    object     text        NOT NULL CHECK (length(object) <= 100),
    outcome    text        NOT NULL CHECK (length(outcome) <= 60),
    origin     text        NOT NULL DEFAULT '' CHECK (length(origin) <= 60),
    request_id text        NOT NULL DEFAULT '' CHECK (length(request_id) <= 64),
    details    jsonb       NOT NULL DEFAULT '{}',
    key_id     text        NOT NULL CHECK (length(key_id) <= 32),
    mac        bytea       NOT NULL CHECK (length(mac) = 32)
);

-- The chain over sealed events: mac = HMAC(key, previous mac, mac of the event).
CREATE TABLE audit.seal (
    seq      bigint PRIMARY KEY,
    event_id bigint NOT NULL UNIQUE REFERENCES audit.event (event_id),
    key_id   text   NOT NULL CHECK (length(key_id) <= 32),
    mac      bytea  NOT NULL CHECK (length(mac) = 32)
);

CREATE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;

CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.event
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
