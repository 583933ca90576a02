-- Persons, their identification numbers and phones.

-- name: claim
-- Lets one transaction at a time decide about a keyed hash (whose identifier, PAN, phone it is).
SELECT pg_advisory_xact_lock(hashtextextended(encode(:idx::bytea, 'hex'), 0));

-- name: try_claim
-- The same without waiting; whether it is this transaction's turn.
SELECT pg_try_advisory_xact_lock(hashtextextended(encode(:idx::bytea, 'hex'), 0));

-- name: insert_person
-- A new person, unless the reference is known.
INSERT INTO enrollment.person
       (person_id, ref, kind, status, language, birth_date_ct, minor_allowed, created_at,
        updated_at)
VALUES (:person_id, :ref, :kind, 'known', :language, :birth_date_ct, :minor_allowed, :now, :now)
ON CONFLICT (ref) DO NOTHING;

-- name: lock_by_ref
-- A person by the bank's reference, locked against other changes.
SELECT person_id, ref, kind, status, language, bank_language, birth_date_ct, minor_allowed,
       version
  FROM enrollment.person
 WHERE ref = :ref
   FOR NO KEY UPDATE;

-- name: lock_by_id
-- A person by our id, locked against other changes.
SELECT person_id, ref, kind, status, language, bank_language, birth_date_ct, minor_allowed,
       version
  FROM enrollment.person
 WHERE person_id = :person_id
   FOR NO KEY UPDATE;

-- name: read_by_id
-- A person by our id.
SELECT person_id, ref, kind, status, language, bank_language, birth_date_ct, minor_allowed,
       version
  FROM enrollment.person
 WHERE person_id = :person_id;

-- name: update_person
-- Changed data of a person; the version is the one that was read.
UPDATE enrollment.person
   SET kind = :kind, language = :language, bank_language = :bank_language,
       birth_date_ct = coalesce(:birth_date_ct, birth_date_ct), minor_allowed = :minor_allowed,
       version = version + 1, updated_at = :now
 WHERE person_id = :person_id AND version = :version;

-- name: register_person
-- A known person becomes a registered one.
UPDATE enrollment.person
   SET status = 'registered', version = version + 1, updated_at = :now
 WHERE person_id = :person_id AND status = 'known';

-- name: set_person_status
-- Another status of a person; the version is the one that was read under lock.
UPDATE enrollment.person
   SET status = :becomes, version = version + 1, updated_at = :now,
       closed_at = CASE WHEN :becomes = 'closed' THEN :now::timestamptz END
 WHERE person_id = :person_id AND version = :version;

-- name: end_identifiers
-- A person who is closed is known by no number.
UPDATE enrollment.person_identifier
   SET valid_to = :now
 WHERE person_id = :person_id AND valid_to IS NULL;

-- name: holder_of_identifier
-- Whose number it is.
SELECT person_id
  FROM enrollment.person_identifier
 WHERE idx = ANY (:idx::bytea[]) AND valid_to IS NULL
 LIMIT 1;

-- name: end_identifier
-- A number of that kind that is replaced by another.
UPDATE enrollment.person_identifier
   SET valid_to = :now
 WHERE person_id = :person_id AND id_kind = :id_kind AND valid_to IS NULL;

-- name: add_identifier
-- A number by which the person is known from now on.
INSERT INTO enrollment.person_identifier (person_id, id_kind, idx, key_id, valid_from)
VALUES (:person_id, :id_kind, :idx, :key_id, :now);

-- name: had_number
-- Whether a number was the person's once.
SELECT identifier_id
  FROM enrollment.person_identifier
 WHERE person_id = :person_id AND idx = ANY (:idx::bytea[]) AND valid_to IS NOT NULL
 LIMIT 1;

-- name: pesel_of
-- Whether the person is known by a PESEL.
SELECT identifier_id
  FROM enrollment.person_identifier
 WHERE person_id = :person_id AND id_kind = 'pesel' AND valid_to IS NULL;

