-- Activation codes and registrations.

-- name: void_activations
-- A new code makes the one before it void.
UPDATE enrollment.activation
   SET void_at = :now
 WHERE person_id = :person_id AND used_at IS NULL AND void_at IS NULL;

-- name: add_activation
-- The code of a person from now on.
INSERT INTO enrollment.activation
       (activation_id, person_id, code_hash, key_id, issued_by, issued_at, expires_at)
VALUES (:activation_id, :person_id, :code_hash, :key_id, :issued_by, :now, :expires_at);

-- name: activations_since
-- How many codes were made for a person since that time.
SELECT count(*) FROM enrollment.activation
 WHERE person_id = :person_id AND issued_at >= :since;

-- name: try_activation
-- Counts a try of the open code before it is compared; the last one makes it void if it is wrong.
UPDATE enrollment.activation
   SET attempts = attempts + 1
 WHERE person_id = :person_id AND used_at IS NULL AND void_at IS NULL
   AND expires_at > :now AND attempts < :attempts_max::integer
RETURNING activation_id, code_hash, key_id, attempts;

-- name: void_activation
-- Too many wrong tries.
UPDATE enrollment.activation
   SET void_at = :now
 WHERE activation_id = :activation_id AND used_at IS NULL AND void_at IS NULL;

-- name: use_activation
-- The code is used up, once.
UPDATE enrollment.activation
   SET used_at = :now
 WHERE activation_id = :activation_id AND used_at IS NULL AND void_at IS NULL AND expires_at > :now;

-- name: end_open
-- A newer registration of the same number ends the one before it.
UPDATE enrollment.registration
   SET state = 'cancelled', sms_hash = NULL, sms_key_id = NULL, sms_expires_at = NULL
 WHERE idx = :idx AND state IN ('started', 'consented', 'sms_sent', 'sms_ok');

-- name: add
-- A registration begins.
INSERT INTO enrollment.registration
       (registration_id, idx, person_id, activation_id, state, sends, phone_mask, started_at,
        expires_at)
VALUES (:registration_id, :idx, :person_id, :activation_id, 'started', :sends, :phone_mask, :now,
        :expires_at);

-- name: person_of
-- The person who registers, to be locked before the registration is.
SELECT person_id FROM enrollment.registration WHERE registration_id = :registration_id;

-- name: lock
-- A registration, locked.
SELECT registration_id, person_id, activation_id, state, sends, phone_mask, consents::text,
       sms_hash, sms_key_id, sms_expires_at, sent, attempts, token_hash, verified_at, expires_at
  FROM enrollment.registration
 WHERE registration_id = :registration_id
   FOR UPDATE;

-- name: move
-- Another state.
UPDATE enrollment.registration
   SET state = :becomes
 WHERE registration_id = :registration_id AND state = :was;

-- name: put_consents
-- What the client agreed to.
UPDATE enrollment.registration
   SET state = :becomes, consents = :consents::jsonb
 WHERE registration_id = :registration_id AND state = :was;

-- name: put_sms
-- The password by SMS, or what stands in for it.
UPDATE enrollment.registration
   SET state = :becomes, sms_hash = :sms_hash, sms_key_id = :sms_key_id,
       sms_expires_at = :sms_expires_at, sent = sent + 1
 WHERE registration_id = :registration_id AND state = :was;

-- name: count_try
-- Counts a try before it is compared.
UPDATE enrollment.registration
   SET attempts = attempts + 1
 WHERE registration_id = :registration_id AND state = 'sms_sent'
RETURNING attempts;

-- name: verified
-- The password by SMS was right; it is good for nothing else.
UPDATE enrollment.registration
   SET state = 'sms_ok', token_hash = :token_hash, verified_at = :now,
       sms_hash = NULL, sms_key_id = NULL, sms_expires_at = NULL
 WHERE registration_id = :registration_id AND state = 'sms_sent';

-- name: expire
-- Ends registrations whose time is over.
UPDATE enrollment.registration
   SET state = 'expired', sms_hash = NULL, sms_key_id = NULL, sms_expires_at = NULL
 WHERE registration_id = ANY (ARRAY(
       SELECT registration_id FROM enrollment.registration
        WHERE expires_at <= :now AND state IN ('started', 'consented', 'sms_sent', 'sms_ok')
        ORDER BY registration_id LIMIT :limit FOR UPDATE SKIP LOCKED))
RETURNING registration_id, person_id;

-- name: purge
-- Forgets registrations that are over since long.
DELETE FROM enrollment.registration
 WHERE registration_id IN (
       SELECT registration_id FROM enrollment.registration
        WHERE expires_at <= :old AND state IN ('done', 'expired', 'failed', 'cancelled')
        LIMIT :limit);
