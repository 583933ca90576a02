-- name: lock
-- One runner at a time; the server holds the lock until it has seen that the last one is gone.
SELECT pg_advisory_lock(7012340003);

-- name: begin
-- How far the filling of one kind has come, begun now if it was not.
INSERT INTO upkeep.stock AS s (what, range_id, planned, began_at)
VALUES (:what, :range_id, :planned, now())
ON CONFLICT (what) DO UPDATE SET what = s.what
RETURNING range_id, planned, done, began_at;

-- name: got
-- How far it came, with the chunk that it tells of.
UPDATE upkeep.stock SET done = :done, planned = greatest(planned, :done) WHERE what = :what;

-- name: is_begun
-- Whether this database was ever filled.
SELECT EXISTS (SELECT FROM upkeep.stock);

-- name: pattern
-- What one transaction left, but for its row and its messages.
SELECT t.acs_trans_id, t.ares_sealed, t.areq_digest, t.created_at::text AS at, v.tag,
       e.document::text AS document, a.details::text AS details, a.name, a.actor, a.outcome
FROM acs.transaction t
JOIN acs.visitor v USING (acs_trans_id)
JOIN audit.evidence e USING (acs_trans_id)
JOIN audit.event a ON a.object = t.acs_trans_id::text
WHERE t.acs_trans_id = :acs_trans_id;

-- name: transaction_line
-- The row of one transaction, for COPY.
SELECT * FROM acs.transaction WHERE acs_trans_id = :acs_trans_id;

-- name: message_lines
-- The messages of one transaction, for COPY.
SELECT * FROM acs.message_log WHERE acs_trans_id = :acs_trans_id;

-- name: first_number
-- The next number of an event in a month before the one in which events are numbered now.
SELECT greatest(
           (SELECT max(e.event_id) FROM audit.event e
             WHERE e.event_id >= upkeep.first_event(:month)
               AND e.event_id < upkeep.first_event((:month::date + interval '1 month')::date)),
           upkeep.first_event(:month)) + 1
 WHERE upkeep.first_event(:month) < upkeep.first_event(upkeep.event_month());
