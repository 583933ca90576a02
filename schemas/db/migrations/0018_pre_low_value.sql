-- Small payments without a challenge (RTS art. 16), and what makes a phone less sure.

-- What was let pass without a challenge for being small since the card's last successful challenge,
-- in minor units of one currency; no row: nothing.
CREATE TABLE enrollment.low_value_use (
    card_id    uuid        PRIMARY KEY,
    currency   text        NOT NULL CHECK (currency ~ '^[0-9]{3}$'),
    amount     bigint      NOT NULL CHECK (amount >= 0),
    count      integer     NOT NULL CHECK (count BETWEEN 1 AND 5),
    updated_at timestamptz NOT NULL
);

-- Takes one small payment's share of what a card may pay without a challenge, or raises SQLSTATE
-- AL001 when the sum or the count would be passed, or when the share is in another currency than
-- the ones before. Race: the card's row is the gate; whoever reserves limits as well does so before.
CREATE FUNCTION enrollment.take_low_value(
    p_card uuid, p_currency text, p_amount bigint, p_sum bigint, p_count integer, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO enrollment.low_value_use AS u (card_id, currency, amount, count, updated_at)
    SELECT p_card, p_currency, p_amount, 1, p_now WHERE p_amount <= p_sum AND 1 <= p_count
    ON CONFLICT (card_id) DO UPDATE
       SET amount = u.amount + excluded.amount, count = u.count + 1, updated_at = excluded.updated_at
     WHERE u.currency = excluded.currency
       AND u.amount + excluded.amount <= p_sum AND u.count < p_count;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a limit would be passed' USING ERRCODE = 'AL001', DETAIL = 'card.low_value';
    END IF;
END $$;

-- As before, with the exemption and the phone. Every LIMIT keeps a look-up what it is, a look-up
-- by key for one card: as plain joins, planned while a table was empty, they became scans of it.
CREATE OR REPLACE VIEW enrollment.card_standing AS
SELECT c.pan_idx,
       c.card_id,
       c.account_id,
       c.person_id,
       c.last4,
       c.expiry,
       c.previous_expiry,
       c.status AS card_status,
       e.state AS enrolment,
       e.reason AS enrolment_reason,
       p.status AS person_status,
       a.status AS account_status,
       n.act AS consent_act,
       t.good_until AS consent_good_until,
       f.phone_id,
       f.mask AS phone_mask,
       f.state = 'active' AS phone_usable,
       r.person_id IS NOT NULL AS pin_set,
       s.block_kind,
       s.block_until,
       coalesce(s.failures, 0) AS failures,
       p.language,
       a.currency,
       (la.per_tx + k.share - 1) / k.share AS account_per_tx,
       (la.per_day + k.share - 1) / k.share AS account_per_day,
       (la.per_month + k.share - 1) / k.share AS account_per_month,
       (la.count_day + k.share - 1) / k.share AS account_count_day,
       (la.count_month + k.share - 1) / k.share AS account_count_month,
       (least(lp.per_tx, lb.per_tx, lc.per_tx) + k.share - 1) / k.share AS card_per_tx,
       (least(lp.per_day, lb.per_day, lc.per_day) + k.share - 1) / k.share AS card_per_day,
       (least(lp.per_month, lb.per_month, lc.per_month) + k.share - 1) / k.share AS card_per_month,
       (least(lp.count_day, lb.count_day, lc.count_day) + k.share - 1) / k.share AS card_count_day,
       (least(lp.count_month, lb.count_month, lc.count_month) + k.share - 1) / k.share AS card_count_month,
       p.low_value AS low_value_wanted,
       u.currency AS low_value_currency,
       coalesce(u.amount, 0) AS low_value_amount,
       coalesce(u.count, 0) AS low_value_count,
       o.phone_id IS NOT NULL AS phone_shared,
       f.changed_at AS phone_changed_at
  FROM enrollment.card c
 CROSS JOIN LATERAL (
       SELECT x.status, x.currency
         FROM enrollment.account x WHERE x.account_id = c.account_id LIMIT 1) a
 CROSS JOIN LATERAL (
       SELECT x.status, x.language, x.low_value
         FROM enrollment.person x WHERE x.person_id = c.person_id LIMIT 1) p
 CROSS JOIN LATERAL (
       SELECT x.state, x.reason
         FROM enrollment.enrolment x WHERE x.card_id = c.card_id LIMIT 1) e
 CROSS JOIN LATERAL (
       SELECT CASE WHEN EXISTS (
              SELECT FROM enrollment.phone_change x
               WHERE x.person_id = c.person_id AND x.state = 'confirmed') THEN 2 ELSE 1 END
              AS share) k
  LEFT JOIN LATERAL (
       SELECT x.phone_id, x.mask, x.state,
              x.idx, CASE WHEN x.source = 'portal' THEN x.valid_from END AS changed_at
         FROM enrollment.phone x
        WHERE x.person_id = c.person_id AND x.state IN ('active', 'disputed') LIMIT 1) f ON true
  LEFT JOIN LATERAL (
       SELECT x.person_id
         FROM enrollment.credential x WHERE x.person_id = c.person_id LIMIT 1) r ON true
  LEFT JOIN LATERAL (
       SELECT x.failures, x.block_kind, x.block_until
         FROM enrollment.sca_state x WHERE x.person_id = c.person_id LIMIT 1) s ON true
  LEFT JOIN LATERAL (
       SELECT x.act, x.code, x.version, x.language
         FROM enrollment.consent x
        WHERE x.person_id = c.person_id AND x.code = 'sms_3ds'
        ORDER BY x.consent_id DESC LIMIT 1) n ON true
  LEFT JOIN LATERAL (
       SELECT x.good_until
         FROM enrollment.consent_text x
        WHERE x.code = n.code AND x.version = n.version AND x.language = n.language
        LIMIT 1) t ON true
  LEFT JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.spending_limit x
        WHERE x.owner_id = c.account_id AND x.level = 'account' LIMIT 1) la ON true
  LEFT JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.spending_limit x
        WHERE x.owner_id = c.card_id AND x.level = 'card_branch' LIMIT 1) lb ON true
  LEFT JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.spending_limit x
        WHERE x.owner_id = c.card_id AND x.level = 'card_client' LIMIT 1) lc ON true
  LEFT JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.product x WHERE x.product = c.product LIMIT 1) lp ON true
  LEFT JOIN LATERAL (
       SELECT x.currency, x.amount, x.count
         FROM enrollment.low_value_use x WHERE x.card_id = c.card_id LIMIT 1) u ON true
  LEFT JOIN LATERAL (
       SELECT x.phone_id
         FROM enrollment.phone x
        WHERE x.idx = f.idx AND x.state IN ('active', 'disputed') AND x.person_id <> c.person_id
        LIMIT 1) o ON true;

