-- Consents, their texts, and step-ups.

-- name: current_texts
-- The words that are shown now, newest version of each code and language.
SELECT DISTINCT ON (code, language) code, version, language, body, sha256
  FROM enrollment.consent_text
 WHERE valid_from <= :now AND (valid_to IS NULL OR valid_to > :now)
 ORDER BY code, language, version DESC;

-- name: add_consent
-- What a client declared.
INSERT INTO enrollment.consent
       (person_id, code, version, language, text_sha256, act, at, channel, origin, staff)
VALUES (:person_id, :code, :version, :language, :text_sha256, :act, :now, :channel, :origin, :staff);

-- name: newest
-- The newest declaration of a person to each code.
SELECT DISTINCT ON (c.code) c.code, c.version, c.language, c.text_sha256, c.act, c.at, c.channel,
       t.good_until
  FROM enrollment.consent c
  JOIN enrollment.consent_text t
    ON t.code = c.code AND t.version = c.version AND t.language = c.language
 WHERE c.person_id = :person_id
 ORDER BY c.code, c.consent_id DESC;

-- name: in_force
-- The newest declaration of a person to codes by SMS, if it is a yes.
SELECT n.consent_id
  FROM (SELECT consent_id, act
          FROM enrollment.consent
         WHERE person_id = :person_id AND code = 'sms_3ds'
         ORDER BY consent_id DESC
         LIMIT 1) n
 WHERE n.act = 'given';

-- name: step_ups_since
-- How many codes a person asked for since that time.
SELECT count(*)
  FROM enrollment.step_up
 WHERE person_id = :person_id AND asked_at >= :since;

-- name: add_step_up
-- An action that waits for its code.
INSERT INTO enrollment.step_up (step_up_id, person_id, phone_id, action, asked_at, expires_at)
VALUES (:step_up_id, :person_id, :phone_id, :action, :now, :expires_at);

-- name: use_step_up
-- Marks a step-up as used, once, for its own person and action, on the phone that is still in use.
UPDATE enrollment.step_up s
   SET used_at = :now
  FROM enrollment.phone f
 WHERE s.step_up_id = :step_up_id AND s.person_id = :person_id AND s.action = :action
   AND s.used_at IS NULL AND s.expires_at > :now
   AND f.phone_id = s.phone_id AND f.state = 'active';

-- name: open_step_up
-- Tells whether a step-up of that person and action still waits for its code.
SELECT s.step_up_id
  FROM enrollment.step_up s
  JOIN enrollment.phone f ON f.phone_id = s.phone_id AND f.state = 'active'
 WHERE s.step_up_id = :step_up_id AND s.person_id = :person_id AND s.action = :action
   AND s.used_at IS NULL AND s.expires_at > :now;

-- name: purge_step_ups
-- Forgets acts whose code is over since long.
DELETE FROM enrollment.step_up
 WHERE step_up_id = ANY (ARRAY(
       SELECT step_up_id
         FROM enrollment.step_up
        WHERE expires_at <= :old
        LIMIT :limit
          FOR UPDATE SKIP LOCKED));

-- name: hold_texts
-- One loader at a time; readers are not held up.
LOCK TABLE enrollment.consent_text IN SHARE ROW EXCLUSIVE MODE;

-- name: all_texts
-- Every version of every text.
SELECT code, version, language, body, valid_from, must_reaccept_by
  FROM enrollment.consent_text;

-- name: add_text
-- A new text; the hash is over its exact bytes.
INSERT INTO enrollment.consent_text
       (code, version, language, body, sha256, valid_from, must_reaccept_by)
VALUES (:code, :version, :language, :body, sha256(convert_to(:body, 'UTF8')), :valid_from,
        :must_reaccept_by);

-- name: end_earlier
-- Earlier versions are shown no longer from then on, and count until that day at most.
UPDATE enrollment.consent_text
   SET valid_to = least(valid_to, :valid_from), good_until = least(good_until, :good_until)
 WHERE code = :code AND version < :version;

-- name: begin_sweep
-- A version of the consent to codes that ran out gets its row once.
INSERT INTO enrollment.consent_sweep (code, version)
SELECT DISTINCT code, version
  FROM enrollment.consent_text WHERE code = 'sms_3ds' AND good_until < :day
ON CONFLICT DO NOTHING;

-- name: next_sweep
-- A version whose clients were not all gone through, for one process at a time.
SELECT code, version, after
  FROM enrollment.consent_sweep
 WHERE done_at IS NULL
 ORDER BY code, version
 LIMIT 1
   FOR UPDATE SKIP LOCKED;

-- name: next_of_sweep
-- The next clients in order, and whether their newest declaration is a yes to that version.
SELECT p.person_id, coalesce(n.act = 'given' AND n.version = :version, false) AS is_outdated
  FROM (SELECT person_id FROM enrollment.person
         WHERE person_id > :after ORDER BY person_id LIMIT :limit) p
  LEFT JOIN LATERAL (
       SELECT x.act, x.version
         FROM enrollment.consent x
        WHERE x.person_id = p.person_id AND x.code = :code
        ORDER BY x.consent_id DESC LIMIT 1) n ON true
 ORDER BY p.person_id;

-- name: still_agrees
-- Whether the newest declaration of a person is still a yes to that version.
SELECT coalesce((SELECT x.act = 'given' AND x.version = :version
                   FROM enrollment.consent x
                  WHERE x.person_id = :person_id AND x.code = :code
                  ORDER BY x.consent_id DESC LIMIT 1), false);

-- name: move_sweep
-- How far it is now; done when there were no more clients.
UPDATE enrollment.consent_sweep
   SET after = coalesce(:after, after), done_at = :done_at
 WHERE code = :code AND version = :version;
