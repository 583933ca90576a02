-- A row beside each transaction in the tables that have none of a frictionless payment.
INSERT INTO acs.result (acs_trans_id, ds_id, state, attempt, created_at, settled_at)
SELECT CASE n WHEN 0 THEN acs_trans_id ELSE gen_random_uuid() END, ds_id, 'delivered', 1, created_at,
       created_at
  FROM acs.transaction, generate_series(0, 9) n;

INSERT INTO acs.timer
SELECT CASE n WHEN 0 THEN acs_trans_id ELSE gen_random_uuid() END, 'cap', now() + n * interval '1 min'
  FROM acs.transaction, generate_series(0, 9) n;

INSERT INTO acs.device_data
SELECT gen_random_uuid(), 'x', created_at FROM acs.transaction, generate_series(0, 9) n;

INSERT INTO acs.sdk_session
SELECT CASE n WHEN 0 THEN acs_trans_id ELSE gen_random_uuid() END, created_at - n * interval '1 min', '01',
       '01', 5, CASE WHEN n < 3 THEN 'x'::bytea END
  FROM acs.transaction, generate_series(0, 9) n;

INSERT INTO acs.number_check
SELECT sha256(areq_digest || n::text::bytea), 'none', created_at
  FROM acs.transaction, generate_series(0, 9) n;

INSERT INTO otp.code (
    challenge_id, purpose, link_digest, seq, phase, attempts, card_ref, created_at, last_sent_at,
    expires_at, consumed_at)
SELECT acs_trans_id, 'payment', link_digest, 1, 'used', 1, card_id, created_at, created_at,
       created_at + interval '5 min', created_at FROM acs.transaction;

INSERT INTO otp.sending (
    challenge_id, seq, purpose, phone_key_id, phone_mac, phone_mask, card_ref, merchant_ref, sent_at)
SELECT acs_trans_id, 1, 'payment', 'k', areq_digest, 'm', card_id,
       'm' || row_number() OVER (), created_at FROM acs.transaction;

INSERT INTO otp.outbox (
    sms_id, challenge_id, seq, state, attempts, queued_at, due_at, expires_at, provider, provider_id,
    settled_at)
SELECT gen_random_uuid(), acs_trans_id, 1, 'sent', 1, created_at, created_at, created_at, 'p',
       acs_trans_id::text, created_at FROM acs.transaction;

INSERT INTO enrollment.low_value_use SELECT card_id, '985', 1, 1, now() FROM enrollment.card;

INSERT INTO enrollment.usage
SELECT card_id, 'day', current_date - 60 + n, 1, 1 FROM enrollment.card, generate_series(0, 9) n;

INSERT INTO enrollment.reservation
SELECT upkeep.first_id(now() - n * interval '1 min'), gen_random_uuid(), gen_random_uuid(), 1,
       current_date, date_trunc('month', current_date)::date, 'released', now(), NULL, now()
  FROM generate_series(1, 5000) n;

-- A file changed many phones and nobody was told of it yet; some codes wait beside them.
INSERT INTO otp.outbox (
    sms_id, challenge_id, seq, kind, is_bulk, state, number_sealed, text_sealed, queued_at, due_at,
    expires_at)
SELECT gen_random_uuid(), gen_random_uuid(), 1, 'held', true, 'queued', 'n', 't', now(), now(),
       now() + interval '3 days'
  FROM generate_series(1, 20000);
