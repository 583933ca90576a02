-- Merchants that a cardholder trusts (RTS art. 13): put on the list by a challenge, asked at an AReq.

-- Whether the page of a challenge offered to trust the merchant, and what the cardholder ticked.
ALTER TABLE acs.transaction ADD COLUMN offers_trust boolean NOT NULL DEFAULT false;
ALTER TABLE acs.transaction ADD COLUMN trusts boolean NOT NULL DEFAULT false CHECK (NOT trusts OR offers_trust);

-- Whether a person trusts a merchant now; false where the request names none.
CREATE FUNCTION enrollment.trusts(of_person uuid, at_acquirer text, as_merchant text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM enrollment.trusted_merchant t
         WHERE t.person_id = of_person AND t.acquirer_bin = at_acquirer
           AND t.acquirer_merchant_id = as_merchant AND t.removed_at IS NULL)
$$;
