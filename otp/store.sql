-- name: lock_limits
-- Take the locks of the phone, the card and the challenge, in the order given (sorted), until the
-- end of the transaction: what is counted afterwards cannot change under the decision.
SELECT pg_advisory_xact_lock(key) FROM unnest(:keys::bigint[]) AS key;

-- name: standing
-- The code of the challenge, locked, and the counts of the limits, in one look. A message that surely no
-- provider took is none. A message or suspension of later than any clock says is that of a clock that was
-- ahead.
WITH code AS MATERIALIZED (
    SELECT seq, phase, link_digest, last_sent_at
    FROM otp.code WHERE challenge_id = :challenge_id FOR UPDATE
), latest AS MATERIALIZED (
    SELECT greatest(:now, now()) + interval '2 minutes' AS clock
), phone AS (
    SELECT count(*) FILTER (WHERE sent_at > :hour_ago) AS in_hour,
           min(sent_at) FILTER (WHERE sent_at > :hour_ago) AS hour_from,
           count(*) AS in_day, min(sent_at) AS day_from
    FROM otp.sending WHERE phone_mac = ANY (:phone_macs::bytea[]) AND sent_at > :day_ago
      AND sent_at <= (SELECT clock FROM latest)
      AND NOT EXISTS (
          SELECT FROM otp.outbox
          WHERE outbox.challenge_id = sending.challenge_id AND outbox.seq = sending.seq
            AND outbox.state IN ('failed', 'expired'))
), card AS (
    SELECT count(*) FILTER (WHERE sent_at > :hour_ago) AS in_hour,
           min(sent_at) FILTER (WHERE sent_at > :hour_ago) AS hour_from,
           count(*) AS in_day, min(sent_at) AS day_from
    FROM otp.sending WHERE card_ref = :card_ref AND sent_at > :day_ago
      AND sent_at <= (SELECT clock FROM latest)
      AND NOT EXISTS (
          SELECT FROM otp.outbox
          WHERE outbox.challenge_id = sending.challenge_id AND outbox.seq = sending.seq
            AND outbox.state IN ('failed', 'expired'))
), unsuccessful AS (
    SELECT count(*) AS in_hour, min(created_at) AS hour_from
    FROM otp.code
    WHERE card_ref = :card_ref AND purpose = 'payment' AND consumed_at IS NULL
      AND created_at > :hour_ago AND challenge_id <> :challenge_id
      AND created_at <= (SELECT clock FROM latest)
)
SELECT code.seq, code.phase, code.link_digest, code.last_sent_at,
       phone.in_hour AS phone_hour, phone.hour_from AS phone_hour_from,
       phone.in_day AS phone_day, phone.day_from AS phone_day_from,
       card.in_hour AS card_hour, card.hour_from AS card_hour_from,
       card.in_day AS card_day, card.day_from AS card_day_from,
       unsuccessful.in_hour AS challenges, unsuccessful.hour_from AS challenges_from,
       greatest(
           (SELECT until FROM otp.suspension
             WHERE prefix = :prefix AND until > :now
               AND since <= (SELECT clock FROM latest)),
           (SELECT max(until) FROM otp.busy_source
             WHERE until > :now AND since <= (SELECT clock FROM latest)
               AND ((kind = 'merchant' AND :merchant_ref::text IS NOT NULL
                     AND source = concat_ws('/', :acquirer_ref::text, :merchant_ref::text))
                 OR (kind = 'acquirer' AND source = :acquirer_ref::text)
                 OR (kind = 'network' AND source = :network::text)))) AS suspended_until
FROM phone CROSS JOIN card CROSS JOIN unsuccessful LEFT JOIN code ON true;

