-- name: append_event
-- One more line of the audit log; there is no statement that changes or removes one.
INSERT INTO audit.event
    (at, name, actor_kind, actor, object, outcome, origin, request_id, details, key_id, mac)
VALUES
    (:at, :name, :actor_kind, :actor, :object, :outcome, :origin, :request_id, :details::jsonb, :key_id, :mac);
