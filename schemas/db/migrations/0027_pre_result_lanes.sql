-- A result knows its Directory Server, so that a lane is found without looking at its transaction,
-- and the backlog of one that is silent is not in the way of another's.

ALTER TABLE acs.result ADD COLUMN ds_id text;

-- What is settled keeps its empty column: nobody claims it any more.
UPDATE acs.result r SET ds_id = t.ds_id
FROM acs.transaction t WHERE t.acs_trans_id = r.acs_trans_id AND r.state IN ('queued', 'sending');

-- Processes of the version before write rows without it until they are replaced.
CREATE FUNCTION acs.find_result_lane() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.ds_id := (SELECT t.ds_id FROM acs.transaction t WHERE t.acs_trans_id = NEW.acs_trans_id);
    RETURN NEW;
END $$;
CREATE TRIGGER result_lane BEFORE INSERT ON acs.result
    FOR EACH ROW WHEN (NEW.ds_id IS NULL) EXECUTE FUNCTION acs.find_result_lane();

ALTER TABLE acs.result
    ADD CONSTRAINT owed_has_a_lane CHECK (ds_id IS NOT NULL OR settled_at IS NOT NULL);

DROP INDEX acs.result_due;
DROP INDEX acs.result_lease;
CREATE INDEX result_due ON acs.result (ds_id, next_at) WHERE state = 'queued';
CREATE INDEX result_lease ON acs.result (ds_id, lease_until) WHERE state = 'sending';
