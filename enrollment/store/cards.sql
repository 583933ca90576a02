-- Accounts, cards and whether 3-D Secure is on for them.

-- name: insert_account
-- A new account, unless the reference is known.
INSERT INTO enrollment.account (account_id, ref, currency, status, created_at, updated_at)
VALUES (:account_id, :ref, :currency, :status, :now, :now)
ON CONFLICT (ref) DO NOTHING;

-- name: lock_account_by_ref
-- An account by the bank's reference, locked against other changes.
SELECT account_id, ref, currency, status, version
  FROM enrollment.account
 WHERE ref = :ref
   FOR NO KEY UPDATE;

-- name: lock_account
-- An account by our id, locked against other changes.
SELECT account_id, ref, currency, status, version
  FROM enrollment.account
 WHERE account_id = :account_id
   FOR NO KEY UPDATE;

-- name: update_account
-- Changed data of an account.
UPDATE enrollment.account
   SET status = :status, version = version + 1, updated_at = :now
 WHERE account_id = :account_id AND version = :version;

-- name: members
-- Who has which role at an account.
SELECT person_id, role
  FROM enrollment.account_person
 WHERE account_id = :account_id
 ORDER BY person_id;

-- name: known_persons
-- Which of these persons exist.
SELECT person_id FROM enrollment.person WHERE person_id = ANY (:person_ids::uuid[]);

-- name: drop_members
-- Those who have no role at the account any more.
DELETE FROM enrollment.account_person
 WHERE account_id = :account_id AND person_id <> ALL (:person_ids::uuid[]);

-- name: put_members
-- The roles at an account.
INSERT INTO enrollment.account_person AS m (account_id, person_id, role)
SELECT :account_id, given.person_id, given.role
  FROM unnest(:person_ids::uuid[], :roles::text[]) AS given (person_id, role)
ON CONFLICT (account_id, person_id) DO UPDATE
   SET role = excluded.role
 WHERE m.role <> excluded.role;

-- name: card_holders_of_account
-- Whose cards an account has.
SELECT DISTINCT person_id
  FROM enrollment.card
 WHERE account_id = :account_id
 ORDER BY person_id;

-- name: card_by_pan
-- The card under one of these keyed hashes.
SELECT card_id, ref, person_id
  FROM enrollment.card
 WHERE pan_idx = ANY (:pan_idx::bytea[])
 LIMIT 1;

-- name: insert_card
-- A new card, in use.
INSERT INTO enrollment.card
       (card_id, ref, account_id, person_id, pan_idx, idx_key_id, pan_ct, last4, expiry, product,
        status, created_at, updated_at)
VALUES (:card_id, :ref, :account_id, :person_id, :pan_idx, :idx_key_id, :pan_ct, :last4, :expiry,
        :product, 'active', :now, :now)
ON CONFLICT (ref) DO NOTHING;

-- name: insert_enrolment
-- A card starts without 3-D Secure.
INSERT INTO enrollment.enrolment (card_id, state, changed_by, channel, changed_at)
VALUES (:card_id, 'none', :by, :channel, :now);

-- name: lock_card_by_ref
-- A card by the bank's reference, locked against other changes.
SELECT card_id, ref, account_id, person_id, pan_idx, last4, expiry, product, status, replaced_by,
       version
  FROM enrollment.card
 WHERE ref = :ref
   FOR NO KEY UPDATE;

-- name: lock_card
-- A card by our id, locked against other changes.
SELECT card_id, ref, account_id, person_id, pan_idx, last4, expiry, product, status, replaced_by,
       version
  FROM enrollment.card
 WHERE card_id = :card_id
   FOR NO KEY UPDATE;

-- name: update_card
-- What the host's file may change of a card: expiry, product, account; a new expiry ends "expired".
UPDATE enrollment.card
   SET account_id = :account_id,
       product = :product,
       previous_expiry = CASE WHEN expiry IS DISTINCT FROM :expiry THEN expiry
                              ELSE previous_expiry END,
       expiry = :expiry,
       status = CASE WHEN status = 'expired' AND expiry IS DISTINCT FROM :expiry THEN 'active'
                     ELSE status END,
       version = version + 1,
       updated_at = :now
 WHERE card_id = :card_id AND version = :version;

