-- What a challenge in the app needs beside its transaction. It is made just before the AReq is recorded,
-- so that an answer never promises a challenge whose key is lost; one whose AReq was not recorded after
-- all belongs to nobody and goes with its time. Key and PIN are sealed; both are erased early.
CREATE TABLE acs.sdk_session (
    acs_trans_id uuid PRIMARY KEY,
    made_at      timestamptz NOT NULL,
    interface    text NOT NULL CHECK (interface IN ('01', '02')),
    template     text NOT NULL CHECK (length(template) = 2),
    patience_min smallint NOT NULL CHECK (patience_min BETWEEN 5 AND 99),
    key_sealed   bytea,
    counter      smallint NOT NULL DEFAULT -1 CHECK (counter BETWEEN -1 AND 255),
    creq_digest  bytea CHECK (length(creq_digest) = 32),
    pin_sealed   bytea
);
CREATE INDEX sdk_session_made ON acs.sdk_session (made_at);
CREATE INDEX sdk_session_keyed ON acs.sdk_session (made_at) WHERE key_sealed IS NOT NULL;

-- How long a challenge lasts at the most where the requestor's side is less patient than we.
ALTER TABLE acs.transaction ADD COLUMN lasts_s integer CHECK (lasts_s > 0);