-- name: end_older_identifiers
-- The newest number of a person stays.
UPDATE enrollment.person_identifier i
   SET valid_to = :now
 WHERE i.person_id = :person_id AND i.valid_to IS NULL
   AND EXISTS (
       SELECT FROM enrollment.person_identifier n
        WHERE n.person_id = i.person_id AND n.valid_to IS NULL
          AND n.identifier_id > i.identifier_id);

-- name: phone_of
-- The phone in use.
SELECT phone_id, state, idx, mask
  FROM enrollment.phone
 WHERE person_id = :person_id AND state IN ('active', 'disputed');

-- name: persons_with_phone
-- How many other persons use the same number.
SELECT count(DISTINCT person_id)
  FROM enrollment.phone
 WHERE idx = ANY (:idx::bytea[]) AND state IN ('active', 'disputed') AND person_id <> :person_id;

-- name: retire_phone
-- The phone that is replaced.
UPDATE enrollment.phone
   SET state = 'retired', valid_to = :now
 WHERE person_id = :person_id AND state IN ('active', 'disputed');

-- name: add_phone
-- The phone in use from now on.
INSERT INTO enrollment.phone
       (phone_id, person_id, state, number_ct, idx, key_id, mask, source, valid_from, verified_at)
VALUES (:phone_id, :person_id, 'active', :number_ct, :idx, :key_id, :mask, :source, :now, :now);

-- name: vouch_for_phone
-- The bank knows by now the phone that the client put in use in the portal.
UPDATE enrollment.phone
   SET source = 'branch'
 WHERE person_id = :person_id AND state = 'active' AND source = 'portal';

-- name: outlived_phone
-- The number that the bank said last of a client who has put another phone in use in the portal since.
SELECT x.idx
  FROM enrollment.phone f
 CROSS JOIN LATERAL (
       SELECT o.idx
         FROM enrollment.phone o
        WHERE o.person_id = f.person_id AND o.state = 'retired' AND o.source = 'branch'
        ORDER BY o.valid_from DESC LIMIT 1) x
 WHERE f.person_id = :person_id AND f.state = 'active' AND f.source = 'portal';

-- name: last4s
-- The ends of a person's cards, which are no good PINs.
SELECT last4 FROM enrollment.card WHERE person_id = :person_id;

-- name: language_of
-- The language of a person's messages.
SELECT language FROM enrollment.person WHERE person_id = :person_id;

-- name: key_of_identifier
-- The newest keyed hash of a person's numbers, to tell whether a text is one of them.
SELECT idx FROM enrollment.person_identifier WHERE person_id = :person_id AND valid_to IS NULL;

-- name: low_value_of
-- Whether a person wants small payments without a code.
SELECT low_value FROM enrollment.person WHERE person_id = :person_id;

-- name: put_preferences
-- What a person prefers; the version is the one that was read under lock. Another language than the
-- bank's is a choice, beside which the bank's is kept.
UPDATE enrollment.person
   SET bank_language = CASE WHEN language = :language THEN bank_language
                            ELSE coalesce(bank_language, language) END,
       language = :language, low_value = :low_value, version = version + 1, updated_at = :now
 WHERE person_id = :person_id AND version = :version;

-- name: next_age_sweep
-- How far the look at the young was, unless it is done for that day; for one process at a time. A look
-- of days to come was by a clock that was ahead.
SELECT day, after
  FROM enrollment.age_sweep
 WHERE is_the_row
   AND (day < :day OR done_at IS NULL OR day > greatest(:day, (now() AT TIME ZONE 'UTC')::date) + 1)
   FOR UPDATE SKIP LOCKED;

-- name: next_of_age_sweep
-- The next cards in order that wait for their holders' age, with what it follows from.
SELECT e.card_id, e.reason, p.person_id, p.birth_date_ct, p.minor_allowed
  FROM enrollment.enrolment e
  JOIN enrollment.card c ON c.card_id = e.card_id
  JOIN enrollment.person p ON p.person_id = c.person_id
 WHERE e.reason IN ('too_young', 'minor_not_allowed') AND e.card_id > :after
 ORDER BY e.card_id
 LIMIT :limit;

-- name: move_age_sweep
-- How far it is on that day; done when there were no more.
UPDATE enrollment.age_sweep
   SET day = :day, after = :after, done_at = :done_at
 WHERE is_the_row;
