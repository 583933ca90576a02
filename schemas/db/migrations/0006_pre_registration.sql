-- A client's own way to a protected card: activation codes, registrations, passwords, logins,
-- sessions, a new phone, trusted merchants; and messages that carry no code.

-- A notice belongs to no code: it may leave whatever became of any.
ALTER TABLE otp.outbox
    ADD COLUMN kind text NOT NULL DEFAULT 'code' CHECK (kind IN ('code', 'notice'));

-- Handed over by the branch, shown once: a keyed hash. A new one makes the one before it void.
CREATE TABLE enrollment.activation (
    activation_id uuid        PRIMARY KEY,
    person_id     uuid        NOT NULL REFERENCES enrollment.person (person_id),
    code_hash     bytea       NOT NULL CHECK (length(code_hash) = 32),
    key_id        text        NOT NULL CHECK (length(key_id) <= 32),
    issued_by     text        NOT NULL CHECK (length(issued_by) <= 100),
    issued_at     timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL CHECK (expires_at > issued_at),
    attempts      integer     NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 10),
    used_at       timestamptz,
    void_at       timestamptz,
    CHECK (used_at IS NULL OR void_at IS NULL)
);
CREATE UNIQUE INDEX activation_one_open
    ON enrollment.activation (person_id) WHERE used_at IS NULL AND void_at IS NULL;
CREATE INDEX activation_by_person ON enrollment.activation (person_id, issued_at);

-- A registration of anybody: of a stranger's number person_id is NULL and everything else is as of
-- a client's. "sends" says what a message would be: the password, a notice to who has access
-- already, or nothing.
CREATE TABLE enrollment.registration (
    registration_id uuid        PRIMARY KEY,
    idx             bytea       NOT NULL CHECK (length(idx) = 32),
    person_id       uuid        REFERENCES enrollment.person (person_id),
    activation_id   uuid        REFERENCES enrollment.activation (activation_id),
    state           text        NOT NULL CHECK (state IN ('started', 'consented', 'sms_sent',
                                'sms_ok', 'done', 'expired', 'failed', 'cancelled')),
    sends           text        NOT NULL CHECK (sends IN ('password', 'notice', 'nothing')),
    phone_mask      text        NOT NULL CHECK (length(phone_mask) <= 24),
    consents        jsonb       NOT NULL DEFAULT '[]',
    sms_hash        bytea       CHECK (length(sms_hash) = 32),
    sms_key_id      text        CHECK (length(sms_key_id) <= 32),
    sms_expires_at  timestamptz,
    sent            integer     NOT NULL DEFAULT 0 CHECK (sent >= 0),
    attempts        integer     NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 10),
    token_hash      bytea       CHECK (length(token_hash) = 32),
    verified_at     timestamptz,
    started_at      timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL CHECK (expires_at > started_at),
    CHECK ((sms_hash IS NULL) = (sms_key_id IS NULL)),
    CHECK ((sms_hash IS NULL) = (sms_expires_at IS NULL)),
    CHECK (state <> 'sms_ok' OR (token_hash IS NOT NULL AND verified_at IS NOT NULL)),
    CHECK (sends <> 'password' OR person_id IS NOT NULL)
);
CREATE UNIQUE INDEX registration_one_open ON enrollment.registration (idx)
    WHERE state IN ('started', 'consented', 'sms_sent', 'sms_ok');
CREATE INDEX registration_age ON enrollment.registration (expires_at);

-- argon2id over a keyed hash of the password. failed and locked_until stand in the counters, which
-- are the same for strangers.
CREATE TABLE enrollment.password (
    person_id uuid        PRIMARY KEY REFERENCES enrollment.person (person_id),
    hash      text        NOT NULL CHECK (hash LIKE '$argon2id$%'),
    key_id    text        NOT NULL CHECK (length(key_id) <= 32),
    set_at    timestamptz NOT NULL,
    version   integer     NOT NULL DEFAULT 1
);

