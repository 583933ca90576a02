-- name: keep
-- What a device said of itself, once per 3DS Server transaction.
INSERT INTO acs.device_data (three_ds_server_trans_id, sealed, made_at)
VALUES (:three_ds_server_trans_id, :sealed, :made_at)
ON CONFLICT (three_ds_server_trans_id) DO NOTHING;

-- name: with_standings
-- The standings of cards as enrollment.flows reads them, one for each that is asked for at a place,
-- with whether the person trusts the merchant that asks there; and device data at hand. One round
-- trip; a row holds the one or the other.
SELECT d.three_ds_server_trans_id AS device_id, d.sealed AS device_sealed, d.made_at AS device_made_at,
       d.acs_trans_id IS NOT NULL AS device_claimed,
       s.place,
       s.pan_idx, s.card_id, s.account_id, s.person_id, s.last4, s.expiry, s.previous_expiry,
       s.card_status, s.enrolment, s.enrolment_reason, s.consent_valid, s.phone_id, s.phone_mask,
       s.phone_usable, s.pin_set, s.block_kind, s.block_until, s.failures, s.language, s.currency,
       s.account_per_tx, s.account_per_day, s.account_per_month,
       s.account_count_day, s.account_count_month,
       s.card_per_tx, s.card_per_day, s.card_per_month, s.card_count_day, s.card_count_month,
       s.account_used_day, s.account_uses_day, s.account_used_month, s.account_uses_month,
       s.card_used_day, s.card_uses_day, s.card_used_month, s.card_uses_month,
       s.low_value_wanted, s.low_value_currency, s.low_value_amount, s.low_value_count,
       s.phone_shared, s.phone_changed_at, s.trusts_merchant
  FROM (SELECT x.*, asked.place,
               enrollment.trusts(x.person_id, asked.acquirer_bin, asked.merchant_id) AS trusts_merchant
          FROM unnest(:pan_idx::bytea[], :acquirer_bin::text[], :merchant_id::text[])
               WITH ORDINALITY AS asked (pan_idx, acquirer_bin, merchant_id, place)
          JOIN enrollment.standing(:pan_idx::bytea[], :day::date, :month::date) x
            ON x.pan_idx = asked.pan_idx) s
  FULL JOIN (SELECT x.three_ds_server_trans_id, x.sealed, x.made_at, x.acs_trans_id
               FROM unnest(:device_ids::uuid[]) AS wanted (id)
               JOIN acs.device_data x ON x.three_ds_server_trans_id = wanted.id) d ON false;

-- name: lapse
-- Clears away what no AReq asked for in time, and what was asked for long ago.
DELETE FROM acs.device_data
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM acs.device_data
        WHERE made_at <= :unclaimed_before AND (acs_trans_id IS NULL OR made_at <= :claimed_before)
        ORDER BY made_at LIMIT :batch FOR UPDATE SKIP LOCKED));