-- name: put_code
-- The first code of a challenge, or the next one in place of the live one before it (the attempts
-- stay), with its line in the history that the limits count and its message, number and text sealed;
-- all of it only when one message could be taken from the budget. A message without a sender is for the
-- workers, who are woken; one with a sender is born in its hands. What is told of it: whether there was
-- a message left, whether the code followed on the one stored, the attempts spent, and which providers
-- carried the challenge's messages before this one.
WITH taken AS MATERIALIZED (
    SELECT WHERE otp.take_total(
        :turn, :minute, :hour, :day, :total_minute, :total_hour, :total_day)
), put AS (
    INSERT INTO otp.code AS code
        (challenge_id, purpose, link_digest, seq, phase, key_id, mac, attempts, card_ref,
         created_at, last_sent_at, expires_at, consumed_at)
    SELECT :challenge_id::uuid, :purpose::text, :link_digest::bytea, :seq::smallint, 'live',
           :key_id::text, :mac::bytea, 0, :card_ref::uuid,
           :now::timestamptz, :now::timestamptz, :expires_at::timestamptz, NULL
    FROM taken
    ON CONFLICT (challenge_id) DO UPDATE SET
        seq = EXCLUDED.seq, key_id = EXCLUDED.key_id, mac = EXCLUDED.mac,
        last_sent_at = EXCLUDED.last_sent_at, expires_at = EXCLUDED.expires_at
    WHERE code.phase = 'live' AND code.seq = EXCLUDED.seq - 1
      AND code.purpose = EXCLUDED.purpose AND code.link_digest = EXCLUDED.link_digest
    RETURNING challenge_id, seq, purpose, last_sent_at, expires_at, attempts
), line AS (
    INSERT INTO otp.sending
        (challenge_id, seq, purpose, phone_key_id, phone_mac, phone_mask, card_ref, merchant_ref,
         acquirer_ref, network, template, mac_key_id, prefix, sent_at)
    SELECT put.challenge_id, put.seq, put.purpose, :phone_key_id, :phone_mac, :phone_mask, :card_ref,
           :merchant_ref, :acquirer_ref, :network, :template, :key_id, :prefix, put.last_sent_at
    FROM put
), queued AS (
    INSERT INTO otp.outbox
        (sms_id, challenge_id, seq, kind, number_sealed, text_sealed, calling_code, state, attempts,
         claimed_by, claimed_at, queued_at, due_at, expires_at)
    SELECT :sms_id, put.challenge_id, put.seq, 'code', :number_sealed, :text_sealed, :calling_code,
           CASE WHEN :sender::text IS NULL THEN 'queued' ELSE 'sending' END,
           CASE WHEN :sender::text IS NULL THEN 0 ELSE 1 END,
           :sender, CASE WHEN :sender::text IS NOT NULL THEN :now::timestamptz END,
           :now, :now, put.expires_at
    FROM put
    RETURNING sms_id
), woken AS MATERIALIZED (
    SELECT pg_notify('acs_work', 'sms') FROM queued WHERE :sender::text IS NULL
)
SELECT (SELECT count(*) FROM taken) AS taken, (SELECT count(*) FROM queued) AS written,
       (SELECT count(*) FROM woken) AS woken, (SELECT attempts FROM put) AS attempts,
       (SELECT coalesce(array_agg(name ORDER BY earlier.seq), '{}')
        FROM otp.outbox AS earlier
        CROSS JOIN LATERAL unnest(ARRAY[earlier.doubted_provider, earlier.provider]) AS name
        WHERE earlier.challenge_id = :challenge_id AND name IS NOT NULL) AS used,
       (SELECT coalesce(array_agg(earlier.provider), '{}')
        FROM otp.outbox AS earlier
        WHERE earlier.challenge_id = :challenge_id AND earlier.provider IS NOT NULL
          AND (earlier.state = 'failed' OR earlier.report_state IN ('failed', 'expired'))) AS failed;

-- name: take_total
-- Take one message from the budget; whether there was one left.
SELECT otp.take_total(:turn, :minute, :hour, :day, :total_minute, :total_hour, :total_day);

-- name: take_attempt
-- Count one attempt before anything is compared; no row when there is no attempt to be had.
UPDATE otp.code SET attempts = attempts + 1
WHERE challenge_id = :challenge_id AND phase = 'live' AND attempts < :attempts_max
  AND expires_at > :now
RETURNING seq, attempts, key_id, mac;

