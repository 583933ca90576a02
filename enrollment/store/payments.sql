-- What a payment asks of the enrolment side.

-- name: footing
-- What a running challenge of a card rests on: as the standing has it, without limits and use.
SELECT c.status AS card_status, e.state AS enrolment, e.reason AS enrolment_reason,
       f.phone_id, coalesce(f.state = 'active', false) AS phone_usable, f.number_ct,
       coalesce(n.act = 'given' AND (t.good_until IS NULL OR :day::date <= t.good_until), false)
           AS consent_valid,
       CASE WHEN n.act = 'given' THEN n.consent_id END AS consent_id,
       s.block_kind, s.block_until
  FROM enrollment.card c
 CROSS JOIN LATERAL (
       SELECT x.state, x.reason FROM enrollment.enrolment x WHERE x.card_id = c.card_id LIMIT 1) e
  LEFT JOIN LATERAL (
       SELECT x.phone_id, x.state, x.number_ct
         FROM enrollment.phone x
        WHERE x.person_id = c.person_id AND x.state = ANY (ARRAY['active', 'disputed'])
        LIMIT 1) f ON true
  LEFT JOIN LATERAL (
       SELECT x.block_kind, x.block_until
         FROM enrollment.sca_state x WHERE x.person_id = c.person_id LIMIT 1) s ON true
  LEFT JOIN LATERAL (
       SELECT x.consent_id, x.act, x.code, x.version, x.language
         FROM enrollment.consent x
        WHERE x.person_id = c.person_id AND x.code = 'sms_3ds'
        ORDER BY x.consent_id DESC LIMIT 1) n ON true
  LEFT JOIN LATERAL (
       SELECT x.good_until
         FROM enrollment.consent_text x
        WHERE x.code = n.code AND x.version = n.version AND x.language = n.language
        LIMIT 1) t ON true
 WHERE c.card_id = :card_id;

-- name: phone_in_use
-- The sealed number of a phone that is still the one in use.
SELECT person_id, number_ct
  FROM enrollment.phone
 WHERE phone_id = :phone_id AND state = 'active';

-- name: count_use
-- A held reservation becomes a count. With it, for the person who has just been authenticated, a
-- complete success clears the count of failures (a block in force stays): all of them after a strong
-- authentication, after a code alone those that a code alone could end. After a strong one, too, what a
-- card was let pass for being small starts anew.
WITH cleared AS (
    UPDATE enrollment.sca_state
       SET failures = CASE WHEN :card_id::uuid IS NULL THEN least(pin_failures, failures) ELSE 0 END,
           updated_at = :now
     WHERE person_id = :person_id AND block_kind IS NULL AND failures > 0),
forgotten AS (
    DELETE FROM enrollment.low_value_use WHERE card_id = :card_id::uuid)
UPDATE enrollment.reservation
   SET state = 'counted', counted_at = :now
 WHERE acs_trans_id = :acs_trans_id AND state = 'held';

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
