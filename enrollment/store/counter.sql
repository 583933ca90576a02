-- What a counter does: a first signature that waits for the second, and access that is taken away.

-- name: asked_by_another
-- Who else asked for the end of the permanent block and still waits for a second signature.
SELECT asked_by
  FROM enrollment.unblock_request
 WHERE person_id = :person_id AND ended_at IS NULL AND expires_at > :now
   AND lower(asked_by) <> lower(:staff::text)
 ORDER BY asked_at
 LIMIT 1;

-- name: end_own
-- An earlier request of the same member of staff.
UPDATE enrollment.unblock_request
   SET ended_at = :now
 WHERE person_id = :person_id AND ended_at IS NULL AND lower(asked_by) = lower(:staff::text);

-- name: ask
-- The first signature.
INSERT INTO enrollment.unblock_request
       (request_id, person_id, kind, asked_by, reason, asked_at, expires_at)
VALUES (:request_id, :person_id, 'sca_perm', :staff, :reason, :now, :expires_at);

-- name: end_requests
-- The block is over, and every request with it.
UPDATE enrollment.unblock_request
   SET ended_at = :now
 WHERE person_id = :person_id AND ended_at IS NULL;

-- name: drop_password
-- No password any more.
DELETE FROM enrollment.password WHERE person_id = :person_id;

-- name: drop_pin
-- No PIN any more.
DELETE FROM enrollment.credential WHERE person_id = :person_id;

-- name: end_entries
-- Logins and resets that wait for a code, or for the new password. Race: who finishes one holds the
-- person first, as the caller does; one that is locked is shut, or the service's version before.
UPDATE enrollment.entry
   SET is_open = false, used_at = :now
 WHERE entry_id IN (
       SELECT entry_id FROM enrollment.entry
        WHERE person_id = :person_id AND used_at IS NULL AND expires_at > :since
          FOR UPDATE SKIP LOCKED);

-- name: end_step_ups
-- Acts that wait for their code.
UPDATE enrollment.step_up
   SET used_at = :now
 WHERE person_id = :person_id AND used_at IS NULL;

-- name: end_registrations
-- Registrations under way. Race: as above; one that is locked is the service's version before.
UPDATE enrollment.registration
   SET state = 'cancelled', sms_hash = NULL, sms_key_id = NULL, sms_expires_at = NULL
 WHERE registration_id IN (
       SELECT registration_id FROM enrollment.registration
        WHERE person_id = :person_id AND state IN ('started', 'consented', 'sms_sent', 'sms_ok')
          FOR UPDATE SKIP LOCKED);
