-- The answer given to a request with an Idempotency-Key, kept for a day.

-- name: take
-- Takes the key for this request; waits while another request with it is at work. An old one's
-- place is free again.
INSERT INTO enrollment.idempotency AS i (caller, key, fingerprint, made_at)
VALUES (:caller, :key, :fingerprint, :now)
ON CONFLICT (caller, key) DO UPDATE
   SET fingerprint = excluded.fingerprint, status = NULL, body = NULL, etag = NULL,
       made_at = excluded.made_at
 WHERE i.made_at <= :old
RETURNING key;

-- name: stored
-- What was answered under the key.
SELECT fingerprint, status, body, etag
  FROM enrollment.idempotency
 WHERE caller = :caller AND key = :key;

-- name: keep
-- The answer, once.
UPDATE enrollment.idempotency
   SET status = :status, body = :body, etag = :etag
 WHERE caller = :caller AND key = :key AND status IS NULL;

-- name: free
-- A refused request changed nothing; its key may be used again.
DELETE FROM enrollment.idempotency
 WHERE caller = :caller AND key = :key AND status IS NULL;

-- name: purge
-- Answers that nobody may ask for any more.
DELETE FROM enrollment.idempotency
 WHERE ctid = ANY (ARRAY(
       SELECT ctid
         FROM enrollment.idempotency
        WHERE made_at <= :old
        LIMIT :limit
          FOR UPDATE SKIP LOCKED));

-- name: purge_of
-- Answers to one caller that are kept for less than a day.
DELETE FROM enrollment.idempotency
 WHERE ctid = ANY (ARRAY(
       SELECT ctid
         FROM enrollment.idempotency
        WHERE caller = :caller AND made_at <= :old
        LIMIT :limit
          FOR UPDATE SKIP LOCKED));
