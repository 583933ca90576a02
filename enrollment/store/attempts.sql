-- Failed authentications in a row, blocks, and the PIN.

-- name: take_attempt
-- Counts one attempt before anything is compared; no row = blocked, or too many at work. A block
-- that is over gives a fresh count. Those that asked for the PIN are counted beside, never above the
-- others. Race: all of it is one row, so waiting for its lock shows the newest count and block.
INSERT INTO enrollment.sca_state AS s (person_id, failures, pin_failures, updated_at)
VALUES (:person_id, 1, :asks_pin::boolean::integer, :now)
ON CONFLICT (person_id) DO UPDATE
   SET failures = CASE WHEN s.block_kind IS NULL THEN s.failures + 1 ELSE 1 END,
       pin_failures = :asks_pin::boolean::integer
           + CASE WHEN s.block_kind IS NULL THEN least(s.pin_failures, s.failures) ELSE 0 END,
       block_kind = NULL,
       block_until = NULL,
       updated_at = :now
 WHERE (s.block_kind IS NULL AND s.failures < :failures_max::integer)
    OR s.block_until <= :now
RETURNING failures;

-- name: fill_failures
-- Counts a person's failures as full: wrong codes at the portal's door. A block in force stays.
INSERT INTO enrollment.sca_state AS s (person_id, failures, updated_at)
VALUES (:person_id, :failures_max::integer, :now)
ON CONFLICT (person_id) DO UPDATE
   SET failures = :failures_max::integer, block_kind = NULL, block_until = NULL, updated_at = :now
 WHERE s.block_kind IS NULL OR s.block_until <= :now;

-- name: sca_state
-- The count and the block of a person, locked.
SELECT failures, block_kind, block_until
  FROM enrollment.sca_state
 WHERE person_id = :person_id
   FOR UPDATE;

-- name: failures
-- The count of a person, to be told.
SELECT failures FROM enrollment.sca_state WHERE person_id = :person_id;

-- name: temp_blocks_since
-- How many temporary blocks a person had since that time, and since a permanent one was ended.
SELECT count(*)
  FROM enrollment.block b
 WHERE b.person_id = :person_id AND b.kind = 'sca_temp' AND b.from_at > :since
   AND NOT EXISTS (
       SELECT FROM enrollment.block p
        WHERE p.person_id = :person_id AND p.kind = 'sca_perm' AND p.ended_at >= b.from_at);

-- name: set_block
-- Puts the block in force, once.
UPDATE enrollment.sca_state
   SET block_kind = :kind, block_until = :until, updated_at = :now
 WHERE person_id = :person_id AND block_kind IS NULL AND failures >= :failures_max::integer;

-- name: record_block
-- Keeps the history of blocks.
INSERT INTO enrollment.block (block_id, person_id, kind, reason, from_at, until_at, set_by)
VALUES (:block_id, :person_id, :kind, :reason, :now, :until, :set_by);

-- name: lift_block
-- Ends a block of that kind and clears the count.
UPDATE enrollment.sca_state
   SET failures = 0, block_kind = NULL, block_until = NULL, updated_at = :now
 WHERE person_id = :person_id AND block_kind = :kind;

-- name: record_block_end
-- Keeps who ended a block and why.
UPDATE enrollment.block
   SET ended_at = :now, ended_by = :ended_by, end_reason = :reason
 WHERE person_id = :person_id AND kind = :kind AND ended_at IS NULL
   AND (until_at IS NULL OR until_at > :now);

-- name: pin
-- The stored hash of a person's PIN.
SELECT pin_hash, pin_key_id, pin_sets, pin_day
  FROM enrollment.credential
 WHERE person_id = :person_id;

-- name: put_pin
-- Sets or changes the PIN; counts the changes of a day.
INSERT INTO enrollment.credential AS c
       (person_id, pin_hash, pin_key_id, pin_set_at, pin_sets, pin_day)
VALUES (:person_id, :pin_hash, :pin_key_id, :now, 1, :day)
ON CONFLICT (person_id) DO UPDATE
   SET pin_hash = excluded.pin_hash,
       pin_key_id = excluded.pin_key_id,
       pin_set_at = excluded.pin_set_at,
       pin_sets = CASE WHEN c.pin_day = excluded.pin_day THEN c.pin_sets + 1 ELSE 1 END,
       pin_day = excluded.pin_day,
       version = c.version + 1
 WHERE c.pin_day <> excluded.pin_day OR c.pin_sets < :sets_max::integer;

-- name: rehash_pin
-- Replaces a hash made under an earlier key or with earlier costs, if it is still there.
UPDATE enrollment.credential
   SET pin_hash = :pin_hash, pin_key_id = :pin_key_id
 WHERE person_id = :person_id AND pin_hash = :was;
