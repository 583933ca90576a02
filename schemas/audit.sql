-- name: append_event
-- One more line of the audit log; there is no statement that changes or removes one.
INSERT INTO audit.event
    (at, name, actor_kind, actor, object, outcome, origin, request_id, details, key_id, mac)
VALUES
    (:at, :name, :actor_kind, :actor, :object, :outcome, :origin, :request_id, :details::jsonb, :key_id, :mac);

-- name: of_objects
-- What happened to a person and the person's cards, newest first.
SELECT at, name, object, outcome, coalesce(details ->> 'channel', '') AS channel,
       CASE WHEN name LIKE 'consent.%' THEN details ->> 'code' ELSE details ->> 'action' END AS about
  FROM audit.event
 WHERE object = ANY (:objects::text[]) AND at >= :since
 ORDER BY at DESC, event_id DESC
 LIMIT :limit;
