-- Persons who were closed long ago: what identifies them goes.

-- name: due
-- A person who was closed before that time and is still there. One that another process is at is left out.
SELECT person_id
  FROM enrollment.person
 WHERE status = 'closed' AND purged_at IS NULL AND coalesce(closed_at, updated_at) < :before
 ORDER BY coalesce(closed_at, updated_at)
 LIMIT 1
   FOR UPDATE SKIP LOCKED;

-- name: lock_accounts
-- Those of these accounts that nobody is changing.
SELECT account_id
  FROM enrollment.account
 WHERE account_id = ANY (:account_ids::uuid[])
   FOR UPDATE SKIP LOCKED;

-- name: accounts
-- The accounts of a person.
SELECT account_id FROM enrollment.account_person WHERE person_id = :person_id
UNION
SELECT account_id FROM enrollment.card WHERE person_id = :person_id;

-- name: bare
-- The row that stays: nobody finds a person by it.
UPDATE enrollment.person
   SET ref = 'gone:' || person_id, birth_date_ct = NULL, low_value = false, minor_allowed = false,
       closed_at = coalesce(closed_at, updated_at), purged_at = :now, version = version + 1,
       updated_at = :now
 WHERE person_id = :person_id AND status = 'closed' AND purged_at IS NULL;

-- name: bare_consents
-- What was declared stays, without address, session and staff.
UPDATE enrollment.consent
   SET origin = '', session = NULL, staff = NULL
 WHERE person_id = :person_id AND (origin <> '' OR session IS NOT NULL OR staff IS NOT NULL);

-- name: erase
-- Everything that hangs on the person, and the cards with what hangs on them; gives how many of each.
WITH step_ups AS (DELETE FROM enrollment.step_up WHERE person_id = :person_id),
     requests AS (DELETE FROM enrollment.unblock_request WHERE person_id = :person_id),
     registrations AS (DELETE FROM enrollment.registration WHERE person_id = :person_id),
     activations AS (DELETE FROM enrollment.activation WHERE person_id = :person_id),
     entries AS (DELETE FROM enrollment.entry WHERE person_id = :person_id),
     sessions AS (DELETE FROM enrollment.portal_session WHERE person_id = :person_id),
     passwords AS (DELETE FROM enrollment.password WHERE person_id = :person_id),
     pins AS (DELETE FROM enrollment.credential WHERE person_id = :person_id),
     changes AS (DELETE FROM enrollment.phone_change WHERE person_id = :person_id),
     merchants AS (DELETE FROM enrollment.trusted_merchant WHERE person_id = :person_id),
     states AS (DELETE FROM enrollment.sca_state WHERE person_id = :person_id),
     phones AS (
       DELETE FROM enrollment.phone
        WHERE person_id = :person_id
          AND (state IN ('pending', 'retired') OR state IN ('active', 'disputed'))
       RETURNING phone_id),
     identifiers AS (
       DELETE FROM enrollment.person_identifier
        WHERE person_id = :person_id AND (valid_to IS NOT NULL OR valid_to IS NULL)
       RETURNING identifier_id),
     cards AS (DELETE FROM enrollment.card WHERE person_id = :person_id RETURNING card_id),
     blocks AS (
       DELETE FROM enrollment.block
        WHERE person_id = :person_id OR card_id IN (SELECT card_id FROM cards)),
     enrolments AS (DELETE FROM enrollment.enrolment WHERE card_id IN (SELECT card_id FROM cards)),
     small AS (DELETE FROM enrollment.low_value_use WHERE card_id IN (SELECT card_id FROM cards)),
     uses AS (DELETE FROM enrollment.usage WHERE owner_id IN (SELECT card_id FROM cards)),
     limits AS (DELETE FROM enrollment.spending_limit WHERE owner_id IN (SELECT card_id FROM cards)),
     roles AS (DELETE FROM enrollment.account_person WHERE person_id = :person_id)
SELECT (SELECT count(*) FROM cards) AS cards, (SELECT count(*) FROM phones) AS phones,
       (SELECT count(*) FROM identifiers) AS identifiers;

-- name: erase_accounts
-- Of these accounts those that are nobody's any more, with their limits and use.
WITH accounts AS (
       DELETE FROM enrollment.account a
        WHERE a.account_id = ANY (:account_ids::uuid[])
          AND NOT EXISTS (SELECT FROM enrollment.account_person m WHERE m.account_id = a.account_id)
          AND NOT EXISTS (SELECT FROM enrollment.card c WHERE c.account_id = a.account_id)
       RETURNING account_id),
     uses AS (DELETE FROM enrollment.usage WHERE owner_id IN (SELECT account_id FROM accounts)),
     limits AS (DELETE FROM enrollment.spending_limit WHERE owner_id IN (SELECT account_id FROM accounts))
SELECT count(*) FROM accounts;
