-- Bulk imports: what is known of a batch of lines, its new rows, and how far an import got.
-- Look-ups of many keys are written as one bounded look-up a key: as plain joins, planned while a
-- table was empty, they became scans of it.

-- name: begin
-- Whether it is this batch's turn: one at a time in each stage, over all imports. How long another one takes is
-- not known, so it is not waited for under a lock. Its look-ups go by keys, however full a table was when
-- they were planned. Its commit does not wait for the disk: the note of how far the import got does,
-- and stands behind it in the same log, so what is noted as done is on the disk.
SELECT pg_try_advisory_xact_lock(hashtextextended('enrollment.import:' || :stage::text, 0)) AS is_its_turn,
       set_config('enable_seqscan', 'off', true),
       set_config('synchronous_commit', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true);

-- name: take_file
-- Holds a file for this connection, so that no two processes import the same one.
SELECT pg_try_advisory_lock(
           hashtextextended('enrollment.import_run:' || encode(:sha256::bytea, 'hex'), 0));

-- name: claim_all
-- Lets one transaction at a time decide about these keyed hashes, taken in the order given.
SELECT count(pg_advisory_xact_lock(hashtextextended(encode(g.idx, 'hex'), 0)))
  FROM unnest(:idx::bytea[]) AS g (idx);

-- name: persons_by_ref
-- The persons of these references with the phone in use, the number that the bank said last of who put
-- another one in use in the portal, and whether another one is about to take over.
SELECT p.ref, p.person_id, p.kind, p.status, p.language, p.bank_language, p.minor_allowed,
       f.idx AS phone_idx, f.state AS phone_state, f.source AS phone_source, o.idx AS outlived_idx,
       EXISTS (
           SELECT FROM enrollment.phone_change c
            WHERE c.person_id = p.person_id AND c.state IN ('asked', 'confirmed')) AS phone_changes
  FROM unnest(:refs::text[]) AS g (ref)
 CROSS JOIN LATERAL (
       SELECT x.ref, x.person_id, x.kind, x.status, x.language, x.bank_language, x.minor_allowed
         FROM enrollment.person x WHERE x.ref = g.ref LIMIT 1) p
  LEFT JOIN LATERAL (
       SELECT x.idx, x.state, x.source
         FROM enrollment.phone x
        WHERE x.person_id = p.person_id AND x.state IN ('active', 'disputed') LIMIT 1) f ON true
  LEFT JOIN LATERAL (
       SELECT x.idx
         FROM enrollment.phone x
        WHERE f.state = 'active' AND f.source = 'portal'
          AND x.person_id = p.person_id AND x.state = 'retired' AND x.source = 'branch'
        ORDER BY x.valid_from DESC LIMIT 1) o ON true;

-- name: holders
-- Whose identification numbers these are.
SELECT g.idx, i.person_id
  FROM unnest(:idx::bytea[]) AS g (idx)
 CROSS JOIN LATERAL (
       SELECT x.person_id
         FROM enrollment.person_identifier x
        WHERE x.idx = g.idx AND x.valid_to IS NULL LIMIT 1) i;

-- name: phones_in_use
-- Which of these phones somebody uses.
SELECT g.idx
  FROM unnest(:idx::bytea[]) AS g (idx)
 CROSS JOIN LATERAL (
       SELECT x.phone_id
         FROM enrollment.phone x
        WHERE x.idx = g.idx AND x.state IN ('active', 'disputed') LIMIT 1) f;

-- name: insert_persons
-- New persons; a reference that somebody else made meanwhile is left out.
INSERT INTO enrollment.person
       (person_id, ref, kind, status, language, birth_date_ct, minor_allowed, created_at,
        updated_at)
SELECT g.person_id, g.ref, g.kind, 'known', g.language, g.birth_date_ct, g.minor_allowed, :now, :now
  FROM unnest(:person_ids::uuid[], :refs::text[], :kinds::text[], :languages::text[],
              :birth_dates::bytea[], :minors_allowed::boolean[])
       AS g (person_id, ref, kind, language, birth_date_ct, minor_allowed)
ON CONFLICT (ref) DO NOTHING
RETURNING person_id;

-- name: insert_identifiers
-- The identification numbers of new persons.
INSERT INTO enrollment.person_identifier (person_id, id_kind, idx, key_id, valid_from)
SELECT g.person_id, g.id_kind, g.idx, g.key_id, :now
  FROM unnest(:person_ids::uuid[], :id_kinds::text[], :idx::bytea[], :key_ids::text[])
       AS g (person_id, id_kind, idx, key_id);

-- name: insert_phones
-- The phones of new persons.
INSERT INTO enrollment.phone
       (phone_id, person_id, state, number_ct, idx, key_id, mask, source, valid_from, verified_at)
