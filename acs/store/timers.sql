-- name: claim_due
-- Due timers, each leased to one process; a process that dies frees its timers by time. What is leased
-- for longer than anything is, by any clock, was leased by one that was ahead.
UPDATE acs.timer SET lease_until = :lease_until, attempt = least(attempt, 32766) + 1
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM acs.timer
    WHERE due_at <= :now AND (lease_until IS NULL OR lease_until <= :now
                            OR lease_until > :never::timestamptz + greatest(now() - :now, interval '0'))
    ORDER BY due_at
    LIMIT :batch
    FOR UPDATE SKIP LOCKED))
RETURNING acs_trans_id, kind, due_at;

-- name: stop_passed
-- A claimed timer has been handed over; one that was set anew meanwhile stays: it is claimed by nobody,
-- also when it was set to the same time.
DELETE FROM acs.timer
WHERE acs_trans_id = :acs_trans_id AND kind = :kind AND due_at = :due_at AND lease_until IS NOT NULL;

-- name: running
-- Transactions that a clock runs for, in their order: every challenge that is open has one.
SELECT DISTINCT acs_trans_id FROM acs.timer
WHERE acs_trans_id > :after
ORDER BY acs_trans_id LIMIT :most;
