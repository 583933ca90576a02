-- name: claim_due
-- Rows of some Directory Servers whose time has come or whose claim has run out; the attempt counts
-- even if we die. What waits longer than anything does, by any clock, waits for one that was ahead. What
-- came of the last try is known of a row that was put back, not of one whose claim ran out.
UPDATE acs.result SET
    state = 'sending', attempt = least(attempt, 32766) + 1, claimed_by = :claimed_by, lease_until = :lease_until,
    next_at = NULL, answer = CASE WHEN state = 'queued' THEN answer END
WHERE acs_trans_id = ANY (ARRAY(
    SELECT acs_trans_id FROM acs.result
    WHERE ((state = 'queued' AND (next_at <= :now
                                  OR next_at > :never::timestamptz + greatest(now() - :now, interval '0')))
        OR (state = 'sending' AND (lease_until <= :now
                                   OR lease_until > :never::timestamptz + greatest(now() - :now, interval '0'))))
      AND ds_id = ANY(:ds_ids::text[]) AND (:born_by::timestamptz IS NULL OR created_at <= :born_by)
    ORDER BY coalesce(next_at, lease_until)
    LIMIT :batch
    FOR UPDATE SKIP LOCKED))
RETURNING acs_trans_id;

-- name: claim_due_of_others
-- The same for the rows of all Directory Servers but these.
UPDATE acs.result SET
    state = 'sending', attempt = least(attempt, 32766) + 1, claimed_by = :claimed_by, lease_until = :lease_until,
    next_at = NULL, answer = CASE WHEN state = 'queued' THEN answer END
WHERE acs_trans_id = ANY (ARRAY(
    SELECT acs_trans_id FROM acs.result
    WHERE ((state = 'queued' AND (next_at <= :now
                                  OR next_at > :never::timestamptz + greatest(now() - :now, interval '0')))
        OR (state = 'sending' AND (lease_until <= :now
                                   OR lease_until > :never::timestamptz + greatest(now() - :now, interval '0'))))
      AND ds_id <> ALL(:ds_ids::text[]) AND (:born_by::timestamptz IS NULL OR created_at <= :born_by)
    ORDER BY coalesce(next_at, lease_until)
    LIMIT :batch
    FOR UPDATE SKIP LOCKED))
RETURNING acs_trans_id;

-- name: hand_over
-- A result that nobody waits for: queued for whoever delivers to its Directory Server, who is woken.
WITH handed AS (
    UPDATE acs.result SET state = 'queued', attempt = 0, next_at = :now, claimed_by = NULL, lease_until = NULL
    WHERE acs_trans_id = :acs_trans_id AND state = 'sending' AND claimed_by = :claimed_by
    RETURNING acs_trans_id)
SELECT pg_notify('acs_work', 'results') FROM handed;

-- name: read_result
-- How far the result of one transaction has come.
SELECT state, attempt, claimed_by, rreq_sealed, answer, created_at FROM acs.result WHERE acs_trans_id = :acs_trans_id;

-- name: try_again
-- Nothing was delivered: back into the queue with a later time.
UPDATE acs.result SET state = 'queued', next_at = :next_at, claimed_by = NULL, lease_until = NULL, answer = :answer
WHERE acs_trans_id = :acs_trans_id AND state = 'sending' AND claimed_by = :claimed_by;

-- name: pending
-- How many results wait and since when the oldest does, for the metrics.
SELECT count(*) AS pending, min(created_at) AS oldest FROM acs.result WHERE state IN ('queued', 'sending');

-- name: lapse
-- Clears away results that were settled long ago.
DELETE FROM acs.result WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM acs.result WHERE settled_at < :before
    ORDER BY settled_at LIMIT :most FOR UPDATE SKIP LOCKED));
