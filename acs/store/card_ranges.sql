-- name: version
-- The number that moves when issuers, ranges or rates change.
SELECT version FROM acs.policy_version;

-- name: ranges
-- Every card range with its issuer.
SELECT r.range_id, r.low::text AS low, r.high::text AS high, r.scheme, r.issuer_id, r.policy::text AS policy, r.version,
       i.name AS issuer_name, i.phone AS issuer_phone, i.default_language
FROM acs.card_range r JOIN acs.issuer i USING (issuer_id)
ORDER BY r.low;

-- name: rates
-- Every exchange rate.
SELECT currency_from, currency_to, rate, as_of FROM acs.exchange_rate;

-- name: contents
-- Everything as it is stored, for who tells what a change was; the members of a policy beside the bounds.
SELECT 'issuer' AS kind, issuer_id AS id, (to_jsonb(i) - 'issuer_id')::text AS content FROM acs.issuer i
UNION ALL
SELECT 'card_range', range_id, (policy || jsonb_build_object(
    'low', low::text, 'high', high::text, 'scheme', scheme, 'issuer', issuer_id))::text
FROM acs.card_range
UNION ALL
SELECT 'exchange_rate', currency_from || '/' || currency_to, jsonb_build_object('rate', rate::text, 'as_of', as_of)::text
FROM acs.exchange_rate;

-- name: put_issuer
-- A new issuer or new facts about one.
INSERT INTO acs.issuer (issuer_id, name, phone, default_language)
VALUES (:issuer_id, :name, :phone, :default_language)
ON CONFLICT (issuer_id) DO UPDATE SET
    name = excluded.name, phone = excluded.phone, default_language = excluded.default_language;

-- name: make_room
-- Takes ranges whose bounds will be others out of the way of all, below zero, where no card number is;
-- each is put where it belongs before the commit.
UPDATE acs.card_range SET low = -wanted.place, high = -wanted.place
FROM unnest(:range_ids::text[], :lows::numeric[], :highs::numeric[])
    WITH ORDINALITY AS wanted (range_id, low, high, place)
WHERE card_range.range_id = wanted.range_id
  AND (card_range.low, card_range.high) IS DISTINCT FROM (wanted.low, wanted.high);

-- name: put_range
-- A new range or a new version of its policy; the same content keeps its version.
INSERT INTO acs.card_range (range_id, low, high, scheme, issuer_id, policy)
VALUES (:range_id, :low, :high, :scheme, :issuer_id, :policy::jsonb)
ON CONFLICT (range_id) DO UPDATE SET
    low = excluded.low, high = excluded.high, scheme = excluded.scheme, issuer_id = excluded.issuer_id,
    policy = excluded.policy, version = card_range.version + 1
WHERE (card_range.low, card_range.high, card_range.scheme, card_range.issuer_id, card_range.policy)
    IS DISTINCT FROM (excluded.low, excluded.high, excluded.scheme, excluded.issuer_id, excluded.policy);

-- name: put_rate
-- The rate of one pair of currencies.
INSERT INTO acs.exchange_rate (currency_from, currency_to, rate, as_of, source)
VALUES (:currency_from, :currency_to, :rate, :as_of, :source)
ON CONFLICT (currency_from, currency_to) DO UPDATE SET
    rate = excluded.rate, as_of = excluded.as_of, source = excluded.source;

-- name: move_version
-- Tells every process to load again.
UPDATE acs.policy_version SET version = version + 1 RETURNING version;
