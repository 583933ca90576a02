-- What became of a message after its provider took it: delivery reports, and the reports that come
-- before it is known whose they are.

-- report_state is the highest word a provider gave (otp.report_outranks); reported_at is when it
-- came here, report_told_at the provider's own time. calling_code is the country's code alone, for
-- the counts. doubted_provider may have taken the message as well: nobody knew, and provider was
-- asked to carry the same text.
ALTER TABLE otp.outbox
    ADD COLUMN report_state     text
        CHECK (report_state IN ('accepted', 'delivered', 'failed', 'expired')),
    ADD COLUMN reported_at      timestamptz,
    ADD COLUMN report_told_at   timestamptz,
    ADD COLUMN report_reason    text CHECK (length(report_reason) <= 80),
    ADD COLUMN calling_code     text CHECK (calling_code ~ '^[1-9][0-9]{0,2}$'),
    ADD COLUMN doubted_provider text CHECK (length(doubted_provider) <= 40),
    ADD CHECK ((report_state IS NULL) = (reported_at IS NULL)),
    ADD CHECK (report_state IS NOT NULL OR (report_told_at IS NULL AND report_reason IS NULL));
CREATE INDEX outbox_provider_id ON otp.outbox (provider, provider_id)
    WHERE provider_id IS NOT NULL;

-- A provider may report on a message before its answer to the sending was stored. What no message
-- claims within minutes is deleted.
CREATE TABLE otp.early_report (
    provider    text        NOT NULL CHECK (length(provider) <= 40),
    provider_id text        NOT NULL CHECK (length(provider_id) <= 200),
    state       text        NOT NULL
        CHECK (state IN ('accepted', 'delivered', 'failed', 'expired')),
    told_at     timestamptz,
    reason      text        CHECK (length(reason) <= 80),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (provider, provider_id)
);
CREATE INDEX early_report_received ON otp.early_report (received_at);

-- Does a report say more than the one known? Failed and expired are final, delivered wins over all.
CREATE FUNCTION otp.report_outranks(report text, known text) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN CASE
    WHEN known IS NULL THEN true
    WHEN known = 'accepted' THEN report <> 'accepted'
    WHEN known = 'delivered' THEN false
    ELSE report = 'delivered'
END;