-- What waits for a code by SMS before a client is let in or may set a new password. "is_open" is
-- false for strangers and for everything that was wrong in the first step.
CREATE TABLE enrollment.entry (
    entry_id   uuid        PRIMARY KEY,
    kind       text        NOT NULL CHECK (kind IN ('login', 'reset')),
    who        bytea       NOT NULL CHECK (length(who) = 32),
    person_id  uuid        REFERENCES enrollment.person (person_id),
    is_open    boolean     NOT NULL,
    attempts   integer     NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 10),
    token_hash bytea       CHECK (length(token_hash) = 32),
    proved_at  timestamptz,
    used_at    timestamptz,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > started_at),
    CHECK (NOT is_open OR person_id IS NOT NULL)
);
CREATE INDEX entry_age ON enrollment.entry (expires_at);

CREATE TABLE enrollment.portal_session (
    session_id uuid        PRIMARY KEY,
    token_hash bytea       NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    person_id  uuid        NOT NULL REFERENCES enrollment.person (person_id),
    ua_hash    bytea       NOT NULL CHECK (length(ua_hash) = 32),
    origin     text        NOT NULL DEFAULT '' CHECK (length(origin) <= 60),
    opened_at  timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    ended_at   timestamptz,
    end_reason text        CHECK (length(end_reason) <= 40),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX portal_session_open ON enrollment.portal_session (person_id) WHERE ended_at IS NULL;
CREATE INDEX portal_session_age ON enrollment.portal_session (opened_at);

-- How often somebody did something in a span of time. The key is a keyed hash of who: a number
-- that is nobody's is counted like a client's.
CREATE TABLE enrollment.counter (
    kind    text        NOT NULL CHECK (length(kind) <= 40),
    key     bytea       NOT NULL CHECK (length(key) = 32),
    count   integer     NOT NULL CHECK (count >= 1),
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX counter_age ON enrollment.counter (ends_at);

-- A new phone from the portal. "confirmed": both phones confirmed it, it waits for active_at.
CREATE TABLE enrollment.phone_change (
    change_id    uuid        PRIMARY KEY,
    person_id    uuid        NOT NULL REFERENCES enrollment.person (person_id),
    phone_id     uuid        NOT NULL REFERENCES enrollment.phone (phone_id),
    state        text        NOT NULL CHECK (state IN ('asked', 'confirmed', 'active', 'dropped')),
    asked_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    confirmed_at timestamptz,
    active_at    timestamptz,
    CHECK ((confirmed_at IS NULL) = (active_at IS NULL)),
    CHECK (state NOT IN ('confirmed', 'active') OR confirmed_at IS NOT NULL)
);
CREATE UNIQUE INDEX phone_change_one ON enrollment.phone_change (person_id)
    WHERE state IN ('asked', 'confirmed');
CREATE INDEX phone_change_due ON enrollment.phone_change (active_at) WHERE state = 'confirmed';
CREATE INDEX phone_change_by_person ON enrollment.phone_change (person_id, confirmed_at);

CREATE TABLE enrollment.trusted_merchant (
    merchant_id          uuid        PRIMARY KEY,
    person_id            uuid        NOT NULL REFERENCES enrollment.person (person_id),
    acquirer_bin         text        NOT NULL CHECK (length(acquirer_bin) <= 11),
    acquirer_merchant_id text        NOT NULL CHECK (length(acquirer_merchant_id) <= 35),
    name                 text        NOT NULL CHECK (length(name) <= 40),
    added_by             uuid        NOT NULL,   -- the authentication that added it
    added_at             timestamptz NOT NULL,
    removed_at           timestamptz
);
CREATE UNIQUE INDEX trusted_merchant_once
    ON enrollment.trusted_merchant (person_id, acquirer_bin, acquirer_merchant_id)
    WHERE removed_at IS NULL;

-- Small payments without a code, if the client wants that.
ALTER TABLE enrollment.person ADD COLUMN low_value boolean NOT NULL DEFAULT false;

-- What happened to a person or a card, newest first: a client reads the own events.
CREATE INDEX event_by_object ON audit.event (object, at);

-- While a new phone waits to take over, limits are halved: the same columns as before.
CREATE OR REPLACE VIEW enrollment.card_standing AS
SELECT c.pan_idx,
       c.card_id,
       c.account_id,
       c.person_id,
       c.last4,
       c.expiry,
       c.previous_expiry,
       c.status AS card_status,
       e.state AS enrolment,
       e.reason AS enrolment_reason,
       p.status AS person_status,
       a.status AS account_status,
       n.act AS consent_act,
       t.good_until AS consent_good_until,
       f.phone_id,
       f.mask AS phone_mask,
       f.state = 'active' AS phone_usable,
       r.person_id IS NOT NULL AS pin_set,
       s.block_kind,
       s.block_until,
       coalesce(s.failures, 0) AS failures,
       p.language,
       a.currency,
       (la.per_tx + k.share - 1) / k.share AS account_per_tx,
       (la.per_day + k.share - 1) / k.share AS account_per_day,
       (la.per_month + k.share - 1) / k.share AS account_per_month,
       (la.count_day + k.share - 1) / k.share AS account_count_day,
       (la.count_month + k.share - 1) / k.share AS account_count_month,
       (least(lp.per_tx, lb.per_tx, lc.per_tx) + k.share - 1) / k.share AS card_per_tx,
       (least(lp.per_day, lb.per_day, lc.per_day) + k.share - 1) / k.share AS card_per_day,
       (least(lp.per_month, lb.per_month, lc.per_month) + k.share - 1) / k.share AS card_per_month,
       (least(lp.count_day, lb.count_day, lc.count_day) + k.share - 1) / k.share AS card_count_day,
       (least(lp.count_month, lb.count_month, lc.count_month) + k.share - 1) / k.share AS card_count_month
  FROM enrollment.card c
 CROSS JOIN LATERAL (
       SELECT x.status, x.currency
         FROM enrollment.account x WHERE x.account_id = c.account_id LIMIT 1) a
 CROSS JOIN LATERAL (
       SELECT x.status, x.language
         FROM enrollment.person x WHERE x.person_id = c.person_id LIMIT 1) p
 CROSS JOIN LATERAL (
       SELECT x.state, x.reason
         FROM enrollment.enrolment x WHERE x.card_id = c.card_id LIMIT 1) e
 CROSS JOIN LATERAL (
       SELECT CASE WHEN EXISTS (
              SELECT FROM enrollment.phone_change x
               WHERE x.person_id = c.person_id AND x.state = 'confirmed') THEN 2 ELSE 1 END
              AS share) k
  LEFT JOIN LATERAL (
       SELECT x.phone_id, x.mask, x.state
         FROM enrollment.phone x
        WHERE x.person_id = c.person_id AND x.state IN ('active', 'disputed') LIMIT 1) f ON true
  LEFT JOIN LATERAL (
       SELECT x.person_id
         FROM enrollment.credential x WHERE x.person_id = c.person_id LIMIT 1) r ON true
  LEFT JOIN LATERAL (
       SELECT x.failures, x.block_kind, x.block_until
         FROM enrollment.sca_state x WHERE x.person_id = c.person_id LIMIT 1) s ON true
  LEFT JOIN LATERAL (
       SELECT x.act, x.code, x.version, x.language
         FROM enrollment.consent x
        WHERE x.person_id = c.person_id AND x.code = 'sms_3ds'
        ORDER BY x.consent_id DESC LIMIT 1) n ON true
  LEFT JOIN LATERAL (
       SELECT x.good_until
         FROM enrollment.consent_text x
        WHERE x.code = n.code AND x.version = n.version AND x.language = n.language
        LIMIT 1) t ON true
  LEFT JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.spending_limit x
        WHERE x.owner_id = c.account_id AND x.level = 'account' LIMIT 1) la ON true
  LEFT JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.spending_limit x
        WHERE x.owner_id = c.card_id AND x.level = 'card_branch' LIMIT 1) lb ON true
  LEFT JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.spending_limit x
        WHERE x.owner_id = c.card_id AND x.level = 'card_client' LIMIT 1) lc ON true
  LEFT JOIN LATERAL (
       SELECT x.per_tx, x.per_day, x.per_month, x.count_day, x.count_month
         FROM enrollment.product x WHERE x.product = c.product LIMIT 1) lp ON true;
