-- name: record
-- Everything an accepted AReq leaves behind, in one statement and so in one database transaction:
-- the transaction, what it holds of the limits (which raises AL001 when a limit would be passed),
-- the timer of the first CReq, the device data it asked for, both messages, where the cardholder is,
-- the evidence of an outcome that is final, and the audit event. The same AReq again breaks transaction_areq_once and leaves nothing.
WITH held AS (
    SELECT enrollment.reserve(
        :acs_trans_id, :card_id, :account_id, :reserve_amount, :day, :month, :counted,
        :account_day, :account_month, :account_count_day, :account_count_month,
        :card_day, :card_month, :card_count_day, :card_count_month, :created_at)
    WHERE :reserve_amount::bigint IS NOT NULL),
made AS (
    INSERT INTO acs.transaction
    (acs_trans_id, three_ds_server_trans_id, ds_trans_id, sdk_trans_id, ds_id, ds_url, areq_digest,
     message_version, device_channel, message_category, range_id, range_version, scheme, card_id,
     account_id, person_id, phone_id, phone_mask, last4, pan_sealed, purchase_amount, purchase_currency,
     purchase_exponent, purchase_date, merchant_name, acquirer_bin, acquirer_merchant_id, notification_url,
     link_digest, trans_status, trans_status_reason, rule, reasons, elements, ares_sealed, state, language,
     created_at, requestor_id, authentication_ind, offers_trust)
    VALUES
    (:acs_trans_id, :three_ds_server_trans_id, :ds_trans_id, :sdk_trans_id, :ds_id, :ds_url, :areq_digest,
     :message_version, :device_channel, :message_category, :range_id, :range_version, :scheme, :card_id,
     :account_id, :person_id, :phone_id, :phone_mask, :last4, :pan_sealed, :purchase_amount,
     :purchase_currency, :purchase_exponent, :purchase_date, :merchant_name, :acquirer_bin,
     :acquirer_merchant_id, :notification_url, :link_digest, :trans_status, :trans_status_reason, :rule,
     :reasons, :elements, :ares_sealed, :state, :language, :created_at, :requestor_id,
     :authentication_ind, :offers_trust)
    RETURNING acs_trans_id),
timed AS (
    INSERT INTO acs.timer (acs_trans_id, kind, due_at)
    SELECT acs_trans_id, 'first_creq', :first_creq_due FROM made WHERE :first_creq_due::timestamptz IS NOT NULL),
claimed AS (
    UPDATE acs.device_data SET acs_trans_id = :acs_trans_id
    WHERE three_ds_server_trans_id = :device_id AND acs_trans_id IS NULL),
logged AS (
    INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
    SELECT m.acs_trans_id, :created_at, l.direction, l.message_type, l.body::jsonb
    FROM made m, (VALUES ('in', 'AReq', :areq_masked::text), ('out', 'ARes', :ares_masked::text))
        AS l (direction, message_type, body)),
seen AS (
    INSERT INTO acs.visitor (acs_trans_id, seen_in, seen_at, sealed, tag)
    SELECT acs_trans_id, 'areq', :created_at, :visitor_sealed, :visitor_tag
    FROM made WHERE :visitor_sealed::bytea IS NOT NULL),
proved AS (
    INSERT INTO audit.evidence (acs_trans_id, at, document)
    SELECT acs_trans_id, :created_at, :evidence::json FROM made WHERE :evidence::text IS NOT NULL),
told AS (
    INSERT INTO audit.event
        (at, name, actor_kind, actor, object, outcome, origin, request_id, details, key_id, mac)
    VALUES (:created_at, :audit_name, 'network', :ds_id, :audit_object, :audit_outcome, '', '',
            :audit_details::jsonb, :audit_key_id, :audit_mac))
SELECT (SELECT count(*) FROM held) AS held, acs_trans_id FROM made;

-- name: answered_before
-- The stored answer to an AReq with these identifiers, to tell a repeat from a contradiction.
SELECT acs_trans_id, areq_digest, ares_sealed FROM acs.transaction
WHERE lower(three_ds_server_trans_id) = lower(:three_ds_server_trans_id) AND lower(ds_trans_id) = lower(:ds_trans_id);

-- name: priors
-- How earlier authentications ended that a request without a cardholder refers to.
SELECT ds_id, card_id, requestor_id, acquirer_bin, acquirer_merchant_id, device_channel, message_category,
     coalesce(outcome_status, trans_status) AS trans_status
