-- name: make
-- The partition of a month: made, there, busy or crowded.
SELECT upkeep.make_partition(:parent::text::regclass, :month);

-- name: turn
-- Numbers events of the audit log in this month from now on: turned, there, far, unmade or busy.
SELECT upkeep.turn_month(:month);

-- name: drop
-- Drops the oldest month that ended by then: its name, busy, open, or nothing.
SELECT upkeep.drop_partition(:parent::text::regclass, :before);

-- name: newest
-- The newest month that each table is ready for.
SELECT parent, max(month) AS newest
FROM upkeep.partition GROUP BY parent;

-- name: dropped
-- About how many rows a month had that was dropped.
SELECT rows_about FROM upkeep.dropped WHERE parent = :parent AND month = :month;

-- name: lapse_transactions
-- Deletes old transactions of no month, unless something of them is still open.
DELETE FROM acs.transaction_default WHERE acs_trans_id = ANY (ARRAY(
    SELECT t.acs_trans_id FROM acs.transaction_default t
    WHERE t.created_at < :before
      AND NOT EXISTS (SELECT FROM acs.timer x WHERE x.acs_trans_id = t.acs_trans_id)
      AND NOT EXISTS (SELECT FROM acs.result r
                      WHERE r.acs_trans_id = t.acs_trans_id AND r.state IN ('queued', 'sending'))
    LIMIT :most FOR UPDATE OF t SKIP LOCKED));

-- name: lapse_messages
-- Deletes old messages of no month; they have no key of their own.
DELETE FROM acs.message_log_default WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM acs.message_log_default WHERE at < :before LIMIT :most FOR UPDATE SKIP LOCKED));

-- name: lapse_reservations
-- Deletes old reservations of no month, unless a share of a limit is still held or counted.
DELETE FROM enrollment.reservation_default WHERE acs_trans_id = ANY (ARRAY(
    SELECT acs_trans_id FROM enrollment.reservation_default
    WHERE made_at < :before AND state NOT IN ('held', 'counted')
    LIMIT :most FOR UPDATE SKIP LOCKED));

-- name: lapse_identifiers
-- Forgets the identifiers of transactions that were let go.
DELETE FROM acs.known_areq WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM acs.known_areq WHERE day < :before ORDER BY day LIMIT :most FOR UPDATE SKIP LOCKED));