SELECT g.phone_id, g.person_id, 'active', g.number_ct, g.idx, g.key_id, g.mask, 'branch', :now, :now
  FROM unnest(:phone_ids::uuid[], :person_ids::uuid[], :numbers::bytea[], :idx::bytea[],
              :key_ids::text[], :masks::text[])
       AS g (phone_id, person_id, number_ct, idx, key_id, mask);

-- name: accounts_by_ref
-- The accounts of these references with the roles at them.
SELECT a.ref, a.account_id, a.currency, a.status,
       ARRAY(SELECT m.person_id FROM enrollment.account_person m
              WHERE m.account_id = a.account_id ORDER BY m.person_id) AS person_ids,
       ARRAY(SELECT m.role FROM enrollment.account_person m
              WHERE m.account_id = a.account_id ORDER BY m.person_id) AS roles
  FROM unnest(:refs::text[]) AS g (ref)
 CROSS JOIN LATERAL (
       SELECT x.ref, x.account_id, x.currency, x.status
         FROM enrollment.account x WHERE x.ref = g.ref LIMIT 1) a;

-- name: insert_accounts
-- New accounts; a reference that somebody else made meanwhile is left out.
INSERT INTO enrollment.account (account_id, ref, currency, status, created_at, updated_at)
SELECT g.account_id, g.ref, g.currency, g.status, :now, :now
  FROM unnest(:account_ids::uuid[], :refs::text[], :currencies::text[], :statuses::text[])
       AS g (account_id, ref, currency, status)
ON CONFLICT (ref) DO NOTHING
RETURNING account_id;

-- name: insert_members
-- The roles at new accounts.
INSERT INTO enrollment.account_person (account_id, person_id, role)
SELECT g.account_id, g.person_id, g.role
  FROM unnest(:account_ids::uuid[], :person_ids::uuid[], :roles::text[])
       AS g (account_id, person_id, role);

-- name: person_ids
-- The ids of the persons of these references.
SELECT p.ref, p.person_id
  FROM unnest(:refs::text[]) AS g (ref)
 CROSS JOIN LATERAL (
       SELECT x.ref, x.person_id FROM enrollment.person x WHERE x.ref = g.ref LIMIT 1) p;

-- name: hold_accounts
-- The accounts of these references, held until the batch is done: nobody takes a role at them meanwhile.
SELECT count(*)
  FROM (SELECT account_id FROM enrollment.account
         WHERE ref = ANY (:refs::text[])
         ORDER BY account_id
           FOR SHARE) held;

-- name: account_ids
-- The ids of the accounts of these references, and who has a role at them.
SELECT a.ref, a.account_id,
       ARRAY(SELECT m.person_id FROM enrollment.account_person m
              WHERE m.account_id = a.account_id) AS members
  FROM unnest(:refs::text[]) AS g (ref)
 CROSS JOIN LATERAL (
       SELECT x.ref, x.account_id FROM enrollment.account x WHERE x.ref = g.ref LIMIT 1) a;

-- name: hold_persons
-- The persons of these references, held as they are until the batch is done.
SELECT ref, person_id, status
  FROM enrollment.person
 WHERE ref = ANY (:refs::text[])
 ORDER BY person_id
   FOR SHARE;

-- name: engaged
-- Which of these persons agreed to something or set a PIN: their cards may be enrolled already.
SELECT g.person_id
  FROM unnest(:person_ids::uuid[]) AS g (person_id)
  LEFT JOIN LATERAL (
       SELECT x.person_id
         FROM enrollment.credential x WHERE x.person_id = g.person_id LIMIT 1) r ON true
  LEFT JOIN LATERAL (
       SELECT x.person_id
         FROM enrollment.consent x WHERE x.person_id = g.person_id LIMIT 1) n ON true
 WHERE r.person_id IS NOT NULL OR n.person_id IS NOT NULL;

-- name: cards_by_ref
-- The cards of these references.
SELECT c.ref, c.card_id, c.pan_idx, c.person_id, c.account_id, c.expiry, c.product
  FROM unnest(:refs::text[]) AS g (ref)
 CROSS JOIN LATERAL (
       SELECT x.ref, x.card_id, x.pan_idx, x.person_id, x.account_id, x.expiry, x.product
         FROM enrollment.card x WHERE x.ref = g.ref LIMIT 1) c;

-- name: cards_by_pan
-- Under which of these keyed hashes there is a card.
SELECT g.idx
  FROM unnest(:idx::bytea[]) AS g (idx)
 CROSS JOIN LATERAL (
       SELECT x.card_id FROM enrollment.card x WHERE x.pan_idx = g.idx LIMIT 1) c;

-- name: insert_cards
-- New cards, in use; a reference that somebody else made meanwhile is left out.
INSERT INTO enrollment.card
       (card_id, ref, account_id, person_id, pan_idx, idx_key_id, pan_ct, last4, expiry, product,
        status, created_at, updated_at)
