-- What clients wished of the bank's card host, until what it said is carried out.

-- name: add
-- A wish, before the host is asked.
INSERT INTO enrollment.host_wish
       (wish_id, person_id, card_id, card_ref, wish, asked_at, due_at)
VALUES (:wish_id, :person_id, :card_id, :card_ref, :wish, :now, :due_at);

-- name: renew
-- The same wish once more, while what it came to is open: under its id, leased to who asks now. Its lease
-- is another one than before, by any clock: so is it known that a second one asks.
UPDATE enrollment.host_wish
   SET due_at = greatest(:due_at, due_at + interval '1 microsecond')
 WHERE card_id = :card_id AND wish = :wish
RETURNING wish_id, person_id, card_id, card_ref, wish, asked_at;

-- name: due_at
-- Until when a wish is leased that has not come to its end.
SELECT due_at FROM enrollment.host_wish WHERE wish_id = :wish_id;

-- name: of_card
-- The wishes about a card that have not come to their end.
SELECT wish_id, person_id, card_id, card_ref, wish, asked_at
  FROM enrollment.host_wish
 WHERE card_id = :card_id;

-- name: strike_out
-- The wish is carried out or refused, once.
DELETE FROM enrollment.host_wish WHERE wish_id = :wish_id;

-- name: end_temporary
-- A card that is blocked for good is not blocked for a while any more.
DELETE FROM enrollment.host_wish WHERE card_id = :card_id AND wish = 'temporary';

-- name: claim
-- Wishes that were left by who asked, leased to one process at a time. What is leased for longer than
-- anything is, by any clock, is so by one that was ahead.
UPDATE enrollment.host_wish
   SET due_at = :until
 WHERE wish_id = ANY (ARRAY(
       SELECT wish_id FROM enrollment.host_wish
        WHERE due_at <= :now
           OR due_at > :until::timestamptz + interval '2 minutes' + greatest(now() - :now, interval '0')
        ORDER BY due_at
        LIMIT :limit
          FOR UPDATE SKIP LOCKED))
RETURNING wish_id, person_id, card_id, card_ref, wish, asked_at;