FROM acs.transaction WHERE acs_trans_id = ANY(:acs_trans_ids::uuid[]);

-- name: lock
-- One transaction with its challenge, locked until the end of the database transaction.
SELECT
     acs_trans_id, three_ds_server_trans_id, ds_trans_id, sdk_trans_id, ds_id, ds_url, message_version,
     device_channel, message_category, range_id, range_version, scheme, card_id, account_id, person_id,
     phone_id, phone_mask, last4, pan_sealed, purchase_amount, purchase_currency, purchase_exponent,
     purchase_date, merchant_name, acquirer_bin, acquirer_merchant_id, notification_url, link_digest,
     trans_status, trans_status_reason, rule, reasons, elements, language, created_at, requestor_id,
     authentication_ind, offers_trust, trusts,
     state, step, form_posts, interaction_counter, attempts, code_seq, code_sent_at, notice, outcome_name,
     outcome_status, outcome_reason, outcome_cancel, outcome_error, cres_status, opened_at,
     last_activity_at, outcome_at, closed_at,
     window_size, session_data, seen_posts
FROM acs.transaction WHERE acs_trans_id = :acs_trans_id FOR UPDATE;

-- name: read
-- The same without a lock.
SELECT
     acs_trans_id, three_ds_server_trans_id, ds_trans_id, sdk_trans_id, ds_id, ds_url, message_version,
     device_channel, message_category, range_id, range_version, scheme, card_id, account_id, person_id,
     phone_id, phone_mask, last4, pan_sealed, purchase_amount, purchase_currency, purchase_exponent,
     purchase_date, merchant_name, acquirer_bin, acquirer_merchant_id, notification_url, link_digest,
     trans_status, trans_status_reason, rule, reasons, elements, language, created_at, requestor_id,
     authentication_ind, offers_trust, trusts,
     state, step, form_posts, interaction_counter, attempts, code_seq, code_sent_at, notice, outcome_name,
     outcome_status, outcome_reason, outcome_cancel, outcome_error, cres_status, opened_at,
     last_activity_at, outcome_at, closed_at,
     window_size, session_data, seen_posts
FROM acs.transaction WHERE acs_trans_id = :acs_trans_id;

-- name: store_challenge
-- The challenge after a step; the old state is named, so that two steps can never both count.
UPDATE acs.transaction SET
    state = :state, step = :step, form_posts = :form_posts, interaction_counter = :interaction_counter,
    attempts = :attempts, code_seq = :code_seq, code_sent_at = :code_sent_at, notice = :notice,
    outcome_name = :outcome_name, outcome_status = :outcome_status, outcome_reason = :outcome_reason,
    outcome_cancel = :outcome_cancel, outcome_error = :outcome_error::jsonb, cres_status = :cres_status,
    language = :language, opened_at = :opened_at, last_activity_at = :last_activity_at,
    outcome_at = :outcome_at, closed_at = :closed_at, trusts = :trusts
WHERE acs_trans_id = :acs_trans_id AND state = :was_state AND step = :was_step;

-- name: keep_form
-- What the first CReq brought along; a second CReq does not change it.
UPDATE acs.transaction SET window_size = :window_size, session_data = :session_data
WHERE acs_trans_id = :acs_trans_id AND window_size IS NULL AND session_data IS NULL;

-- name: remember_post
-- The keyed hash of a form that was worked on, so that the same form again is known.
UPDATE acs.transaction SET seen_posts = seen_posts || :digest::bytea
WHERE acs_trans_id = :acs_trans_id AND cardinality(seen_posts) < 100;

-- name: erase_pan
-- The card number is not needed once the result is settled.
UPDATE acs.transaction SET pan_sealed = NULL WHERE acs_trans_id = :acs_trans_id AND pan_sealed IS NOT NULL;

-- name: log_message
-- One more message of a transaction, masked.
INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
VALUES (:acs_trans_id, :at, :direction, :message_type, :body::jsonb);

-- name: hold
-- Nobody else changes or reads this transaction under a lock until the caller's commit.
SELECT acs_trans_id FROM acs.transaction WHERE acs_trans_id = :acs_trans_id FOR NO KEY UPDATE;

-- name: log_message_once
-- A message that leaves once, however often it is asked for; the caller holds the transaction.
INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
SELECT :acs_trans_id, :at, :direction, :message_type, :body::jsonb
WHERE NOT EXISTS (
    SELECT FROM acs.message_log WHERE acs_trans_id = :acs_trans_id AND message_type = :message_type);
