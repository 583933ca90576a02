-- What a payment asks of the enrolment side.

-- name: standing
-- Everything known of the cards under these keyed hashes, with the use of that day and month, and
-- whether the person trusts the merchant that asks.
SELECT pan_idx, card_id, account_id, person_id, last4, expiry, previous_expiry, card_status,
       enrolment, enrolment_reason, consent_valid, phone_id, phone_mask, phone_usable, pin_set,
       block_kind, block_until, failures, language, currency,
       account_per_tx, account_per_day, account_per_month, account_count_day, account_count_month,
       card_per_tx, card_per_day, card_per_month, card_count_day, card_count_month,
       account_used_day, account_uses_day, account_used_month, account_uses_month,
       card_used_day, card_uses_day, card_used_month, card_uses_month,
       low_value_wanted, low_value_currency, low_value_amount, low_value_count,
       phone_shared, phone_changed_at,
       enrollment.trusts(person_id, :acquirer_bin::text, :merchant_id::text) AS trusts_merchant
  FROM enrollment.standing(:pan_idx::bytea[], :day::date, :month::date);

-- name: standing_of_card
-- The same for a card that is known by its id, while its challenge runs.
SELECT s.pan_idx, s.card_id, s.account_id, s.person_id, s.last4, s.expiry, s.previous_expiry,
       s.card_status, s.enrolment, s.enrolment_reason, s.consent_valid, s.phone_id, s.phone_mask,
       s.phone_usable, s.pin_set, s.block_kind, s.block_until, s.failures, s.language, s.currency,
       s.account_per_tx, s.account_per_day, s.account_per_month,
       s.account_count_day, s.account_count_month,
       s.card_per_tx, s.card_per_day, s.card_per_month, s.card_count_day, s.card_count_month,
       s.account_used_day, s.account_uses_day, s.account_used_month, s.account_uses_month,
       s.card_used_day, s.card_uses_day, s.card_used_month, s.card_uses_month,
       s.low_value_wanted, s.low_value_currency, s.low_value_amount, s.low_value_count,
       s.phone_shared, s.phone_changed_at,
       false AS trusts_merchant
  FROM enrollment.card c,
       LATERAL enrollment.standing(ARRAY[c.pan_idx], :day::date, :month::date) s
 WHERE c.card_id = :card_id;

-- name: phone_in_use
-- The sealed number of a phone that is still the one in use.
SELECT person_id, number_ct
  FROM enrollment.phone
 WHERE phone_id = :phone_id AND state = 'active';

-- name: count_use
-- A held reservation becomes a count.
UPDATE enrollment.reservation
   SET state = 'counted', counted_at = :now
 WHERE acs_trans_id = :acs_trans_id AND state = 'held';

-- name: forget_low_value
-- The holder of a card has just been authenticated: what was let pass for being small starts anew.
DELETE FROM enrollment.low_value_use WHERE card_id = :card_id;

-- name: give_back
-- Returns a reservation's share to the counters; false when it was not in that state any more.
SELECT enrollment.give_back(:acs_trans_id, :was, :becomes, :now);

-- name: lapse
-- Drops old counts that no authorisation followed, in the order in which counters are locked. One
-- housekeeper at a time, since it goes through the counters of several accounts: the lock is part
-- of the statement, so that it lasts until the counts are dropped.
WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtext('enrollment.lapse_use')))
SELECT count(*) FILTER (WHERE enrollment.give_back(old.acs_trans_id, 'counted', 'lapsed', :now))
  FROM alone,
       (SELECT acs_trans_id
          FROM (SELECT acs_trans_id, account_id, month
                  FROM enrollment.reservation
                 WHERE state = 'counted' AND counted_at < :before
                 ORDER BY counted_at
                 LIMIT :limit) oldest
         ORDER BY account_id, month, acs_trans_id) old;

-- name: forget_use
-- Lets go of counters of a time that neither a limit nor a reservation looks back to.
DELETE FROM enrollment.usage WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM enrollment.usage WHERE starts_on < :before
    ORDER BY starts_on LIMIT :limit FOR UPDATE SKIP LOCKED));
