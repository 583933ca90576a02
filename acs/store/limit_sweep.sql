-- name: next_sweep
-- How far the transactions were gone through, and how far they may be now; for one process at a time.
-- What was gone through further than any clock says was by one that was ahead.
SELECT CASE WHEN after > upkeep.first_id(greatest(:until, now()) + interval '2 minutes')
            THEN upkeep.first_id(:not_before)
            ELSE greatest(after, upkeep.first_id(:not_before)) END AS after,
       upkeep.first_id(:until) AS until
FROM acs.limit_sweep WHERE is_the_row FOR UPDATE SKIP LOCKED;

-- name: refused
-- The next payments of known clients that a limit refused, in the order they were asked for.
SELECT acs_trans_id, card_id FROM acs.transaction
WHERE acs_trans_id > :after AND acs_trans_id < :until AND rule LIKE 'limit:%' AND card_id IS NOT NULL
ORDER BY acs_trans_id LIMIT :most;

-- name: move
-- How far they are gone through now.
UPDATE acs.limit_sweep SET after = :after WHERE is_the_row;
