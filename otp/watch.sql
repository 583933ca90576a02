-- name: take_turn
-- Look now, unless somebody did a moment ago.
UPDATE otp.watch SET looked_at = :now WHERE looked_at <= :before;

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
-- No message to a block of numbers until then; one that is suspended already stays as it is.
INSERT INTO otp.suspension AS kept (prefix, since, until, sends, used)
VALUES (:prefix, :now, :until, :sends, :used)
ON CONFLICT (prefix) DO UPDATE SET
    since = EXCLUDED.since, until = EXCLUDED.until, sends = EXCLUDED.sends, used = EXCLUDED.used
WHERE kept.until <= EXCLUDED.since;

-- name: lapse
-- Forget suspensions that are over.
DELETE FROM otp.suspension WHERE until <= :now;

-- name: suspended_count
-- How many blocks of numbers get no message now.
SELECT count(*) FROM otp.suspension WHERE until > :now;

-- name: busy
-- Merchants, acquirers and networks whose payments send many times the messages they usually do in
-- such a span, those that send most first; and, of the messages that a carrier took and that had time
-- to be entered, how many there were and how many codes were entered rightly.
WITH recent AS MATERIALIZED (
    SELECT origin.kind, origin.source, count(*) AS sends,
           count(*) FILTER (WHERE sending.sent_at <= :until AND outbox.state = 'sent') AS judged,
           count(DISTINCT code.challenge_id) FILTER (
               WHERE sending.sent_at <= :until AND outbox.state = 'sent' AND code.phase = 'used') AS used
    FROM otp.sending
    CROSS JOIN LATERAL (VALUES ('merchant', sending.merchant_ref), ('acquirer', sending.acquirer_ref),
                               ('network', sending.network)) AS origin (kind, source)
    LEFT JOIN otp.outbox USING (challenge_id, seq)
    LEFT JOIN otp.code USING (challenge_id)
    WHERE sending.sent_at > :since AND origin.source IS NOT NULL
    GROUP BY origin.kind, origin.source HAVING count(*) >= :floor::bigint
), usual AS (
    SELECT recent.kind, recent.source, count(*) AS sends
    FROM otp.sending
    CROSS JOIN LATERAL (VALUES ('merchant', sending.merchant_ref), ('acquirer', sending.acquirer_ref),
                               ('network', sending.network)) AS origin (kind, source)
    JOIN recent USING (kind, source)
    WHERE sending.sent_at > :day_before AND sending.sent_at <= :since
    GROUP BY recent.kind, recent.source
)
SELECT recent.kind, recent.source, recent.sends, recent.judged, recent.used
FROM recent LEFT JOIN usual USING (kind, source)
WHERE recent.sends > :factor::integer * coalesce(usual.sends, 0) / :spans::numeric
ORDER BY recent.sends DESC, recent.kind, recent.source LIMIT 20;

-- name: suspend_source
-- No message for payments of a merchant, acquirer or network until then; one that is suspended
-- already stays as it is.
INSERT INTO otp.busy_source AS kept (kind, source, since, until, sends, used)
VALUES (:kind, :source, :now, :until, :sends, :used)
ON CONFLICT (kind, source) DO UPDATE SET
    since = EXCLUDED.since, until = EXCLUDED.until, sends = EXCLUDED.sends, used = EXCLUDED.used
WHERE kept.until <= EXCLUDED.since;

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
