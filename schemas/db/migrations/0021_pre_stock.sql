-- How far a database was filled with made-up clients and transactions (`acs seed --cards`), so that it
-- goes on where it was, and so that nobody takes the bank's own data for such a database.
CREATE TABLE upkeep.stock (
    what     text        PRIMARY KEY CHECK (what IN ('cards', 'transactions')),
    range_id text        NOT NULL,
    planned  bigint      NOT NULL CHECK (planned >= 0),
    done     bigint      NOT NULL DEFAULT 0 CHECK (done BETWEEN 0 AND planned),
    began_at timestamptz NOT NULL
);
