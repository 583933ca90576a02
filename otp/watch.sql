-- name: take_turn
-- Look now, unless somebody did a moment ago; a look of days to come is that of a clock that was ahead.
UPDATE otp.watch SET looked_at = :now WHERE looked_at <= :before OR looked_at > :ahead;

-- name: conversion
-- Per block of numbers: messages that a carrier took, and codes that were entered rightly. Only those
-- old enough to have been entered count. A challenge has one right entry, whatever it was sent.
SELECT sending.prefix, count(*) AS sends,
       count(DISTINCT code.challenge_id) FILTER (WHERE code.phase = 'used') AS used
FROM otp.sending
JOIN otp.outbox USING (challenge_id, seq)
LEFT JOIN otp.code USING (challenge_id)
WHERE sending.sent_at > :since AND sending.sent_at <= :until
  AND sending.prefix IS NOT NULL AND outbox.state = 'sent'
GROUP BY sending.prefix HAVING count(*) > :sends_min::bigint;

-- name: suspend
-- No message to a block of numbers until then; one that is suspended already stays as it is, unless it
-- was by a clock that was ahead.
INSERT INTO otp.suspension AS kept (prefix, since, until, sends, used)
VALUES (:prefix, :now, :until, :sends, :used)
ON CONFLICT (prefix) DO UPDATE SET
    since = EXCLUDED.since, until = EXCLUDED.until, sends = EXCLUDED.sends, used = EXCLUDED.used
WHERE kept.until <= EXCLUDED.since
   OR kept.since > greatest(EXCLUDED.since, now()) + interval '2 minutes';

-- name: lapse
-- Forget suspensions that are over.
DELETE FROM otp.suspension WHERE until <= :now;

-- name: suspended_count
-- How many blocks of numbers get no message now.
SELECT count(*) FROM otp.suspension WHERE until > :now;

-- name: busy
-- Merchants, acquirers and networks whose payments send many times the messages they usually do in
-- such a span, those that send most first; and, of the messages that a carrier took and that had time
-- to be entered, how many there were and how many codes were entered rightly. A merchant is its number at
-- its acquirer: two acquirers may have given the same one. What a clock that was ahead has sent is nobody's
-- rush. One pass over the day, then look-ups by key for the few that stand out: a join would be planned by
-- what is usual.
WITH busy AS MATERIALIZED (
    SELECT origin.kind, origin.source, count(*) FILTER (WHERE sending.sent_at > :since) AS sends
    FROM otp.sending
    CROSS JOIN LATERAL (VALUES
        ('merchant', CASE WHEN sending.merchant_ref IS NOT NULL
                          THEN concat_ws('/', sending.acquirer_ref, sending.merchant_ref) END),
        ('acquirer', sending.acquirer_ref), ('network', sending.network)) AS origin (kind, source)
    WHERE sending.sent_at > :day_before AND sending.sent_at <= :ahead AND origin.source IS NOT NULL
    GROUP BY origin.kind, origin.source
    HAVING count(*) FILTER (WHERE sending.sent_at > :since) >= :floor::bigint
       AND count(*) FILTER (WHERE sending.sent_at > :since)
           > :factor::integer * count(*) FILTER (WHERE sending.sent_at <= :since) / :spans::numeric
    ORDER BY 3 DESC, 1, 2 LIMIT 20
)
SELECT busy.kind, busy.source, busy.sends, entered.judged, entered.used
FROM busy CROSS JOIN LATERAL (
    SELECT count(*) AS judged,
           count(DISTINCT sending.challenge_id) FILTER (WHERE code.phase = 'used') AS used
    FROM otp.sending
    CROSS JOIN LATERAL (
        SELECT state FROM otp.outbox
        WHERE outbox.challenge_id = sending.challenge_id AND outbox.seq = sending.seq
        LIMIT 1) AS message
    LEFT JOIN LATERAL (
        SELECT phase FROM otp.code WHERE code.challenge_id = sending.challenge_id LIMIT 1) AS code ON true
    WHERE sending.sent_at > :since AND sending.sent_at <= :until AND message.state = 'sent'
      AND CASE busy.kind
              WHEN 'merchant' THEN sending.merchant_ref IS NOT NULL
                  AND busy.source = concat_ws('/', sending.acquirer_ref, sending.merchant_ref)
              WHEN 'acquirer' THEN busy.source = sending.acquirer_ref
              ELSE busy.source = sending.network END) AS entered
ORDER BY busy.sends DESC, busy.kind, busy.source;

-- name: suspend_source
-- No message for payments of a merchant, acquirer or network until then; one that is suspended
-- already stays as it is, unless it was by a clock that was ahead.
INSERT INTO otp.busy_source AS kept (kind, source, since, until, sends, used)
VALUES (:kind, :source, :now, :until, :sends, :used)
ON CONFLICT (kind, source) DO UPDATE SET
    since = EXCLUDED.since, until = EXCLUDED.until, sends = EXCLUDED.sends, used = EXCLUDED.used
WHERE kept.until <= EXCLUDED.since
   OR kept.since > greatest(EXCLUDED.since, now()) + interval '2 minutes';

-- name: lapse_sources
-- The same for where payments come from.
DELETE FROM otp.busy_source WHERE until <= :now;

-- name: suspended_sources
-- How many merchants, acquirers and networks get no message now.
SELECT kind, count(*) AS suspended FROM otp.busy_source WHERE until > :now GROUP BY kind;

-- name: budget
-- What is used of the running minute, hour and day.
SELECT coalesce(sum(minute_used) FILTER (WHERE minute_at = :minute), 0) AS minute,
       coalesce(sum(hour_used) FILTER (WHERE hour_at = :hour), 0) AS hour,
       coalesce(sum(day_used) FILTER (WHERE day_at = :day), 0) AS day
FROM otp.budget;
