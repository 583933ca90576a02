-- name: record
-- Everything accepted AReqs leave behind, in one statement and so in one database transaction: the
-- transactions with their identifiers, what they hold of the limits (which breaks usage_within_bounds
-- when one would be passed) and of the bounds of small payments (which raises AL001), the timers of the
-- first CReqs, the device data they asked for, both messages, where the cardholders are, the evidence
-- of outcomes that are final, and the audit events. The same AReq again breaks transaction_areq_once,
-- and then nothing of any of them is left.
-- Locks are taken in one order whoever comes together: the counters as reserve_shares says, small
-- payments by card, all of them before the first identifiers. The rows are given in that order.
WITH given AS MATERIALIZED (SELECT * FROM unnest(:rows::acs.new_areq[])),
patience AS MATERIALIZED (SELECT
    set_config('lock_timeout', coalesce(:lock_timeout, current_setting('lock_timeout')), true),
    set_config('acs.registers_itself', 'yes', true)),
held AS MATERIALIZED (
    SELECT enrollment.reserve_shares(
        :reservations::enrollment.new_reservation[], :shares::enrollment.share[])
    FROM patience),
exempted AS MATERIALIZED (
    SELECT enrollment.take_low_value(
        g.card_id, g.low_currency, g.low_amount, g.low_sum_max, g.low_count_max, g.created_at)
    FROM (SELECT count(*) FROM held) AS first, given g WHERE g.low_amount IS NOT NULL),
registered AS (
    INSERT INTO acs.known_areq (three_ds_server_trans_id, ds_trans_id, acs_trans_id, day)
    SELECT g.three_ds_server_trans_id::uuid, g.ds_trans_id::uuid, g.acs_trans_id,
           (g.created_at AT TIME ZONE 'UTC')::date
    FROM (SELECT count(*) FROM held) AS first, (SELECT count(*) FROM exempted) AS second, given g),
made AS (
    INSERT INTO acs.transaction (
        acs_trans_id, three_ds_server_trans_id, ds_trans_id, sdk_trans_id, ds_id, ds_url,
        areq_digest, message_version, device_channel, message_category, range_id, range_version,
        scheme, card_id, account_id, person_id, phone_id, phone_mask, last4, pan_sealed,
        purchase_amount, purchase_currency, purchase_exponent, purchase_date, merchant_name,
        acquirer_bin, acquirer_merchant_id, notification_url, link_digest, trans_status,
        trans_status_reason, rule, reasons, elements, ares_sealed, state, language, created_at,
        requestor_id, authentication_ind, offers_trust)
    SELECT
        g.acs_trans_id, g.three_ds_server_trans_id, g.ds_trans_id, g.sdk_trans_id, g.ds_id,
        g.ds_url, g.areq_digest, g.message_version, g.device_channel, g.message_category,
        g.range_id, g.range_version, g.scheme, g.card_id, g.account_id, g.person_id, g.phone_id,
        g.phone_mask, g.last4, g.pan_sealed, g.purchase_amount::numeric, g.purchase_currency,
        g.purchase_exponent, g.purchase_date, g.merchant_name, g.acquirer_bin,
        g.acquirer_merchant_id, g.notification_url, g.link_digest, g.trans_status,
        g.trans_status_reason, g.rule, string_to_array(g.reasons, chr(31)), g.elements, g.ares_sealed,
        g.state, g.language, g.created_at, g.requestor_id, g.authentication_ind, g.offers_trust
    FROM (SELECT count(*) FROM held) AS first, given g),
timed AS (
    INSERT INTO acs.timer (acs_trans_id, kind, due_at)
    SELECT acs_trans_id, 'first_creq', first_creq_due FROM given WHERE first_creq_due IS NOT NULL),
claimed AS (
    UPDATE acs.device_data d SET acs_trans_id = g.acs_trans_id
    FROM given g WHERE d.three_ds_server_trans_id = g.device_id AND d.acs_trans_id IS NULL),
logged AS (
    INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
    SELECT g.acs_trans_id, g.created_at, l.direction, l.message_type, l.body
    FROM given g, LATERAL (VALUES ('in', 'AReq', g.areq_masked), ('out', 'ARes', g.ares_masked))
        AS l (direction, message_type, body)),
seen AS (
    INSERT INTO acs.visitor (acs_trans_id, seen_in, seen_at, sealed, tag)
    SELECT acs_trans_id, 'areq', created_at, visitor_sealed, visitor_tag
    FROM given WHERE visitor_sealed IS NOT NULL),
proved AS (
    INSERT INTO audit.evidence (acs_trans_id, at, document)
    SELECT acs_trans_id, created_at, evidence FROM given WHERE evidence IS NOT NULL),
told AS (
    INSERT INTO audit.event
        (at, name, actor_kind, actor, object, outcome, origin, request_id, details, key_id, mac)
    SELECT created_at, audit_name, 'network', ds_id, audit_object, audit_outcome, '', '',
           audit_details, audit_key_id, audit_mac FROM given)
SELECT;

-- name: known
-- Which of these identifiers of AReqs were there before.
SELECT k.three_ds_server_trans_id, k.ds_trans_id
FROM unnest(:three_ds_server_trans_ids::uuid[], :ds_trans_ids::uuid[]) AS asked (server, ds)
JOIN acs.known_areq k ON k.three_ds_server_trans_id = asked.server AND k.ds_trans_id = asked.ds;

-- name: answered_before
-- The stored answer to an AReq with these identifiers, to tell a repeat from a contradiction. It may
-- stand on this server alone: who waited for its commit may have given up before a standby had it. The
-- lock is a write, so this statement ends when the standby has both.
SELECT t.acs_trans_id, t.areq_digest, t.ares_sealed
FROM acs.known_areq k JOIN acs.transaction t ON t.acs_trans_id = k.acs_trans_id
WHERE k.three_ds_server_trans_id = :three_ds_server_trans_id::uuid AND k.ds_trans_id = :ds_trans_id::uuid
FOR KEY SHARE OF t;

-- name: priors
-- How earlier authentications ended that a request without a cardholder refers to.
SELECT ds_id, card_id, requestor_id, acquirer_bin, acquirer_merchant_id, device_channel, message_category,
     coalesce(outcome_status, trans_status) AS trans_status, rule
FROM acs.transaction WHERE acs_trans_id = ANY(:acs_trans_ids::uuid[]);
