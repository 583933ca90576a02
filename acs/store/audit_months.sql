-- name: over
-- The oldest month of the audit log that may go, if there is one.
SELECT upkeep.events_over(:before);

-- name: bounds
-- The least and the highest number of the oldest month's events and links.
SELECT least(e.first, s.first) AS first, greatest(e.last, s.last) AS last
FROM (SELECT min(event_id) AS first, max(event_id) AS last FROM audit.event
      WHERE event_id < upkeep.first_event((:month::date + interval '1 month')::date)) e,
     (SELECT min(event_id) AS first, max(event_id) AS last FROM audit.seal
      WHERE event_id < upkeep.first_event((:month::date + interval '1 month')::date)) s;

-- name: unsealed
-- How many events of a stretch of numbers are not in the chain.
SELECT count(*) FROM audit.event e
WHERE e.event_id >= :first AND e.event_id < :beyond
  AND NOT EXISTS (SELECT FROM audit.seal s
                  WHERE s.event_id = e.event_id AND s.event_id >= :first AND s.event_id < :beyond);

-- name: next_link
-- The next link of an event of a stretch, in the order of the chain.
SELECT min(seq) FROM audit.seal WHERE event_id >= :first AND event_id < :beyond AND seq > :after_seq;

-- name: link
-- One link.
SELECT mac FROM audit.seal WHERE seq = :seq;