-- name: settle_attempt
-- What the counted attempt came to: used once, the last one spent, or still live. The MAC leaves
-- the row with the code's life.
UPDATE otp.code SET
    phase = :becomes::text,
    mac = CASE WHEN :becomes::text = 'live' THEN mac END,
    key_id = CASE WHEN :becomes::text = 'live' THEN key_id END,
    consumed_at = CASE WHEN :becomes::text = 'used' THEN :now::timestamptz END
WHERE challenge_id = :challenge_id AND seq = :seq AND phase = 'live';

-- name: phase_of
-- Why there was no attempt to be had.
SELECT phase, attempts FROM otp.code WHERE challenge_id = :challenge_id FOR UPDATE;

-- name: state_of
-- Where the code of a challenge and its newest message stand, what is reported of it included.
SELECT code.seq, code.attempts, code.phase, code.expires_at, code.last_sent_at,
       CASE
           WHEN outbox.report_state IN ('failed', 'expired') THEN 'failed'
           WHEN outbox.report_state IS NOT NULL AND outbox.state = 'unknown' THEN 'sent'
           ELSE outbox.state
       END AS delivery
FROM otp.code LEFT JOIN otp.outbox
    ON outbox.challenge_id = code.challenge_id AND outbox.seq = code.seq
WHERE code.challenge_id = :challenge_id;

-- name: messages_of
-- The messages of a challenge, oldest first, and where each stands.
SELECT sending.seq, sending.sent_at, sending.phone_mask, sending.template, sending.mac_key_id,
       outbox.sms_id, outbox.provider, outbox.provider_id, outbox.state,
       outbox.report_state AS report, outbox.reported_at
FROM otp.sending LEFT JOIN otp.outbox USING (challenge_id, seq)
WHERE sending.challenge_id = :challenge_id ORDER BY sending.seq;

-- name: told
-- Both in one look: a row for each message of the challenge, with its code.
SELECT code.seq AS code_seq, code.attempts, code.phase, code.expires_at, code.last_sent_at,
       CASE
           WHEN outbox.report_state IN ('failed', 'expired') THEN 'failed'
           WHEN outbox.report_state IS NOT NULL AND outbox.state = 'unknown' THEN 'sent'
           ELSE outbox.state
       END AS delivery,
       sending.seq, sending.sent_at, sending.phone_mask, sending.template, sending.mac_key_id,
       outbox.sms_id, outbox.provider, outbox.provider_id, outbox.state,
       outbox.report_state AS report, outbox.reported_at
FROM otp.code
LEFT JOIN otp.sending ON sending.challenge_id = code.challenge_id
LEFT JOIN otp.outbox
    ON outbox.challenge_id = sending.challenge_id AND outbox.seq = sending.seq
WHERE code.challenge_id = :challenge_id ORDER BY sending.seq;

-- name: forget
-- Drop the MAC of a live code; any other phase has none and keeps its outcome.
UPDATE otp.code SET phase = 'forgotten', mac = NULL, key_id = NULL
WHERE challenge_id = :challenge_id AND phase = 'live';

-- name: forget_all
-- The same for every code that is live.
UPDATE otp.code SET phase = 'forgotten', mac = NULL, key_id = NULL WHERE phase = 'live';

-- name: lapse_history
-- Clear away lines of the history that no limit counts any more.
DELETE FROM otp.sending WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM otp.sending WHERE sent_at < :before
    ORDER BY sent_at LIMIT :most FOR UPDATE SKIP LOCKED));

-- name: lapse_codes
-- Clear away codes made so long ago that neither a try nor a limit asks for them.
DELETE FROM otp.code WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM otp.code WHERE created_at < :before
    ORDER BY created_at LIMIT :most FOR UPDATE SKIP LOCKED));

-- name: lapse_messages
-- Clear away messages that came to rest so long ago that no report of them is awaited.
DELETE FROM otp.outbox WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM otp.outbox WHERE settled_at < :before
    ORDER BY settled_at LIMIT :most FOR UPDATE SKIP LOCKED));
