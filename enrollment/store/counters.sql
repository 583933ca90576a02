-- How often somebody did something in a span of time.

-- name: take
-- Counts once more and gives the count; what is over begins again. A span that ends later than one would
-- that begins now, by any clock, was begun by one that was ahead: it ends with that. Race: one row, one lock.
INSERT INTO enrollment.counter AS c (kind, key, count, ends_at)
VALUES (:kind, :key, 1, :ends_at)
ON CONFLICT (kind, key) DO UPDATE
   SET count = CASE WHEN c.ends_at <= :now THEN 1 ELSE c.count + 1 END,
       ends_at = CASE WHEN c.ends_at <= :now THEN excluded.ends_at
                      ELSE least(c.ends_at, excluded.ends_at + greatest(now() - :now, interval '0')) END
RETURNING count, ends_at;

-- name: read
-- The count of a span that is not over.
SELECT count, ends_at
  FROM enrollment.counter
 WHERE kind = :kind AND key = :key AND ends_at > :now;

-- name: clear
-- Counts from nothing again.
DELETE FROM enrollment.counter WHERE kind = :kind AND key = :key;

-- name: purge
-- Forgets counts whose span is over. Race: one that begins again in this moment stays.
DELETE FROM enrollment.counter
 WHERE ctid = ANY (ARRAY(
       SELECT ctid
         FROM enrollment.counter
        WHERE ends_at <= :now
        LIMIT :limit
          FOR UPDATE SKIP LOCKED));
