-- name: lock_chain
-- One process at a time carries the chain on; another one that comes meanwhile does nothing.
SELECT pg_try_advisory_xact_lock(7012340001) AS mine;

-- name: last_seal
-- The end of the chain as it stands, and the highest event in it: the last one may have been late.
SELECT seq, mac, (SELECT max(event_id) FROM audit.seal) AS newest
FROM audit.seal ORDER BY seq DESC LIMIT 1;

-- name: unsealed
-- Events that are not in the chain yet, in the order of their numbers. Numbers are given before a
-- commit, so an event may appear below one that is sealed already: it is found all the same. Both
-- sides are the end of an index, however long the log is.
WITH recent AS MATERIALIZED (
    SELECT event_id, mac FROM audit.event WHERE event_id > :after_event
    ORDER BY event_id LIMIT :look_back::integer + :batch::integer),
sealed AS MATERIALIZED (
    SELECT event_id FROM audit.seal WHERE event_id > :after_event
    ORDER BY event_id LIMIT :look_back)
SELECT e.event_id, e.mac FROM recent e
WHERE NOT EXISTS (SELECT FROM sealed s WHERE s.event_id = e.event_id)
ORDER BY e.event_id LIMIT :batch;

-- name: add_seals
-- The next links of the chain.
INSERT INTO audit.seal (seq, event_id, key_id, mac)
SELECT * FROM unnest(:seqs::bigint[], :event_ids::bigint[], :key_ids::text[], :macs::bytea[]);

-- name: links
-- The chain with its events, a stretch at a time.
SELECT s.seq, s.event_id, s.key_id AS seal_key_id, s.mac AS seal_mac, e.event_id IS NOT NULL AS present,
       e.at, e.name, e.actor_kind, e.actor, e.object, e.outcome, e.origin, e.request_id,
       e.details::text AS details, e.key_id, e.mac
FROM audit.seal s LEFT JOIN audit.event e USING (event_id)
WHERE s.seq > :after_seq ORDER BY s.seq LIMIT :batch;

-- name: of_object
-- The events of one object with their links and the links before, oldest first.
SELECT s.seq, e.event_id, s.key_id AS seal_key_id, s.mac AS seal_mac, true AS present, p.mac AS before,
       e.at, e.name, e.actor_kind, e.actor, e.object, e.outcome, e.origin, e.request_id,
       e.details::text AS details, e.key_id, e.mac
FROM audit.event e
LEFT JOIN audit.seal s USING (event_id)
LEFT JOIN audit.seal p ON p.seq = s.seq - 1
WHERE e.object = :object ORDER BY e.event_id;

-- name: evidence_count
-- How many documents of evidence there are.
SELECT count(*) FROM audit.evidence;

-- name: evidence_faults
-- Documents that are not what the log says they were: removed, changed, or never told of. Months
-- that were let go are missed by nobody; an outcome comes at most a day after its identifier.
SELECT coalesce(e.object, v.acs_trans_id::text) AS object,
       CASE WHEN v.acs_trans_id IS NULL THEN 'was removed'
            WHEN e.object IS NULL THEN 'is not in the log' ELSE 'was changed' END AS fault
FROM (SELECT object, at, details ->> 'evidence' AS digest FROM audit.event
      WHERE details ->> 'evidence' IS NOT NULL) e
FULL JOIN audit.evidence v ON v.acs_trans_id::text = e.object
WHERE e.digest IS DISTINCT FROM encode(sha256(convert_to(v.document::text, 'UTF8')), 'hex')
  AND (v.acs_trans_id IS NOT NULL OR NOT EXISTS (
      SELECT FROM upkeep.dropped d
      WHERE d.parent = 'audit.evidence' AND e.at < (d.month + interval '1 month 1 day') AT TIME ZONE 'UTC'))
ORDER BY 1 LIMIT :most;

-- name: unsealed_count
-- How many events wait for the chain.
SELECT count(*) FROM audit.event e WHERE NOT EXISTS (SELECT FROM audit.seal s WHERE s.event_id = e.event_id);