SELECT g.card_id, g.ref, g.account_id, g.person_id, g.pan_idx, g.idx_key_id, g.pan_ct, g.last4,
       g.expiry, g.product, 'active', :now, :now
  FROM unnest(:card_ids::uuid[], :refs::text[], :account_ids::uuid[], :person_ids::uuid[],
              :pan_idx::bytea[], :idx_key_ids::text[], :pans::bytea[], :last4s::text[],
              :expiries::text[], :products::text[])
       AS g (card_id, ref, account_id, person_id, pan_idx, idx_key_id, pan_ct, last4, expiry,
             product)
ON CONFLICT (ref) DO NOTHING
RETURNING card_id;

-- name: insert_enrolments
-- New cards start without 3-D Secure.
INSERT INTO enrollment.enrolment (card_id, state, changed_by, channel, changed_at)
SELECT g.card_id, 'none', :by, :channel, :now
  FROM unnest(:card_ids::uuid[]) AS g (card_id);

-- name: limits_of
-- The limits set for these owners at these levels.
SELECT g.owner_id, l.per_tx, l.per_day, l.per_month, l.count_day, l.count_month
  FROM unnest(:owner_ids::uuid[], :levels::text[]) AS g (owner_id, level)
 CROSS JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.spending_limit x
        WHERE x.owner_id = g.owner_id AND x.level = g.level LIMIT 1) l;

-- name: insert_limits
-- Limits where none were set; those that somebody else set meanwhile are left out.
INSERT INTO enrollment.spending_limit
       (owner_id, level, per_tx, per_day, per_month, count_day, count_month, set_by, set_at)
SELECT g.owner_id, g.level, g.per_tx, g.per_day, g.per_month, g.count_day, g.count_month, :by, :now
  FROM unnest(:owner_ids::uuid[], :levels::text[], :per_tx::bigint[], :per_day::bigint[],
              :per_month::bigint[], :count_day::integer[], :count_month::integer[])
       AS g (owner_id, level, per_tx, per_day, per_month, count_day, count_month)
ON CONFLICT (owner_id, level) DO NOTHING
RETURNING owner_id;

-- name: insert_run
-- An import that begins.
INSERT INTO enrollment.import_run
       (run_id, sha256, caller, state, bytes_total, started_at, updated_at)
VALUES (:run_id, :sha256, :caller, 'running', :bytes_total, :now, :now);

-- name: unfinished
-- The newest import of the same file that did not come to its end.
SELECT run_id, state, bytes_total, bytes_done, lines_done, created, changed, unchanged, refused,
       started_at, updated_at
  FROM enrollment.import_run
 WHERE sha256 = :sha256 AND caller = :caller AND state = 'running'
 ORDER BY started_at DESC
 LIMIT 1;

-- name: run_of
-- An import of that caller.
SELECT run_id, state, bytes_total, bytes_done, lines_done, created, changed, unchanged, refused,
       started_at, updated_at
  FROM enrollment.import_run
 WHERE run_id = :run_id AND caller = :caller;

-- name: advance
-- An import got on by one batch, from the place where it was.
UPDATE enrollment.import_run
   SET bytes_done = :bytes_done, lines_done = :lines_done, created = :created, changed = :changed,
       unchanged = :unchanged, refused = :refused, updated_at = :now
 WHERE run_id = :run_id AND state = 'running' AND lines_done = :lines_before;

-- name: touch
-- An import is still at work.
UPDATE enrollment.import_run
   SET updated_at = greatest(updated_at, :now)
 WHERE run_id = :run_id AND state = 'running';

-- name: finish
-- An import came to its end.
UPDATE enrollment.import_run
   SET state = 'done', updated_at = :now
 WHERE run_id = :run_id AND state = 'running';

-- name: add_errors
-- Lines that were refused; a batch that is carried out again says the same again.
INSERT INTO enrollment.import_error (run_id, line, code, field)
SELECT :run_id::uuid, g.line, g.code, g.field
  FROM unnest(:lines::bigint[], :codes::text[], :fields::text[]) AS g (line, code, field)
ON CONFLICT (run_id, line) DO NOTHING;

-- name: purge_errors
-- Refused lines of imports that moved last before a time.
DELETE FROM enrollment.import_error
 WHERE (run_id, line) IN (
       SELECT e.run_id, e.line
         FROM enrollment.import_run r
         JOIN enrollment.import_error e ON e.run_id = r.run_id
        WHERE r.updated_at < :before
        LIMIT :limit);

-- name: purge_runs
-- Imports that moved last before a time and have no refused lines left.
DELETE FROM enrollment.import_run
 WHERE run_id IN (
       SELECT r.run_id
         FROM enrollment.import_run r
        WHERE r.updated_at < :before
          AND NOT EXISTS (SELECT FROM enrollment.import_error e WHERE e.run_id = r.run_id)
        LIMIT :limit);

-- name: errors
-- The refused lines of an import after that one, in their order.
SELECT line, code, field
  FROM enrollment.import_error
 WHERE run_id = :run_id AND line > :after
 ORDER BY line
 LIMIT :limit;
