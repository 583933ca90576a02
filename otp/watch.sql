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

-- name: merchants
-- Merchants whose payments send many times the messages they usually do in such a span.
SELECT recent.merchant_ref, recent.sends
FROM (SELECT merchant_ref, count(*) AS sends FROM otp.sending
      WHERE sent_at > :since AND merchant_ref IS NOT NULL
      GROUP BY merchant_ref HAVING count(*) >= :floor::bigint) recent
WHERE recent.sends > :factor::integer * (
    SELECT count(*) FROM otp.sending usual
    WHERE usual.merchant_ref = recent.merchant_ref
      AND usual.sent_at > :day_before AND usual.sent_at <= :since) / :spans::numeric
ORDER BY recent.sends DESC LIMIT 20;

-- name: budget
-- What is used of the running minute, hour and day.
SELECT coalesce(sum(minute_used) FILTER (WHERE minute_at = :minute), 0) AS minute,
       coalesce(sum(hour_used) FILTER (WHERE hour_at = :hour), 0) AS hour,
       coalesce(sum(day_used) FILTER (WHERE day_at = :day), 0) AS day
FROM otp.budget;
