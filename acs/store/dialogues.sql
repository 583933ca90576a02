-- name: lock
-- One transaction with its challenge, locked until the end of the database transaction.
SELECT
     acs_trans_id, three_ds_server_trans_id, ds_trans_id, sdk_trans_id, ds_id, ds_url, message_version,
     device_channel, message_category, range_id, range_version, scheme, card_id, account_id, person_id,
     phone_id, phone_mask, last4, pan_sealed, purchase_amount, purchase_currency, purchase_exponent,
     purchase_date, merchant_name, acquirer_bin, acquirer_merchant_id, notification_url, link_digest,
     trans_status, trans_status_reason, rule, reasons, elements, language, created_at, requestor_id,
     authentication_ind, offers_trust, trusts, lasts_s,
     state, step, form_posts, interaction_counter, attempts, code_seq, code_sent_at, notice, outcome_name,
     outcome_status, outcome_reason, outcome_cancel, outcome_error, cres_status, opened_at,
     last_activity_at, outcome_at, closed_at,
     window_size, session_data, seen_posts, checks
FROM acs.transaction WHERE acs_trans_id = :acs_trans_id FOR UPDATE;

-- name: read
-- The same without a lock.
SELECT
     acs_trans_id, three_ds_server_trans_id, ds_trans_id, sdk_trans_id, ds_id, ds_url, message_version,
     device_channel, message_category, range_id, range_version, scheme, card_id, account_id, person_id,
     phone_id, phone_mask, last4, pan_sealed, purchase_amount, purchase_currency, purchase_exponent,
     purchase_date, merchant_name, acquirer_bin, acquirer_merchant_id, notification_url, link_digest,
     trans_status, trans_status_reason, rule, reasons, elements, language, created_at, requestor_id,
     authentication_ind, offers_trust, trusts, lasts_s,
     state, step, form_posts, interaction_counter, attempts, code_seq, code_sent_at, notice, outcome_name,
     outcome_status, outcome_reason, outcome_cancel, outcome_error, cres_status, opened_at,
     last_activity_at, outcome_at, closed_at,
     window_size, session_data, seen_posts, checks
FROM acs.transaction WHERE acs_trans_id = :acs_trans_id;

-- name: store
-- Everything that the steps of one post leave behind, in one statement: the challenge over its old
-- state (so that two steps can never both count), its clocks, where the browser is, the result that is
-- owed with the evidence of the outcome, and the audit events. A challenge that moved leaves nothing.
-- A timer set again moves; a free one is never left claimed. The result is born claimed by the process
-- that will send it at once, so that the worker takes it over only if that process dies.
WITH moved AS (
    UPDATE acs.transaction SET
        state = :state, step = :step, form_posts = :form_posts,
        interaction_counter = :interaction_counter, attempts = :attempts, code_seq = :code_seq,
        code_sent_at = :code_sent_at, notice = :notice, outcome_name = :outcome_name,
        outcome_status = :outcome_status, outcome_reason = :outcome_reason,
        outcome_cancel = :outcome_cancel, outcome_error = :outcome_error::jsonb,
        cres_status = :cres_status, language = :language, opened_at = :opened_at,
        last_activity_at = :last_activity_at, outcome_at = :outcome_at, closed_at = :closed_at,
        trusts = :trusts, lasts_s = :lasts_s, window_size = :window_size, session_data = :session_data,
        seen_posts = :seen_posts::bytea[], checks = :checks::jsonb
    WHERE acs_trans_id = :acs_trans_id AND state = :was_state AND step = :was_step
    RETURNING acs_trans_id),
stopped AS (
    DELETE FROM acs.timer USING moved
    WHERE timer.acs_trans_id = moved.acs_trans_id AND timer.kind = ANY (:stopped::text[])),
started AS (
    INSERT INTO acs.timer (acs_trans_id, kind, due_at)
    SELECT moved.acs_trans_id, s.kind, s.due_at
    FROM moved, unnest(:started::text[], :due::timestamptz[]) AS s (kind, due_at)
    ON CONFLICT (acs_trans_id, kind) DO UPDATE SET due_at = excluded.due_at, lease_until = NULL),
seen AS (
    INSERT INTO acs.visitor (acs_trans_id, seen_in, seen_at, sealed, tag)
    SELECT acs_trans_id, :seen_in, :now::timestamptz, :visitor_sealed, :visitor_tag
    FROM moved WHERE :seen_in::text IS NOT NULL
    ON CONFLICT DO NOTHING),
owed AS (
    INSERT INTO acs.result (acs_trans_id, ds_id, state, attempt, claimed_by, lease_until, created_at)
    SELECT acs_trans_id, :ds_id, 'sending', 1, :claimed_by, :lease_until::timestamptz, :now::timestamptz
    FROM moved WHERE :claimed_by::text IS NOT NULL),
