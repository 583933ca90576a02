-- Token ids that were used once already.

-- name: see
-- Notes a token's id; no row touched = it was seen before.
INSERT INTO enrollment.jti_seen (iss, jti, exp)
VALUES (:iss, :jti, :exp)
ON CONFLICT (iss, jti) DO NOTHING;

-- name: purge
-- Ids of tokens that would be refused for their age anyway.
DELETE FROM enrollment.jti_seen
 WHERE ctid = ANY (ARRAY(
       SELECT ctid
         FROM enrollment.jti_seen
        WHERE exp < :before
        LIMIT :limit
          FOR UPDATE SKIP LOCKED));
