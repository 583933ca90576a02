-- Transactions of the Access Control Server: what was asked, decided, shown, and told.

CREATE TABLE acs.issuer (
    issuer_id        text PRIMARY KEY CHECK (length(issuer_id) BETWEEN 1 AND 40),
    name             text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    phone            text NOT NULL CHECK (length(phone) BETWEEN 1 AND 40),
    default_language text NOT NULL CHECK (length(default_language) BETWEEN 2 AND 35)
);

-- Which cards are ours, and the issuer's policy for them. Bounds have 19 digits (padded 0 and 9).
CREATE TABLE acs.card_range (
    range_id  text    PRIMARY KEY CHECK (length(range_id) BETWEEN 1 AND 40),
    low       numeric(19) NOT NULL,
    high      numeric(19) NOT NULL CHECK (high >= low),
    scheme    text    NOT NULL CHECK (length(scheme) BETWEEN 1 AND 20),
    issuer_id text    NOT NULL REFERENCES acs.issuer (issuer_id),
    policy    jsonb   NOT NULL,
    version   integer NOT NULL DEFAULT 1,
    EXCLUDE USING gist (numrange(low, high, '[]') WITH &&)
);

-- One unit of "currency_from" is "rate" units of "currency_to" (ISO 4217 numeric codes).
CREATE TABLE acs.exchange_rate (
    currency_from text    NOT NULL CHECK (currency_from ~ '^[0-9]{3}$'),
    currency_to   text    NOT NULL CHECK (currency_to ~ '^[0-9]{3}$'),
    rate          numeric NOT NULL CHECK (rate > 0),
    as_of         date    NOT NULL,
    source        text    NOT NULL CHECK (length(source) <= 80),
    PRIMARY KEY (currency_from, currency_to)
);

-- Raised by every change of issuers, ranges and rates; processes reload when it moves.
CREATE TABLE acs.policy_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version  bigint NOT NULL DEFAULT 1
);
INSERT INTO acs.policy_version DEFAULT VALUES;

-- One authentication. "done" = answered without a challenge. The elements that a code is bound to
-- (amount, payee, card, identifiers) never change after the row is made: a trigger sees to it.
CREATE TABLE acs.transaction (
    acs_trans_id             uuid PRIMARY KEY,
    three_ds_server_trans_id text NOT NULL CHECK (length(three_ds_server_trans_id) = 36),
    ds_trans_id              text NOT NULL CHECK (length(ds_trans_id) = 36),
    sdk_trans_id             text CHECK (length(sdk_trans_id) = 36),
    ds_id                    text NOT NULL CHECK (length(ds_id) <= 40),
    ds_url                   text CHECK (length(ds_url) <= 2048),
    areq_digest              bytea NOT NULL CHECK (length(areq_digest) = 32),
    message_version          text NOT NULL CHECK (message_version IN ('2.1.0', '2.2.0', '2.3.1')),
    device_channel           text NOT NULL CHECK (device_channel IN ('01', '02', '03')),
    message_category         text NOT NULL CHECK (length(message_category) = 2),

    range_id                 text NOT NULL,
    range_version            integer NOT NULL,
    scheme                   text NOT NULL,
    card_id                  uuid,
    account_id               uuid,
    person_id                uuid,
    phone_id                 uuid,
    phone_mask               text CHECK (length(phone_mask) <= 40),
    last4                    text NOT NULL CHECK (last4 ~ '^[0-9]{4}$'),
    pan_sealed               bytea,

    purchase_amount          numeric(48) CHECK (purchase_amount >= 0),
    purchase_currency        text CHECK (purchase_currency ~ '^[0-9]{3}$'),
    purchase_exponent        smallint CHECK (purchase_exponent BETWEEN 0 AND 9),
    purchase_date            text CHECK (length(purchase_date) = 14),
    merchant_name            text CHECK (length(merchant_name) <= 40),
    acquirer_bin             text CHECK (length(acquirer_bin) <= 11),
    acquirer_merchant_id     text CHECK (length(acquirer_merchant_id) <= 35),
    notification_url         text CHECK (length(notification_url) <= 256),
    link_digest              bytea NOT NULL CHECK (length(link_digest) = 32),

    trans_status             text NOT NULL CHECK (trans_status IN ('Y', 'N', 'U', 'A', 'C', 'D', 'R', 'I', 'S')),
    trans_status_reason      text,
    rule                     text NOT NULL CHECK (length(rule) <= 60),
    reasons                  text[] NOT NULL,
    elements                 text CHECK (elements IN ('otp', 'pin+otp')),
    ares_sealed              bytea NOT NULL,

    state                    text NOT NULL CHECK (state IN ('done', 'wait_creq', 'challenge', 'result', 'closed')),
    language                 text NOT NULL CHECK (length(language) <= 35),
    window_size              text CHECK (window_size IN ('01', '02', '03', '04', '05')),
    session_data             text CHECK (length(session_data) <= 1024),
    step                     smallint NOT NULL DEFAULT 0,
    form_posts               smallint NOT NULL DEFAULT 0,
    interaction_counter      smallint NOT NULL DEFAULT 0 CHECK (interaction_counter BETWEEN 0 AND 99),
    attempts                 smallint NOT NULL DEFAULT 0,
    code_seq                 smallint NOT NULL DEFAULT 0,
    code_sent_at             timestamptz,
    notice                   text,
    seen_posts               bytea[] NOT NULL DEFAULT '{}',
    outcome_status           text CHECK (outcome_status IN ('Y', 'N', 'U', 'A', 'R')),
    outcome_reason           text,
    outcome_cancel           text,
    outcome_error            jsonb,
    outcome_name             text,
    cres_status              text CHECK (cres_status IN ('Y', 'N')),

    created_at               timestamptz NOT NULL,
    opened_at                timestamptz,
    last_activity_at         timestamptz,
    outcome_at               timestamptz,
    closed_at                timestamptz,

    CONSTRAINT challenge_has_elements CHECK (trans_status <> 'C' OR elements IS NOT NULL),
    CONSTRAINT only_a_challenge_waits CHECK (state = 'done' OR trans_status IN ('C', 'D')),
    CONSTRAINT outcome_ends_the_wait CHECK ((state IN ('result', 'closed')) = (outcome_status IS NOT NULL))
);

