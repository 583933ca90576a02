-- name: by_own_id
-- A provider's word on one of our messages, if it says more than the one known. Another provider
-- than the one that has the message can only say that it was delivered all the same.
UPDATE otp.outbox SET
    report_state = :state, reported_at = :now, report_told_at = :told_at, report_reason = :reason
WHERE sms_id = :sms_id
  AND (provider = :provider OR :state = 'delivered')
  AND otp.report_outranks(:state, report_state)
RETURNING calling_code, queued_at;

-- name: by_provider_id
-- The same for the newest message that the provider has under its own id.
UPDATE otp.outbox SET
    report_state = :state, reported_at = :now, report_told_at = :told_at, report_reason = :reason
WHERE sms_id = (
        SELECT newest.sms_id FROM otp.outbox AS newest
        WHERE newest.provider = :provider AND newest.provider_id = :provider_id
        ORDER BY newest.queued_at DESC LIMIT 1)
  AND otp.report_outranks(:state, report_state)
RETURNING calling_code, queued_at;

-- name: keep_early
-- A report whose message is not known yet, or never will be.
INSERT INTO otp.early_report AS known (provider, provider_id, state, told_at, reason, received_at)
VALUES (:provider, :provider_id, :state, :told_at, :reason, :now)
ON CONFLICT (provider, provider_id) DO UPDATE SET
    state = EXCLUDED.state, told_at = EXCLUDED.told_at, reason = EXCLUDED.reason,
    received_at = EXCLUDED.received_at
WHERE otp.report_outranks(EXCLUDED.state, known.state);

-- name: apply_early
-- Move an early report to its message, if that is known now.
WITH newest AS MATERIALIZED (
    SELECT sms_id FROM otp.outbox WHERE provider = :provider AND provider_id = :provider_id
    ORDER BY queued_at DESC LIMIT 1
), moved AS (
    DELETE FROM otp.early_report USING newest
    WHERE early_report.provider = :provider AND early_report.provider_id = :provider_id
    RETURNING newest.sms_id, early_report.state, early_report.told_at, early_report.reason,
        early_report.received_at
)
UPDATE otp.outbox SET
    report_state = moved.state, reported_at = moved.received_at, report_told_at = moved.told_at,
    report_reason = moved.reason
FROM moved
WHERE outbox.sms_id = moved.sms_id AND otp.report_outranks(moved.state, outbox.report_state)
RETURNING outbox.report_state, outbox.reported_at, outbox.calling_code, outbox.queued_at;

-- name: claimed_early
-- Early reports whose message is known: their process died between two statements.
SELECT early_report.provider, early_report.provider_id FROM otp.early_report
WHERE EXISTS (
    SELECT FROM otp.outbox
    WHERE outbox.provider = early_report.provider AND outbox.provider_id = early_report.provider_id)
ORDER BY early_report.received_at LIMIT :most;

-- name: lapse
-- Delete reports that no message has claimed.
DELETE FROM otp.early_report WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM otp.early_report WHERE received_at < :before
    ORDER BY received_at LIMIT :most FOR UPDATE SKIP LOCKED));
