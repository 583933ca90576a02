-- Passwords, what waits for a code before a client is let in, and sessions.

-- name: password
-- The stored hash of a person's password.
SELECT hash, key_id FROM enrollment.password WHERE person_id = :person_id;

-- name: put_password
-- Sets or changes the password.
INSERT INTO enrollment.password AS p (person_id, hash, key_id, set_at)
VALUES (:person_id, :hash, :key_id, :now)
ON CONFLICT (person_id) DO UPDATE
   SET hash = excluded.hash, key_id = excluded.key_id, set_at = excluded.set_at,
       version = p.version + 1;

-- name: rehash_password
-- Replaces a hash made under an earlier key or with earlier costs, if it is still there.
UPDATE enrollment.password
   SET hash = :hash, key_id = :key_id
 WHERE person_id = :person_id AND hash = :was;

-- name: add_entry
-- Somebody waits for a code, or would.
INSERT INTO enrollment.entry (entry_id, kind, who, person_id, is_open, started_at, expires_at)
VALUES (:entry_id, :kind, :who, :person_id, :is_open, :now, :expires_at);

-- name: try_entry
-- Counts a try before it is compared; no row = unknown, over, or used. Race: the row lock.
UPDATE enrollment.entry
   SET attempts = attempts + 1
 WHERE entry_id = :entry_id AND kind = :kind AND used_at IS NULL AND proved_at IS NULL
   AND expires_at > :now AND attempts < :attempts_max::integer
RETURNING entry_id, who, person_id, is_open, attempts;

-- name: person_of_entry
-- The person who is let in by an entry, to be locked before it is.
SELECT person_id FROM enrollment.entry WHERE entry_id = :entry_id AND kind = :kind AND is_open;

-- name: turn_of_entry
-- The same, when it is the caller's turn among all that try entries of this number, until the end of the
-- transaction. Secret: a number of nobody has its turns too; else who tries several at once would see
-- that those of a client wait for the person.
SELECT CASE WHEN is_open THEN person_id END AS person_id,
       pg_advisory_xact_lock(hashtextextended(encode(who, 'hex'), 0))
  FROM enrollment.entry WHERE entry_id = :entry_id AND kind = :kind;

-- name: who_of_entry
-- Whose number an entry is about, whatever became of it.
SELECT who FROM enrollment.entry WHERE entry_id = :entry_id AND kind = :kind;

-- name: use_entry
-- Uses an entry up, once.
UPDATE enrollment.entry
   SET used_at = :now
 WHERE entry_id = :entry_id AND is_open AND used_at IS NULL;

-- name: prove_entry
-- PIN and code were right; the new password may follow.
UPDATE enrollment.entry
   SET proved_at = :now, token_hash = :token_hash
 WHERE entry_id = :entry_id AND is_open AND used_at IS NULL AND proved_at IS NULL;

-- name: lock_proved
-- An entry whose PIN and code were right a moment ago, locked.
SELECT person_id, token_hash
  FROM enrollment.entry
 WHERE entry_id = :entry_id AND kind = 'reset' AND used_at IS NULL
   AND proved_at > :since AND person_id IS NOT NULL
   FOR UPDATE;

-- name: purge_entries
-- Forgets what is over since long.
DELETE FROM enrollment.entry
 WHERE entry_id IN (SELECT entry_id FROM enrollment.entry WHERE expires_at <= :old LIMIT :limit);

-- name: add_session
-- A session is opened.
INSERT INTO enrollment.portal_session
       (session_id, token_hash, person_id, ua_hash, origin, opened_at, seen_at)
VALUES (:session_id, :token_hash, :person_id, :ua_hash, :origin, :now, :now);

-- name: session
-- The session of a token, locked. Race: its person first, as by everything else; who takes the
-- person's access away holds the person and ends the sessions.
SELECT s.session_id, s.person_id, p.language, p.status, s.opened_at, s.seen_at, s.ended_at
  FROM enrollment.portal_session s
  JOIN enrollment.person p ON p.person_id = s.person_id
 WHERE s.token_hash = ANY (:token_hashes::bytea[])
   FOR NO KEY UPDATE OF p
   FOR UPDATE OF s;

-- name: touch_session
-- The client did something.
UPDATE enrollment.portal_session
   SET seen_at = greatest(seen_at, :now)
 WHERE session_id = :session_id AND ended_at IS NULL;

-- name: end_session
-- A session is over.
UPDATE enrollment.portal_session
   SET ended_at = :now, end_reason = :reason
 WHERE session_id = :session_id AND ended_at IS NULL;

-- name: end_sessions
-- All sessions of a person are over.
UPDATE enrollment.portal_session
   SET ended_at = :now, end_reason = :reason
 WHERE person_id = :person_id AND ended_at IS NULL;

-- name: end_every_session
-- Nobody stays signed in.
UPDATE enrollment.portal_session
   SET ended_at = :now, end_reason = :reason
 WHERE ended_at IS NULL;

-- name: purge_sessions
-- Forgets sessions that are over since long.
DELETE FROM enrollment.portal_session
 WHERE session_id IN (
       SELECT session_id FROM enrollment.portal_session WHERE opened_at <= :old LIMIT :limit);
