-- name: fresh
-- What was said since that time under any of these keyed hashes, the newest first; but for what was said
-- later than any clock says, by a process whose clock was ahead: it would be believed for too long.
SELECT swap AS word FROM acs.number_check
WHERE phone_mac = ANY (:phone_macs::bytea[]) AND checked_at > :since
  AND checked_at <= greatest(:now, now()) + interval '2 minutes'
ORDER BY checked_at DESC;

-- name: keep
-- The newest answer stays, whoever comes first; one from a clock that was ahead does not.
INSERT INTO acs.number_check AS kept (phone_mac, swap, checked_at)
VALUES (:phone_mac, :swap, :now)
ON CONFLICT (phone_mac) DO UPDATE SET swap = EXCLUDED.swap, checked_at = EXCLUDED.checked_at
WHERE kept.checked_at < EXCLUDED.checked_at
   OR kept.checked_at > greatest(EXCLUDED.checked_at, now()) + interval '2 minutes';

-- name: lapse
-- Clears away answers that are too old to be believed.
DELETE FROM acs.number_check WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM acs.number_check WHERE checked_at < :before
    ORDER BY checked_at LIMIT :most FOR UPDATE SKIP LOCKED));
