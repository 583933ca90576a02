-- What browsers say of themselves before a payment (3DS Method), and what a later request of the
-- same requestor refers back to.

-- One row per 3DS Server transaction: the first post is kept, later ones change nothing. Nobody
-- has authenticated any of it, so it is small, sealed, and soon gone unless an AReq asks for it;
-- a row an AReq asked for belongs to that transaction and goes with it.
CREATE TABLE acs.device_data (
    three_ds_server_trans_id uuid PRIMARY KEY,
    sealed                   bytea NOT NULL CHECK (length(sealed) <= 8192),
    made_at                  timestamptz NOT NULL,
    acs_trans_id             uuid REFERENCES acs.transaction (acs_trans_id) ON DELETE CASCADE
);
CREATE INDEX device_data_made ON acs.device_data (made_at);
CREATE INDEX device_data_claimed ON acs.device_data (acs_trans_id) WHERE acs_trans_id IS NOT NULL;

-- The device data under the first of these identifiers that has any; what nobody asked for until
-- p_good_after is as good as gone, whenever it is cleared away.
CREATE FUNCTION acs.device_data_of(p_ids uuid[], p_good_after timestamptz)
RETURNS TABLE (three_ds_server_trans_id uuid, sealed bytea)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT d.three_ds_server_trans_id, d.sealed
      FROM unnest(p_ids) WITH ORDINALITY AS wanted (id, place)
      JOIN acs.device_data d ON d.three_ds_server_trans_id = wanted.id
     WHERE d.made_at > p_good_after OR d.acs_trans_id IS NOT NULL
     ORDER BY wanted.place
     LIMIT 1
$$;

-- Who asked, for requests without a cardholder that refer back to this one; and what the requestor
-- authenticated for, so that the message and the page can say it.
ALTER TABLE acs.transaction
    ADD COLUMN requestor_id text CHECK (length(requestor_id) <= 35),
    ADD COLUMN authentication_ind text CHECK (length(authentication_ind) = 2);