-- The same AReq again is the same transaction; identifiers compare without regard to case.
CREATE UNIQUE INDEX transaction_areq_once
    ON acs.transaction (lower(three_ds_server_trans_id), lower(ds_trans_id));

CREATE FUNCTION acs.refuse_relinking() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a code is bound to cannot change' USING ERRCODE = 'AL002';
END $$;

-- RTS art. 5(2): amount, payee and everything the code is bound to stay as they were asked.
CREATE TRIGGER transaction_link_frozen
    BEFORE UPDATE OF acs_trans_id, three_ds_server_trans_id, ds_trans_id, purchase_amount,
        purchase_currency, purchase_exponent, merchant_name, acquirer_bin, acquirer_merchant_id,
        message_category, device_channel, card_id, link_digest, notification_url, ds_url
    ON acs.transaction FOR EACH ROW EXECUTE FUNCTION acs.refuse_relinking();

-- A due timer is an event for the challenge, under the same lock as a cardholder's click.
CREATE TABLE acs.timer (
    acs_trans_id uuid NOT NULL REFERENCES acs.transaction (acs_trans_id) ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('first_creq', 'interaction', 'cap')),
    due_at       timestamptz NOT NULL,
    lease_until  timestamptz,
    attempt      smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (acs_trans_id, kind)
);
CREATE INDEX timer_due ON acs.timer (due_at);

-- The outbox of results: one RReq per transaction, the same bytes on every try.
CREATE TABLE acs.result (
    acs_trans_id uuid PRIMARY KEY REFERENCES acs.transaction (acs_trans_id) ON DELETE CASCADE,
    state        text NOT NULL CHECK (state IN ('queued', 'sending', 'delivered', 'unconfirmed', 'abandoned')),
    attempt      smallint NOT NULL DEFAULT 0,
    next_at      timestamptz,
    claimed_by   text,
    lease_until  timestamptz,
    rreq_sealed  bytea,
    answer       text,
    created_at   timestamptz NOT NULL,
    settled_at   timestamptz,
    CONSTRAINT queued_has_a_time CHECK ((state = 'queued') = (next_at IS NOT NULL)),
    CONSTRAINT sending_has_a_lease CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
    CONSTRAINT settled_has_an_end CHECK ((state IN ('delivered', 'unconfirmed', 'abandoned')) = (settled_at IS NOT NULL))
);
CREATE INDEX result_due ON acs.result (next_at) WHERE state = 'queued';
CREATE INDEX result_lease ON acs.result (lease_until) WHERE state = 'sending';

-- Every message in and out, masked by the tables of the messages; evidence, never a source.
CREATE TABLE acs.message_log (
    message_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    acs_trans_id uuid,
    at           timestamptz NOT NULL,
    direction    text NOT NULL CHECK (direction IN ('in', 'out')),
    message_type text NOT NULL CHECK (length(message_type) <= 8),
    body         jsonb NOT NULL
);
CREATE INDEX message_log_transaction ON acs.message_log (acs_trans_id);
