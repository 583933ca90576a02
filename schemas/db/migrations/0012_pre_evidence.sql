-- What an authentication rests on, kept to prove it later (PSD2 art. 72), and what goes into it.

-- One row per authentication, written with its outcome and never changed. The digest of the document
-- stands in the audit event of that outcome, so the chain over the audit log covers it.
CREATE TABLE audit.evidence (
    acs_trans_id uuid        PRIMARY KEY,
    at           timestamptz NOT NULL,
    document     json        NOT NULL
);
CREATE INDEX evidence_at ON audit.evidence (at);
CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.evidence
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Address and program of the cardholder's browser, sealed, apart from the evidence: they can be
-- erased while the evidence, which holds their keyed hash only, stays (GDPR art. 5(1)(e)).
CREATE TABLE acs.visitor (
    acs_trans_id uuid        NOT NULL,
    seen_in      text        NOT NULL CHECK (seen_in IN ('areq', 'challenge')),
    seen_at      timestamptz NOT NULL,
    sealed       bytea       NOT NULL,
    tag          text        NOT NULL CHECK (length(tag) <= 100),
    PRIMARY KEY (acs_trans_id, seen_in)
);
CREATE INDEX visitor_seen_at ON acs.visitor (seen_at);

-- What each comparison of the elements came to; for the evidence only, shown to nobody.
ALTER TABLE acs.transaction ADD COLUMN checks jsonb NOT NULL DEFAULT '[]';

-- Which text a message was made from and which key the code's MAC.
ALTER TABLE otp.sending
    ADD COLUMN template   text CHECK (length(template) <= 60),
    ADD COLUMN mac_key_id text CHECK (length(mac_key_id) <= 32);