proved AS (
    INSERT INTO audit.evidence (acs_trans_id, at, document)
    SELECT acs_trans_id, :now::timestamptz, :evidence::json
    FROM moved WHERE :evidence::json IS NOT NULL),
told AS (
    INSERT INTO audit.event
        (at, name, actor_kind, actor, object, outcome, origin, request_id, details, key_id, mac)
    SELECT e.at, e.name, e.actor_kind, e.actor, e.object, e.outcome, e.origin, e.request_id, e.details,
           e.key_id, decode(e.mac, 'hex')
    FROM moved, ROWS FROM (json_to_recordset(:events::json) AS (
        at timestamptz, name text, actor_kind text, actor text, object text, outcome text, origin text,
        request_id text, details jsonb, key_id text, mac text)) WITH ORDINALITY AS e
    ORDER BY e.ordinality)
SELECT count(*) FROM moved;

-- name: keep_rreq
-- The bytes of the RReq, kept before they are sent so that a second try sends the same ones; with them
-- the message, masked, and the audit event of the value that it carries, if it carries one.
WITH kept AS (
    UPDATE acs.result SET rreq_sealed = :rreq_sealed
    WHERE acs_trans_id = :acs_trans_id AND state = 'sending' AND claimed_by = :claimed_by
      AND rreq_sealed IS NULL
    RETURNING acs_trans_id),
logged AS (
    INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
    SELECT acs_trans_id, :now, 'out', 'RReq', :body::json FROM kept),
told AS (
    INSERT INTO audit.event
        (at, name, actor_kind, actor, object, outcome, origin, request_id, details, key_id, mac)
    SELECT e.at, e.name, e.actor_kind, e.actor, e.object, e.outcome, e.origin, e.request_id, e.details,
           e.key_id, decode(e.mac, 'hex')
    FROM kept, json_to_recordset(:events::json) AS e (
        at timestamptz, name text, actor_kind text, actor text, object text, outcome text, origin text,
        request_id text, details jsonb, key_id text, mac text))
SELECT count(*) FROM kept;

-- name: settle
-- Everything that a settled result leaves behind, in one statement: the outbox row's end (its bytes with
-- the authentication value are erased), the challenge closed over the state that was read, its card
-- number erased, the messages, and the audit events. Nothing at all when the claim is lost, or when the
-- challenge moved meanwhile. Locks: the transaction first, as everywhere.
WITH held AS MATERIALIZED (
    SELECT acs_trans_id FROM acs.transaction
    WHERE acs_trans_id = :acs_trans_id AND state = :was_state AND step = :was_step
      AND cres_status IS NOT DISTINCT FROM :was_cres_status
    FOR UPDATE),
ended AS (
    UPDATE acs.result SET
        state = :becomes, settled_at = :now, answer = :answer, rreq_sealed = NULL, claimed_by = NULL,
        lease_until = NULL
    FROM held
    WHERE result.acs_trans_id = :acs_trans_id AND result.state = 'sending'
      AND result.claimed_by = :claimed_by
    RETURNING result.acs_trans_id),
moved AS (
    UPDATE acs.transaction SET
        state = :state, cres_status = :cres_status, closed_at = :closed_at, pan_sealed = NULL
    FROM ended WHERE transaction.acs_trans_id = :acs_trans_id),
logged AS (
    INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
    SELECT ended.acs_trans_id, :now, m.direction, m.message_type, m.body
    FROM ended, ROWS FROM (json_to_recordset(:messages::json) AS (
        direction text, message_type text, body json)) WITH ORDINALITY AS m
    ORDER BY m.ordinality),
told AS (
    INSERT INTO audit.event
        (at, name, actor_kind, actor, object, outcome, origin, request_id, details, key_id, mac)
    SELECT e.at, e.name, e.actor_kind, e.actor, e.object, e.outcome, e.origin, e.request_id, e.details,
           e.key_id, decode(e.mac, 'hex')
    FROM ended, json_to_recordset(:events::json) AS e (
        at timestamptz, name text, actor_kind text, actor text, object text, outcome text, origin text,
        request_id text, details jsonb, key_id text, mac text))
SELECT count(*) FROM ended;

-- name: hold
-- Nobody else changes or reads this transaction under a lock until the caller's commit.
SELECT acs_trans_id FROM acs.transaction WHERE acs_trans_id = :acs_trans_id FOR NO KEY UPDATE;

-- name: log_message_once
-- A message that leaves once, however often it is asked for; the caller holds the transaction.
INSERT INTO acs.message_log (acs_trans_id, at, direction, message_type, body)
SELECT :acs_trans_id, :at, :direction, :message_type, :body::json
WHERE NOT EXISTS (
    SELECT FROM acs.message_log WHERE acs_trans_id = :acs_trans_id AND message_type = :message_type);
