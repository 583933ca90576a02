-- name: lock_chain
-- One process at a time carries the chain on; another one that comes meanwhile does nothing.
SELECT pg_try_advisory_xact_lock(7012340001) AS mine;

-- name: last_seal
-- The end of the chain as it stands.
SELECT seq, event_id, mac FROM audit.seal ORDER BY seq DESC LIMIT 1;

-- name: unsealed
-- Events that are not in the chain yet, in the order of their numbers. Numbers are given before a
-- commit, so an event may appear below one that is sealed already: it is found all the same.
SELECT e.event_id, e.mac FROM audit.event e
WHERE NOT EXISTS (SELECT FROM audit.seal s WHERE s.event_id = e.event_id)
  AND e.event_id > :from_event
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

-- name: unsealed_count
-- How many events wait for the chain.
SELECT count(*) FROM audit.event e WHERE NOT EXISTS (SELECT FROM audit.seal s WHERE s.event_id = e.event_id);
