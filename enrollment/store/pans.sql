-- Card numbers, sealed, for the one purpose of showing a client the own ones masked.

-- name: sealed_of_person
-- The sealed numbers of a person's cards.
SELECT card_id, pan_ct
  FROM enrollment.card
 WHERE person_id = :person_id;
