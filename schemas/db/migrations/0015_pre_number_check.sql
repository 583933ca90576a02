-- What the operators said of a phone's SIM card, kept a quarter of an hour so that they are not asked
-- again for every payment. The phone is a keyed hash; an answer that did not come is not kept.
CREATE TABLE acs.number_check (
    phone_mac  bytea       PRIMARY KEY CHECK (length(phone_mac) = 32),
    swap       text        NOT NULL CHECK (swap IN ('none', 'earlier', 'recent')),
    checked_at timestamptz NOT NULL
);
CREATE INDEX number_check_checked_at ON acs.number_check (checked_at);
