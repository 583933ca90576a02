-- name: add
-- The key of a challenge in the app, before its AReq is recorded.
INSERT INTO acs.sdk_session (acs_trans_id, made_at, interface, template, patience_min, key_sealed)
VALUES (:acs_trans_id, :made_at, :interface, :template, :patience_min, :key_sealed);

-- name: read
-- One session; whoever changes it holds its transaction.
SELECT acs_trans_id, interface, template, patience_min, key_sealed, counter, creq_digest, creqs_before,
       pin_sealed
FROM acs.sdk_session WHERE acs_trans_id = :acs_trans_id;

-- name: move
-- What a CReq changes, over the counter that was read, and the message itself, masked.
WITH moved AS (
    UPDATE acs.sdk_session SET
        counter = :counter, creq_digest = :creq_digest, creqs_before = :creqs_before, pin_sealed = :pin_sealed
    WHERE acs_trans_id = :acs_trans_id AND counter = :was_counter
    RETURNING acs_trans_id),
logged AS (
    INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
    SELECT acs_trans_id, :now, 'in', 'CReq', :body::json FROM moved WHERE :body::json IS NOT NULL)
SELECT count(*) FROM moved;

-- name: forget_pin
-- A PIN that waits for its code, when the challenge is over.
UPDATE acs.sdk_session SET pin_sealed = NULL
WHERE acs_trans_id = :acs_trans_id AND pin_sealed IS NOT NULL;

-- name: erase
-- Keys, and PINs that were typed, once no SDK can come with them any more.
UPDATE acs.sdk_session SET key_sealed = NULL, pin_sealed = NULL
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM acs.sdk_session
        WHERE key_sealed IS NOT NULL AND made_at <= :before
        ORDER BY made_at LIMIT :batch FOR UPDATE SKIP LOCKED));

-- name: lapse
-- Clears away what no result can need any more. One that is still owed may have no bytes yet.
DELETE FROM acs.sdk_session
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM acs.sdk_session s
        WHERE s.made_at <= :before
          AND NOT EXISTS (SELECT FROM acs.result r
                           WHERE r.acs_trans_id = s.acs_trans_id AND r.state IN ('queued', 'sending'))
        ORDER BY s.made_at LIMIT :batch FOR UPDATE OF s SKIP LOCKED));
