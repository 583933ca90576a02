-- The counter's part: a second signature under the end of a permanent block; roles of card holders.

-- What one member of staff asked for and another has to ask for as well, within a time. "asked_by"
-- and "reason" are those of the first; a row is used once.
CREATE TABLE enrollment.unblock_request (
    request_id uuid        PRIMARY KEY,
    person_id  uuid        NOT NULL REFERENCES enrollment.person (person_id),
    kind       text        NOT NULL CHECK (kind = 'sca_perm'),
    asked_by   text        NOT NULL CHECK (length(asked_by) BETWEEN 1 AND 64),
    reason     text        NOT NULL CHECK (length(reason) <= 200),
    asked_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > asked_at),
    ended_at   timestamptz
);
CREATE INDEX unblock_request_open ON enrollment.unblock_request (person_id) WHERE ended_at IS NULL;

-- Two names of 64 characters and a sign between them.
ALTER TABLE enrollment.block DROP CONSTRAINT block_ended_by_check;
ALTER TABLE enrollment.block ADD CONSTRAINT block_ended_by_check CHECK (length(ended_by) <= 140);

-- Who holds a card on an account has a role at it from now on; where none was told, the least one.
INSERT INTO enrollment.account_person (account_id, person_id, role)
SELECT DISTINCT account_id, person_id, 'proxy' FROM enrollment.card
ON CONFLICT (account_id, person_id) DO NOTHING;
