-- As before, but for how it asks whether a change of the phone waits, which halves the limits: written as
-- an expression it was put into each of the twenty places that use it, and each of these was set up anew
-- by every statement, a third of what reading a standing cost. As a look-up with a LIMIT it is one.
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
       (la.per_tx + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS account_per_tx,
       (la.per_day + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS account_per_day,
       (la.per_month + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS account_per_month,
       (la.count_day + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS account_count_day,
       (la.count_month + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS account_count_month,
       (least(lp.per_tx, lb.per_tx, lc.per_tx) + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS card_per_tx,
       (least(lp.per_day, lb.per_day, lc.per_day) + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS card_per_day,
       (least(lp.per_month, lb.per_month, lc.per_month) + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS card_per_month,
       (least(lp.count_day, lb.count_day, lc.count_day) + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS card_count_day,
       (least(lp.count_month, lb.count_month, lc.count_month) + coalesce(k.share, 1) - 1) / coalesce(k.share, 1) AS card_count_month,
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
  LEFT JOIN LATERAL (
       SELECT 2 AS share
         FROM enrollment.phone_change x
        WHERE x.person_id = c.person_id AND x.state = 'confirmed' LIMIT 1) k ON true
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
