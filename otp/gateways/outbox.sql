-- name: queue
-- One message, number and text sealed, and the word to the workers that it is there.
WITH queued AS (
    INSERT INTO otp.outbox
        (sms_id, challenge_id, seq, kind, number_sealed, text_sealed, calling_code, state,
         queued_at, due_at, expires_at, is_bulk)
    VALUES
        (:sms_id, :challenge_id, :seq, :kind, :number_sealed, :text_sealed, :calling_code, 'queued',
         :now, :now, :expires_at, :is_bulk)
    RETURNING sms_id
)
SELECT pg_notify('acs_work', 'sms') FROM queued;

-- name: claim
-- Take the awaited messages that may leave now: due ones, and those whose worker is gone if nothing was
-- handed over (these after a shorter time) or the provider never makes two messages of one id. Only a
-- password, or for a code that is alive. What waits longer than anything does, by any clock, or is held
-- since then, is so by a clock that was ahead.
WITH free AS MATERIALIZED (
    SELECT outbox.sms_id FROM otp.outbox
    WHERE (:sms_id::uuid IS NULL OR outbox.sms_id = :sms_id::uuid)
      AND outbox.state IN ('queued', 'sending') AND outbox.kind IN ('code', 'password')
      AND outbox.expires_at > :now
      AND ((outbox.state = 'queued'
            AND (outbox.due_at <= :now
              OR outbox.due_at > :never::timestamptz + greatest(now() - :now, interval '0')))
        OR (outbox.state = 'sending' AND outbox.report_state IS NULL
            AND (outbox.claimed_at <= :begun
              OR outbox.claimed_at > :never::timestamptz + greatest(now() - :now, interval '0'))
            AND (outbox.provider IS NULL
              OR (outbox.claimed_at <= :lease_began
                  AND outbox.provider = ANY (:idempotent::text[])))))
      AND (outbox.kind = 'password' OR EXISTS (
          SELECT FROM otp.code
          WHERE code.challenge_id = outbox.challenge_id AND code.seq = outbox.seq
            AND code.phase = 'live'))
    ORDER BY outbox.due_at
    LIMIT :most FOR UPDATE OF outbox SKIP LOCKED
)
UPDATE otp.outbox SET
    state = 'sending', attempts = attempts + 1, claimed_by = :worker, claimed_at = :now
FROM free WHERE outbox.sms_id = free.sms_id
RETURNING outbox.sms_id, outbox.challenge_id, outbox.seq, outbox.number_sealed,
    outbox.text_sealed, outbox.attempts, outbox.expires_at, outbox.provider,
    outbox.doubted_provider, false AS is_notice,
    (SELECT coalesce(array_agg(name ORDER BY earlier.seq), '{}')
     FROM otp.outbox AS earlier
     CROSS JOIN LATERAL unnest(ARRAY[earlier.doubted_provider, earlier.provider]) AS name
     WHERE earlier.challenge_id = outbox.challenge_id AND earlier.seq < outbox.seq
       AND name IS NOT NULL) AS used,
    (SELECT coalesce(array_agg(earlier.provider), '{}')
     FROM otp.outbox AS earlier
     WHERE earlier.challenge_id = outbox.challenge_id AND earlier.seq < outbox.seq
       AND earlier.provider IS NOT NULL
       AND (earlier.state = 'failed' OR earlier.report_state IN ('failed', 'expired'))) AS failed;

-- name: claim_notices
-- The same of notices: those that were taken from the budget before, then those held, as many of them as
-- can be taken from it now. When none can, none of those held is touched.
WITH taken_before AS MATERIALIZED (
    SELECT sms_id FROM otp.outbox
    WHERE state IN ('queued', 'sending') AND kind = 'notice' AND expires_at > :now
      AND ((state = 'queued'
            AND (due_at <= :now
              OR due_at > :never::timestamptz + greatest(now() - :now, interval '0')))
        OR (state = 'sending' AND report_state IS NULL
            AND (claimed_at <= :begun
              OR claimed_at > :never::timestamptz + greatest(now() - :now, interval '0'))
            AND (provider IS NULL
              OR (claimed_at <= :lease_began AND provider = ANY (:idempotent::text[])))))
    ORDER BY due_at
    LIMIT :most FOR UPDATE SKIP LOCKED
), held AS MATERIALIZED (
    SELECT sms_id, is_bulk, queued_at FROM otp.outbox
    WHERE state = 'queued' AND kind = 'held' AND expires_at > :now
    ORDER BY is_bulk, queued_at
    LIMIT greatest(0, least(
        :most - (SELECT count(*) FROM taken_before),
        (SELECT otp.notices_left(
            :minute, :hour, :day, :share_minute, :share_hour, :share_day))))
    FOR UPDATE SKIP LOCKED
), taken AS MATERIALIZED (
    SELECT otp.take_notices(
        (SELECT count(*)::integer FROM held), :minute, :hour, :day,
        :total_minute, :total_hour, :total_day, :share_minute, :share_hour, :share_day) AS many
), free AS MATERIALIZED (
    SELECT sms_id FROM taken_before
    UNION ALL
    SELECT sms_id FROM (
        SELECT sms_id, row_number() OVER (ORDER BY is_bulk, queued_at) AS place FROM held) AS one
    WHERE place <= (SELECT many FROM taken)
)
UPDATE otp.outbox SET
    state = 'sending', kind = 'notice', attempts = attempts + 1, claimed_by = :worker,
    claimed_at = :now
