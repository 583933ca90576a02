-- name: document
-- The document of one authentication, to the letter.
SELECT document::text FROM audit.evidence WHERE acs_trans_id = :acs_trans_id;

-- name: visitors
-- What is still known of where a cardholder came from.
SELECT seen_in, sealed, tag FROM acs.visitor WHERE acs_trans_id = :acs_trans_id ORDER BY seen_in;

-- name: lapse_visitors
-- Erases addresses and programs whose time is over, where no month was made for them; the evidence
-- keeps their keyed hashes.
DELETE FROM acs.visitor_default WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM acs.visitor_default WHERE seen_at < :before
    ORDER BY seen_at LIMIT :most FOR UPDATE SKIP LOCKED));
