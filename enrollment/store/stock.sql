-- name: consent_digest
-- The digest of the words that everybody made up has agreed to.
SELECT sha256 FROM enrollment.consent_text
 WHERE code = :code AND version = :version AND language = :language;

-- name: is_empty
-- Whether nobody is known here.
SELECT NOT EXISTS (SELECT FROM enrollment.person);

-- name: count_use
-- Adds up what the reservations of some transactions counted.
INSERT INTO enrollment.usage AS u (owner_id, period, starts_on, amount, count)
SELECT o.owner_id, p.period, p.starts_on, sum(r.amount), count(*)
  FROM enrollment.reservation r,
       LATERAL (VALUES (r.card_id), (r.account_id)) AS o (owner_id),
       LATERAL (VALUES ('day', r.day), ('month', r.month)) AS p (period, starts_on)
 WHERE r.state = 'counted' AND r.acs_trans_id >= :first_id AND r.acs_trans_id <= :last_id
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
ON CONFLICT (owner_id, period, starts_on) DO UPDATE
   SET amount = u.amount + excluded.amount, count = u.count + excluded.count;