WHERE sms_id = ANY (ARRAY(SELECT sms_id FROM free))
RETURNING sms_id, number_sealed, text_sealed, attempts, expires_at, provider, doubted_provider,
    true AS is_notice,
    '{}'::text[] AS used, '{}'::text[] AS failed;

-- name: note_provider
-- Write down which provider is about to get the message: after a crash this tells what may be. When
-- another one may have it already, only once and only while that one has not said so.
UPDATE otp.outbox SET provider = :provider, doubted_provider = :doubted
WHERE sms_id = :sms_id AND state = 'sending' AND claimed_by = :worker AND attempts = :attempts
  AND (:doubted::text IS NULL OR report_state IS NULL)
  AND (doubted_provider IS NULL OR doubted_provider = :doubted::text);

-- name: settle
-- The message is at rest: its number and text are erased.
UPDATE otp.outbox SET
    state = :becomes, provider_id = :provider_id, reason = :reason, settled_at = :now,
    number_sealed = NULL, text_sealed = NULL, claimed_by = NULL, claimed_at = NULL
WHERE sms_id = :sms_id AND state = 'sending' AND claimed_by = :worker AND attempts = :attempts;

-- name: queue_again
-- Nobody took the message: the same text again later.
UPDATE otp.outbox SET
    state = 'queued', due_at = :due_at, reason = :reason, provider = NULL,
    claimed_by = NULL, claimed_at = NULL
WHERE sms_id = :sms_id AND state = 'sending' AND claimed_by = :worker AND attempts = :attempts;

-- name: sweep
-- Settle what may not leave any more (its code is over or replaced), and what was in the hands of
-- a worker that is gone: handed to a provider, nobody knows unless that one has reported on it;
-- handed to none, it never left. All that is held is not gone over: it may leave until it expires.
WITH over AS MATERIALIZED (
    SELECT outbox.sms_id FROM otp.outbox
    WHERE outbox.sms_id = ANY (ARRAY(
            SELECT sms_id FROM otp.outbox
            WHERE state IN ('queued', 'sending') AND kind <> 'held'
            UNION ALL
            SELECT sms_id FROM otp.outbox
            WHERE state IN ('queued', 'sending') AND kind = 'held' AND expires_at <= :now))
      AND outbox.state IN ('queued', 'sending')
      AND (outbox.state = 'queued'
        OR (outbox.claimed_at <= :begun
            AND (outbox.provider IS NULL OR outbox.claimed_at <= :lease_began)))
      AND (outbox.expires_at <= :now
        OR outbox.report_state IS NOT NULL
        OR (outbox.provider IS NOT NULL AND outbox.provider <> ALL (:idempotent::text[]))
        OR (outbox.kind = 'code' AND NOT EXISTS (
            SELECT FROM otp.code
            WHERE code.challenge_id = outbox.challenge_id AND code.seq = outbox.seq
              AND code.phase = 'live')))
    LIMIT :most FOR UPDATE OF outbox SKIP LOCKED
)
UPDATE otp.outbox SET
    state = CASE
        WHEN outbox.provider IS NULL THEN 'expired'
        WHEN outbox.report_state IS NULL THEN 'unknown'
        ELSE 'sent'
    END,
    settled_at = :now,
    number_sealed = NULL, text_sealed = NULL, claimed_by = NULL, claimed_at = NULL
FROM over WHERE outbox.sms_id = over.sms_id;

-- name: state_of
-- Where one message stands.
SELECT state FROM otp.outbox WHERE sms_id = :sms_id;

-- name: is_reported
-- Has a provider said anything of the message?
SELECT report_state IS NOT NULL FROM otp.outbox WHERE sms_id = :sms_id;

-- name: waiting
-- How many messages wait that may still leave, and since when the oldest of them does: what is
-- awaited, and notices.
SELECT count(*) FILTER (WHERE kind IN ('code', 'password')) AS codes,
       min(queued_at) FILTER (WHERE kind IN ('code', 'password')) AS oldest_code_at,
       count(*) FILTER (WHERE kind NOT IN ('code', 'password')) AS notices,
       min(queued_at) FILTER (WHERE kind NOT IN ('code', 'password')) AS oldest_notice_at
FROM otp.outbox
WHERE state IN ('queued', 'sending') AND expires_at > :now;
