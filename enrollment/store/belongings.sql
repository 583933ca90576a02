-- New phones from the portal, trusted merchants, own events.

-- name: changes_since
-- When a person confirmed changes since that time, the newest first.
SELECT confirmed_at FROM enrollment.phone_change
 WHERE person_id = :person_id AND confirmed_at > :since
 ORDER BY confirmed_at DESC;

-- name: add_pending_phone
-- The phone that shall take over.
INSERT INTO enrollment.phone
       (phone_id, person_id, state, number_ct, idx, key_id, mask, source, valid_from)
VALUES (:phone_id, :person_id, 'pending', :number_ct, :idx, :key_id, :mask, 'portal', :now);

-- name: add_change
-- A change begins.
INSERT INTO enrollment.phone_change
       (change_id, person_id, phone_id, state, asked_at, expires_at)
VALUES (:change_id, :person_id, :phone_id, 'asked', :now, :expires_at);

-- name: open_change
-- The change under way.
SELECT x.change_id, x.phone_id, x.state, x.expires_at, x.active_at, f.mask, f.number_ct
  FROM enrollment.phone_change x
  JOIN enrollment.phone f ON f.phone_id = x.phone_id
 WHERE x.person_id = :person_id AND x.state IN ('asked', 'confirmed');

-- name: confirm_change
-- The new phone answered.
UPDATE enrollment.phone_change
   SET state = 'confirmed', confirmed_at = :now, active_at = :active_at
 WHERE change_id = :change_id AND person_id = :person_id AND state = 'asked'
   AND expires_at > :now;

-- name: verify_phone
-- The new phone answered, so it is the client's.
UPDATE enrollment.phone SET verified_at = :now WHERE phone_id = :phone_id AND state = 'pending';

-- name: drop_change
-- The old phone stays, or another one came in its place.
UPDATE enrollment.phone_change
   SET state = 'dropped'
 WHERE person_id = :person_id AND state IN ('asked', 'confirmed');

-- name: retire_pending
-- The phone that was to take over does not.
UPDATE enrollment.phone
   SET state = 'retired', valid_to = :now
 WHERE person_id = :person_id AND state = 'pending';

-- name: due_changes
-- Whose wait is over.
SELECT person_id FROM enrollment.phone_change
 WHERE state = 'confirmed' AND active_at <= :now
 ORDER BY active_at LIMIT :limit;

-- name: pending_with_phone
-- How many other persons wait for the same number to be theirs.
SELECT count(*)
  FROM enrollment.phone_change x
  JOIN enrollment.phone f ON f.phone_id = x.phone_id
 WHERE x.state = 'confirmed' AND f.idx = ANY (:idx::bytea[]) AND x.person_id <> :person_id;

-- name: take_over
-- The new phone takes over, once.
UPDATE enrollment.phone_change
   SET state = 'active'
 WHERE person_id = :person_id AND state = 'confirmed' AND active_at <= :now
RETURNING phone_id;

-- name: activate_phone
-- The phone in use from now on; the old one is retired.
UPDATE enrollment.phone
   SET state = 'active', valid_from = :now
 WHERE phone_id = :phone_id AND state = 'pending';

-- name: merchants
-- The merchants a person trusts.
SELECT merchant_id, name, added_at FROM enrollment.trusted_merchant
 WHERE person_id = :person_id AND removed_at IS NULL
 ORDER BY added_at DESC, merchant_id;

-- name: remove_merchant
-- A merchant is trusted no longer.
UPDATE enrollment.trusted_merchant
   SET removed_at = :now
 WHERE merchant_id = :merchant_id AND person_id = :person_id AND removed_at IS NULL;

-- name: add_merchant
-- A merchant is trusted from now on; one that is trusted already stays as it was added.
INSERT INTO enrollment.trusted_merchant
    (merchant_id, person_id, acquirer_bin, acquirer_merchant_id, name, added_by, added_at)
VALUES (:merchant_id, :person_id, :acquirer_bin, :acquirer_merchant_id, :name, :added_by, :now)
ON CONFLICT (person_id, acquirer_bin, acquirer_merchant_id) WHERE removed_at IS NULL DO NOTHING;

-- name: eventful
-- What a person's events are about beside the person: each card, also one that is over and done with,
-- and the accounts whose limits are the person's.
SELECT card_id AS thing_id, last4 FROM enrollment.card WHERE person_id = :person_id
UNION ALL
SELECT account_id, NULL
  FROM enrollment.account_person
 WHERE person_id = :person_id AND role IN ('owner', 'co_owner');