DROP FUNCTION enrollment.standing(bytea[], date, date);

-- The standing of each card found under these keyed hashes, with its use of that day and month.
-- Planning so many look-ups costs ten times the reading, so it is done once a connection; and the
-- plan may not depend on how full a table was at that time.
CREATE FUNCTION enrollment.standing(p_pan_idx bytea[], p_day date, p_month date)
RETURNS TABLE (
    pan_idx bytea, card_id uuid, account_id uuid, person_id uuid, last4 text, expiry text,
    previous_expiry text, card_status text, enrolment text, enrolment_reason text,
    consent_valid boolean, phone_id uuid, phone_mask text, phone_usable boolean, pin_set boolean,
    block_kind text, block_until timestamptz, failures integer, language text, currency text,
    account_per_tx bigint, account_per_day bigint, account_per_month bigint,
    account_count_day integer, account_count_month integer,
    card_per_tx bigint, card_per_day bigint, card_per_month bigint,
    card_count_day integer, card_count_month integer,
    account_used_day bigint, account_uses_day integer,
    account_used_month bigint, account_uses_month integer,
    card_used_day bigint, card_uses_day integer,
    card_used_month bigint, card_uses_month integer,
    low_value_wanted boolean, low_value_currency text, low_value_amount bigint,
    low_value_count integer, phone_shared boolean, phone_changed_at timestamptz)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.pan_idx, s.card_id, s.account_id, s.person_id, s.last4, s.expiry,
           s.previous_expiry, s.card_status, s.enrolment, s.enrolment_reason,
           coalesce(s.consent_act = 'given'
                    AND (s.consent_good_until IS NULL OR p_day <= s.consent_good_until), false),
           s.phone_id, s.phone_mask, s.phone_usable, s.pin_set,
           s.block_kind, s.block_until, s.failures, s.language, s.currency,
           s.account_per_tx, s.account_per_day, s.account_per_month,
           s.account_count_day, s.account_count_month,
           s.card_per_tx, s.card_per_day, s.card_per_month,
           s.card_count_day, s.card_count_month,
           coalesce(ad.amount, 0), coalesce(ad.count, 0),
           coalesce(am.amount, 0), coalesce(am.count, 0),
           coalesce(cd.amount, 0), coalesce(cd.count, 0),
           coalesce(cm.amount, 0), coalesce(cm.count, 0),
           s.low_value_wanted, s.low_value_currency, s.low_value_amount, s.low_value_count,
           coalesce(s.phone_shared, false), s.phone_changed_at
      FROM enrollment.card_standing s
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.account_id AND x.period = 'day' AND x.starts_on = p_day
            LIMIT 1) ad ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.account_id AND x.period = 'month' AND x.starts_on = p_month
            LIMIT 1) am ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.card_id AND x.period = 'day' AND x.starts_on = p_day
            LIMIT 1) cd ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.card_id AND x.period = 'month' AND x.starts_on = p_month
            LIMIT 1) cm ON true
     WHERE s.pan_idx = ANY (p_pan_idx);
END $$;
