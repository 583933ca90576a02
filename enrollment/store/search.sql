-- What a counter looks up: one person with what belongs to it, nothing in clear.

-- name: person
-- A person by the bank's reference, with the phone's mask and the block in force.
SELECT p.person_id, p.ref, p.kind, p.status, p.language, p.version, f.mask AS phone_mask,
       p.minor_allowed, p.birth_date_ct, s.block_kind, s.block_until
  FROM enrollment.person p
  LEFT JOIN enrollment.phone f
    ON f.person_id = p.person_id AND f.state IN ('active', 'disputed')
  LEFT JOIN enrollment.sca_state s
    ON s.person_id = p.person_id AND (s.block_until IS NULL OR s.block_until > :now)
 WHERE p.ref = :ref;

-- name: accounts
-- The accounts at which a person has a role.
SELECT a.account_id, a.ref, a.currency, a.status, m.role
  FROM enrollment.account_person m
  JOIN enrollment.account a ON a.account_id = m.account_id
 WHERE m.person_id = :person_id
 ORDER BY a.ref
 LIMIT 1000;
