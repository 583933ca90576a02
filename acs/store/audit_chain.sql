-- name: lock_chain
-- One process at a time carries the chain on; another one that comes meanwhile does nothing.
SELECT pg_try_advisory_xact_lock(7012340001) AS mine;

-- name: wait_for_chain
-- As above, for one that has nothing else to do.
SELECT pg_advisory_xact_lock(7012340001);

-- name: newest
-- The events that were written last, by whatever key.
SELECT at, name, actor_kind, actor, object, outcome, origin, request_id, details::text AS details,
       key_id, mac
FROM audit.event ORDER BY event_id DESC LIMIT :most;

-- name: last_seal
-- The end of the chain as it stands, in whatever month: the last link may be that of a late event.
SELECT seq, mac FROM audit.seal ORDER BY seq DESC LIMIT 1;

-- name: unsealed
-- Events that are not in the chain yet, in the order of their numbers. Numbers are given before a
-- commit, so an event may appear below one that is sealed already: it is found all the same, among the
-- newest that are. Both sides are the end of an index, and the newest months, however long the log is.
WITH sealed AS MATERIALIZED (
    SELECT event_id FROM audit.seal ORDER BY event_id DESC LIMIT :look_back),
recent AS MATERIALIZED (
    SELECT event_id, mac FROM audit.event
    WHERE event_id > (SELECT CASE WHEN count(*) < :look_back THEN 0 ELSE min(event_id) END FROM sealed)
    ORDER BY event_id LIMIT :look_back::integer + :batch::integer)
SELECT e.event_id, e.mac FROM recent e
WHERE NOT EXISTS (SELECT FROM sealed s WHERE s.event_id = e.event_id)
ORDER BY e.event_id LIMIT :batch;

-- name: unsealed_among
-- Events of a stretch of numbers that are not in the chain.
SELECT e.event_id, e.mac FROM audit.event e
WHERE e.event_id >= :first AND e.event_id < :beyond
  AND NOT EXISTS (SELECT FROM audit.seal s
                  WHERE s.event_id = e.event_id AND s.event_id >= :first AND s.event_id < :beyond)
ORDER BY e.event_id;

-- name: add_seals
-- The next links of the chain.
INSERT INTO audit.seal (seq, event_id, key_id, mac)
SELECT * FROM unnest(:seqs::bigint[], :event_ids::bigint[], :key_ids::text[], :macs::bytea[]);

-- name: hold_months
-- Until the end of the transaction no month is let go; nothing else waits.
LOCK TABLE audit.event IN ACCESS SHARE MODE;

-- name: links
-- The chain with its events, a stretch at a time; the events are looked up in the months they lie in.
WITH link AS MATERIALIZED (
    SELECT seq, event_id, key_id, mac FROM audit.seal WHERE seq > :after_seq ORDER BY seq LIMIT :batch),
wanted AS MATERIALIZED (
    SELECT array_agg(event_id) AS ids, min(event_id) AS least, max(event_id) AS most FROM link)
SELECT s.seq, s.event_id, s.key_id AS seal_key_id, s.mac AS seal_mac, e.event_id IS NOT NULL AS present,
       e.at, e.name, e.actor_kind, e.actor, e.object, e.outcome, e.origin, e.request_id,
       e.details::text AS details, e.key_id, e.mac
FROM link s
LEFT JOIN (
    SELECT x.* FROM audit.event x
    WHERE x.event_id = ANY ((SELECT ids FROM wanted)::bigint[])
      AND x.event_id >= (SELECT least FROM wanted) AND x.event_id <= (SELECT most FROM wanted)) e
USING (event_id)
ORDER BY s.seq;

-- name: months_let_go
-- What the log tells of months of a table that were let go.
SELECT at, name, actor_kind, actor, object, outcome, origin, request_id, details::text AS details,
       key_id, mac
FROM audit.event WHERE object = :object AND name = :name ORDER BY event_id;

-- name: of_object
-- The events of one object with their links and the links before, oldest first.
SELECT s.seq, e.event_id, s.key_id AS seal_key_id, s.mac AS seal_mac, true AS present, p.mac AS before,
       e.at, e.name, e.actor_kind, e.actor, e.object, e.outcome, e.origin, e.request_id,
       e.details::text AS details, e.key_id, e.mac
FROM audit.event e
LEFT JOIN LATERAL (SELECT * FROM audit.seal x WHERE x.event_id = e.event_id LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT * FROM audit.seal x WHERE x.seq = s.seq - 1 LIMIT 1) p ON true
WHERE e.object = :object ORDER BY e.event_id;

-- name: evidence_count
-- How many documents of evidence there are.
SELECT count(*) FROM audit.evidence;

-- name: evidence_faults
-- Documents that are not what the log says they were: removed, changed, or never told of. Months
-- that were let go are missed by nobody, be they of the documents, whose identifiers are below
-- ``kept_from``, or of the log, whose last event then was at ``gone_until``; an outcome comes at most a
-- day after its identifier.
SELECT coalesce(e.object, v.acs_trans_id::text) AS object,
       CASE WHEN v.acs_trans_id IS NULL THEN 'was removed'
            WHEN e.object IS NULL THEN 'is not in the log' ELSE 'was changed' END AS fault
FROM (SELECT object, at, details ->> 'evidence' AS digest FROM audit.event
      WHERE details ->> 'evidence' IS NOT NULL) e
FULL JOIN audit.evidence v ON v.acs_trans_id::text = e.object
WHERE e.digest IS DISTINCT FROM encode(sha256(convert_to(v.document::text, 'UTF8')), 'hex')
  AND (v.acs_trans_id IS NOT NULL OR :kept_from::text IS NULL OR e.object >= :kept_from COLLATE "C")
  AND (e.object IS NOT NULL OR :gone_until::timestamptz IS NULL
       OR v.at > :gone_until + interval '1 day')
ORDER BY 1 LIMIT :most;

-- name: unsealed_count
-- How many events wait for the chain.
SELECT count(*) FROM audit.event e WHERE NOT EXISTS (SELECT FROM audit.seal s WHERE s.event_id = e.event_id);

-- name: unsealed_events
-- The first of these events; ``is_left``: it lies so far below the newest in the chain that it will
-- never come into it.
SELECT e.event_id, e.event_id < (
           SELECT CASE WHEN count(*) = :look_back THEN min(n.event_id) ELSE 0 END
           FROM (SELECT event_id FROM audit.seal ORDER BY event_id DESC LIMIT :look_back) n) AS is_left,
       e.at, e.name, e.actor_kind, e.actor, e.object, e.outcome, e.origin, e.request_id,
       e.details::text AS details, e.key_id, e.mac
FROM audit.event e WHERE NOT EXISTS (SELECT FROM audit.seal s WHERE s.event_id = e.event_id)
ORDER BY e.event_id LIMIT :most;