-- name: set_status
-- What the host says of a card.
UPDATE enrollment.card
   SET status = :status,
       status_reason = coalesce(:reason, CASE WHEN :status = :was THEN status_reason END),
       replaced_by = coalesce(:replaced_by, replaced_by),
       version = version + 1, updated_at = :now
 WHERE card_id = :card_id AND status = :was;

-- name: enrolments
-- Every card of a person with all that its enrolment depends on, the enrolments locked.
SELECT e.card_id, e.state, e.reason, e.was_state, e.was_reason,
       s.card_status, s.account_status, s.person_status,
       s.phone_usable, s.pin_set, s.consent_act, s.consent_good_until,
       EXISTS (
           SELECT FROM enrollment.account_person m
            WHERE m.account_id = s.account_id AND m.person_id = s.person_id) AS has_role
  FROM enrollment.enrolment e
  JOIN enrollment.card_standing s ON s.card_id = e.card_id
 WHERE s.person_id = :person_id
 ORDER BY e.card_id
   FOR NO KEY UPDATE OF e;

-- name: set_enrolment
-- The next state of an enrolment, from the one that was read, which is kept when the card ends.
UPDATE enrollment.enrolment
   SET was_state = CASE WHEN :state = 'removed' THEN state ELSE was_state END,
       was_reason = CASE WHEN :state = 'removed' THEN reason ELSE was_reason END,
       state = :state, reason = :reason, changed_by = :by, channel = :channel,
       version = version + 1, changed_at = :now
 WHERE card_id = :card_id AND state = :was_state AND reason IS NOT DISTINCT FROM :was_reason;

-- name: remember
-- What an ended card's enrolment would be by now, for a card that may follow.
UPDATE enrollment.enrolment
   SET was_state = :state, was_reason = :reason
 WHERE card_id = :card_id AND state = 'removed';

-- name: view_card
-- One card as the bank's systems see it.
SELECT c.card_id, c.ref, c.account_id, c.person_id, c.last4, c.expiry, c.product, c.status,
       e.state AS threeds_state, e.reason AS threeds_reason,
       c.version + e.version - 1 AS version, a.currency
  FROM enrollment.card c
  JOIN enrollment.enrolment e ON e.card_id = c.card_id
  JOIN enrollment.account a ON a.account_id = c.account_id
 WHERE c.card_id = :card_id;

-- name: view_cards_of_person
-- A client's own cards, newest first; cards that are over and done with are left out.
SELECT c.card_id, c.ref, c.account_id, c.person_id, c.last4, c.expiry, c.product, c.status,
       e.state AS threeds_state, e.reason AS threeds_reason,
       c.version + e.version - 1 AS version, a.currency
  FROM enrollment.card c
  JOIN enrollment.enrolment e ON e.card_id = c.card_id
  JOIN enrollment.account a ON a.account_id = c.account_id
 WHERE c.person_id = :person_id AND c.status NOT IN ('closed', 'replaced')
 ORDER BY c.created_at DESC, c.card_id;

-- name: view_cards_of_co_owners
-- The cards of the other owners of accounts that a person owns, newest first, those in use.
SELECT c.card_id, c.ref, c.account_id, c.person_id, c.last4, c.expiry, c.product, c.status,
       e.state AS threeds_state, e.reason AS threeds_reason,
       c.version + e.version - 1 AS version, a.currency
  FROM enrollment.account_person o
  JOIN enrollment.account a ON a.account_id = o.account_id AND a.status = 'active'
  JOIN enrollment.account_person h ON h.account_id = a.account_id AND h.person_id <> o.person_id
   AND h.role IN ('owner', 'co_owner')
  JOIN enrollment.card c ON c.account_id = a.account_id AND c.person_id = h.person_id
  JOIN enrollment.enrolment e ON e.card_id = c.card_id
 WHERE o.person_id = :person_id AND o.role = 'owner' AND c.status NOT IN ('closed', 'replaced')
 ORDER BY c.created_at DESC, c.card_id
 LIMIT 1000;
