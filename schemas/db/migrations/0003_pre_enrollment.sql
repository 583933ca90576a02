-- Whose card is protected, and how: persons, accounts, cards, phones, consents, limits, blocks.
-- Identifiers, phones and PANs stand here only as keyed hashes and sealed values; the keys do not.

CREATE TABLE enrollment.person (
    person_id     uuid        PRIMARY KEY,
    ref           text        NOT NULL UNIQUE CHECK (length(ref) BETWEEN 1 AND 64),
    kind          text        NOT NULL CHECK (kind IN ('natural', 'corporate_user')),
    status        text        NOT NULL CHECK (status IN ('known', 'registered', 'closed')),
    language      text        NOT NULL CHECK (language IN ('pl', 'en', 'de', 'uk')),
    birth_date_ct bytea,      -- sealed; read only to refuse it as a PIN
    version       integer     NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL
);

-- A person may have two numbers for a while: a non-resident who was given a PESEL.
CREATE TABLE enrollment.person_identifier (
    identifier_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id     uuid        NOT NULL REFERENCES enrollment.person (person_id),
    id_kind       text        NOT NULL CHECK (id_kind IN ('pesel', 'nonresident')),
    idx           bytea       NOT NULL CHECK (length(idx) = 32),
    key_id        text        NOT NULL CHECK (length(key_id) <= 32),
    valid_from    timestamptz NOT NULL,
    valid_to      timestamptz
);
CREATE UNIQUE INDEX person_identifier_once
    ON enrollment.person_identifier (idx, key_id) WHERE valid_to IS NULL;
CREATE UNIQUE INDEX person_identifier_kind
    ON enrollment.person_identifier (person_id, id_kind) WHERE valid_to IS NULL;

-- History is kept; at most one phone of a person is in use. "disputed": the client said it is not
-- theirs, nothing is sent to it. "pending": waits until it takes over.
CREATE TABLE enrollment.phone (
    phone_id    uuid        PRIMARY KEY,
    person_id   uuid        NOT NULL REFERENCES enrollment.person (person_id),
    state       text        NOT NULL CHECK (state IN ('pending', 'active', 'disputed', 'retired')),
    number_ct   bytea       NOT NULL,
    idx         bytea       NOT NULL CHECK (length(idx) = 32),
    key_id      text        NOT NULL CHECK (length(key_id) <= 32),
    mask        text        NOT NULL CHECK (length(mask) <= 24),
    source      text        NOT NULL CHECK (source IN ('branch', 'portal')),
    purpose     text        NOT NULL DEFAULT 'sca' CHECK (purpose = 'sca'),
    valid_from  timestamptz NOT NULL,
    valid_to    timestamptz,
    verified_at timestamptz,
    CHECK ((state = 'retired') = (valid_to IS NOT NULL))
);
CREATE UNIQUE INDEX phone_one_in_use
    ON enrollment.phone (person_id) WHERE state IN ('active', 'disputed');
CREATE INDEX phone_by_number ON enrollment.phone (idx) WHERE state IN ('active', 'disputed');

CREATE TABLE enrollment.account (
    account_id uuid        PRIMARY KEY,
    ref        text        NOT NULL UNIQUE CHECK (length(ref) BETWEEN 1 AND 64),
    currency   text        NOT NULL CHECK (currency ~ '^[0-9]{3}$'),
    status     text        NOT NULL CHECK (status IN ('active', 'closed')),
    version    integer     NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE enrollment.account_person (
    account_id uuid NOT NULL REFERENCES enrollment.account (account_id),
    person_id  uuid NOT NULL REFERENCES enrollment.person (person_id),
    role       text NOT NULL CHECK (role IN ('owner', 'co_owner', 'proxy')),
    PRIMARY KEY (account_id, person_id)
);
CREATE INDEX account_person_by_person ON enrollment.account_person (person_id);

-- The most that a card product allows, whatever the account and the card say.
CREATE TABLE enrollment.product (
    product     text    PRIMARY KEY CHECK (length(product) BETWEEN 1 AND 60),
    per_tx      bigint  CHECK (per_tx >= 0),
    per_day     bigint  CHECK (per_day >= 0),
    per_month   bigint  CHECK (per_month >= 0),
    count_day   integer CHECK (count_day >= 0),
    count_month integer CHECK (count_month >= 0)
);

-- pan_idx: keyed hash of the whole PAN (PCI DSS 3.5.1.1); pan_ct: the PAN, sealed for this row.
-- expiry is YYMM; previous_expiry is that of a card renewed under the same PAN.
CREATE TABLE enrollment.card (
    card_id         uuid        PRIMARY KEY,
    ref             text        NOT NULL UNIQUE CHECK (length(ref) BETWEEN 1 AND 64),
    account_id      uuid        NOT NULL REFERENCES enrollment.account (account_id),
    person_id       uuid        NOT NULL REFERENCES enrollment.person (person_id),
    pan_idx         bytea       NOT NULL CHECK (length(pan_idx) = 32),
    idx_key_id      text        NOT NULL CHECK (length(idx_key_id) <= 32),
    pan_ct          bytea       NOT NULL,
    last4           text        NOT NULL CHECK (last4 ~ '^[0-9]{4}$'),
    expiry          text        CHECK (expiry ~ '^[0-9]{2}(0[1-9]|1[0-2])$'),
    previous_expiry text        CHECK (previous_expiry ~ '^[0-9]{2}(0[1-9]|1[0-2])$'),
    product         text        NOT NULL CHECK (length(product) BETWEEN 1 AND 60),
    status          text        NOT NULL CHECK (status IN ('active', 'blocked_temp',
                                'blocked_stolen', 'blocked', 'expired', 'replaced', 'closed')),
    status_reason   text        CHECK (length(status_reason) <= 200),
    replaced_by     uuid        REFERENCES enrollment.card (card_id),
    version         integer     NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    UNIQUE (pan_idx, idx_key_id)
);
CREATE INDEX card_by_person ON enrollment.card (person_id);
CREATE INDEX card_by_account ON enrollment.card (account_id);

-- Whether 3-D Secure is on for a card.
CREATE TABLE enrollment.enrolment (
    card_id    uuid        PRIMARY KEY REFERENCES enrollment.card (card_id),
    state      text        NOT NULL
               CHECK (state IN ('none', 'eligible', 'active', 'suspended', 'removed')),
    reason     text        CHECK (length(reason) <= 40),
    changed_by text        NOT NULL CHECK (length(changed_by) <= 100),
    channel    text        NOT NULL CHECK (length(channel) <= 20),
    version    integer     NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL,
    CHECK (state NOT IN ('suspended', 'removed') OR reason IS NOT NULL)
);

-- Secrets of a person, apart from the person: argon2id over a keyed hash of the PIN.
CREATE TABLE enrollment.credential (
    person_id  uuid        PRIMARY KEY REFERENCES enrollment.person (person_id),
    pin_hash   text        NOT NULL CHECK (pin_hash LIKE '$argon2id$%'),
    pin_key_id text        NOT NULL CHECK (length(pin_key_id) <= 32),
    pin_set_at timestamptz NOT NULL,
    -- How often the PIN was set on which calendar day (Europe/Warsaw).
    pin_sets   integer     NOT NULL DEFAULT 1 CHECK (pin_sets >= 1),
    pin_day    date        NOT NULL,
    version    integer     NOT NULL DEFAULT 1
);

-- The exact words a client agrees to. Of a replaced version, good_until is the last day on which
-- a consent given to it still counts; NULL = no end.
CREATE TABLE enrollment.consent_text (
    code       text        NOT NULL CHECK (code IN ('sms_3ds', 'terms')),
    version    integer     NOT NULL CHECK (version >= 1),
    language   text        NOT NULL CHECK (language IN ('pl', 'en', 'de', 'uk')),
    body       text        NOT NULL CHECK (length(body) BETWEEN 1 AND 20000),
    sha256     bytea       NOT NULL CHECK (sha256 = sha256(convert_to(body, 'UTF8'))),
    valid_from timestamptz NOT NULL,
    valid_to   timestamptz,
    good_until date,
    PRIMARY KEY (code, version, language)
);

-- What a client declared, in the order of declaring; the newest row of a code counts.
CREATE TABLE enrollment.consent (
    consent_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id   uuid        NOT NULL REFERENCES enrollment.person (person_id),
    code        text        NOT NULL,
    version     integer     NOT NULL,
    language    text        NOT NULL,
    text_sha256 bytea       NOT NULL CHECK (length(text_sha256) = 32),
    act         text        NOT NULL CHECK (act IN ('given', 'refused', 'withdrawn')),
    at          timestamptz NOT NULL,
    channel     text        NOT NULL CHECK (channel IN ('portal', 'branch')),
    origin      text        NOT NULL DEFAULT '' CHECK (length(origin) <= 60),
    session     text        CHECK (length(session) <= 64),
    staff       text        CHECK (length(staff) <= 64),
    FOREIGN KEY (code, version, language)
        REFERENCES enrollment.consent_text (code, version, language)
);
CREATE INDEX consent_newest ON enrollment.consent (person_id, code, consent_id DESC);

CREATE FUNCTION enrollment.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER consent_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON enrollment.consent
    FOR EACH STATEMENT EXECUTE FUNCTION enrollment.refuse_change();

-- Limits of one level: the account's, the card's set by the branch, the card's set by the client.
-- NULL = not set here; 0 = internet payments are off.
CREATE TABLE enrollment.spending_limit (
    owner_id    uuid        NOT NULL,
    level       text        NOT NULL CHECK (level IN ('account', 'card_branch', 'card_client')),
    per_tx      bigint      CHECK (per_tx >= 0),
    per_day     bigint      CHECK (per_day >= 0),
    per_month   bigint      CHECK (per_month >= 0),
    count_day   integer     CHECK (count_day >= 0),
    count_month integer     CHECK (count_month >= 0),
    set_by      text        NOT NULL CHECK (length(set_by) <= 100),
    set_at      timestamptz NOT NULL,
    version     integer     NOT NULL DEFAULT 1,
    PRIMARY KEY (owner_id, level)
);

-- Failed authentications in a row and the block in force: one row a person, so that one guarded
-- UPDATE both counts and refuses. The history of blocks stands beside it.
CREATE TABLE enrollment.sca_state (
    person_id   uuid        PRIMARY KEY REFERENCES enrollment.person (person_id),
    failures    integer     NOT NULL CHECK (failures BETWEEN 0 AND 5),   -- RTS art. 4(3)(b)
    block_kind  text        CHECK (block_kind IN ('sca_temp', 'sca_perm', 'manual')),
    block_until timestamptz,
    updated_at  timestamptz NOT NULL,
    CHECK (block_kind IS NOT NULL OR block_until IS NULL),
    CHECK (block_kind <> 'sca_temp' OR block_until IS NOT NULL),
    CHECK (block_kind <> 'sca_perm' OR block_until IS NULL)
);

CREATE TABLE enrollment.block (
    block_id   uuid        PRIMARY KEY,
    person_id  uuid        NOT NULL REFERENCES enrollment.person (person_id),
    card_id    uuid        REFERENCES enrollment.card (card_id),
    kind       text        NOT NULL CHECK (kind IN ('sca_temp', 'sca_perm', 'manual', 'portal')),
    reason     text        NOT NULL CHECK (length(reason) <= 200),
    from_at    timestamptz NOT NULL,
    until_at   timestamptz,
    set_by     text        NOT NULL CHECK (length(set_by) <= 100),
    ended_at   timestamptz,
    ended_by   text        CHECK (length(ended_by) <= 100),
    end_reason text        CHECK (length(end_reason) <= 200),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);
CREATE INDEX block_by_person ON enrollment.block (person_id, from_at);

-- What was spent or is held, by calendar day and month of Europe/Warsaw.
CREATE TABLE enrollment.usage (
    owner_id  uuid    NOT NULL,
    period    text    NOT NULL CHECK (period IN ('day', 'month')),
    starts_on date    NOT NULL,
    amount    bigint  NOT NULL CHECK (amount >= 0),
    count     integer NOT NULL CHECK (count >= 0),
    PRIMARY KEY (owner_id, period, starts_on)
);

-- One authentication's share in four counters. held -> counted | released; counted -> lapsed.
CREATE TABLE enrollment.reservation (
    acs_trans_id uuid        PRIMARY KEY,
    card_id      uuid        NOT NULL,
    account_id   uuid        NOT NULL,
    amount       bigint      NOT NULL CHECK (amount >= 0),
    day          date        NOT NULL,
    month        date        NOT NULL CHECK (extract(day FROM month) = 1),
    state        text        NOT NULL CHECK (state IN ('held', 'counted', 'released', 'lapsed')),
    made_at      timestamptz NOT NULL,
    counted_at   timestamptz,
    ended_at     timestamptz,
    CHECK (state NOT IN ('counted', 'lapsed') OR counted_at IS NOT NULL),
    CHECK ((state IN ('released', 'lapsed')) = (ended_at IS NOT NULL))
);
CREATE INDEX reservation_counted ON enrollment.reservation (counted_at) WHERE state = 'counted';

-- The answer given to a request with an Idempotency-Key, kept for a day.
CREATE TABLE enrollment.idempotency (
    caller      text        NOT NULL CHECK (length(caller) <= 200),
    key         text        NOT NULL CHECK (length(key) <= 64),
    fingerprint bytea       NOT NULL CHECK (length(fingerprint) = 32),
    status      integer,
    body        text,
    etag        text,
    made_at     timestamptz NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_age ON enrollment.idempotency (made_at);

-- Token ids that were used once already.
CREATE TABLE enrollment.jti_seen (
    iss text        NOT NULL CHECK (length(iss) <= 100),
    jti text        NOT NULL CHECK (length(jti) <= 100),
    exp timestamptz NOT NULL,
    PRIMARY KEY (iss, jti)
);
CREATE INDEX jti_seen_exp ON enrollment.jti_seen (exp);

-- A code by SMS that confirms one action of a client in the portal (RTS art. 97(1)(c) of PSD2).
CREATE TABLE enrollment.step_up (
    step_up_id uuid        PRIMARY KEY,
    person_id  uuid        NOT NULL REFERENCES enrollment.person (person_id),
    phone_id   uuid        NOT NULL REFERENCES enrollment.phone (phone_id),
    action     text        NOT NULL CHECK (length(action) <= 40),
    asked_at   timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX step_up_by_person ON enrollment.step_up (person_id, asked_at);

-- Everything of a card but its use, one row a card. Every LIMIT keeps a look-up what it is, a look-up
-- by key for one card: as plain joins, planned while a table was empty, they became scans of it.
CREATE VIEW enrollment.card_standing AS
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
       la.per_tx AS account_per_tx,
       la.per_day AS account_per_day,
       la.per_month AS account_per_month,
       la.count_day AS account_count_day,
       la.count_month AS account_count_month,
       least(lp.per_tx, lb.per_tx, lc.per_tx) AS card_per_tx,
       least(lp.per_day, lb.per_day, lc.per_day) AS card_per_day,
       least(lp.per_month, lb.per_month, lc.per_month) AS card_per_month,
       least(lp.count_day, lb.count_day, lc.count_day) AS card_count_day,
       least(lp.count_month, lb.count_month, lc.count_month) AS card_count_month
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

-- The standing of each card found under these keyed hashes, with its use of that day and month.
-- Planning so many look-ups costs ten times the reading, so it is done once a connection; and the
-- plan may not depend on how full a table was at that time.
CREATE FUNCTION enrollment.standing(p_pan_idx bytea[], p_day date, p_month date)
RETURNS TABLE (
    pan_idx bytea, card_id uuid, account_id uuid, person_id uuid, last4 text, expiry text,
    previous_expiry text, card_status text, enrolment text, enrolment_reason text,
    consent_valid boolean, phone_id uuid, phone_mask text, phone_usable boolean, pin_set boolean,
    block_kind text, block_until timestamptz, failures integer, language text, currency text,
    account_per_tx bigint, account_per_day bigint, account_per_month bigint,
    account_count_day integer, account_count_month integer,
    card_per_tx bigint, card_per_day bigint, card_per_month bigint,
    card_count_day integer, card_count_month integer,
    account_used_day bigint, account_uses_day integer,
    account_used_month bigint, account_uses_month integer,
    card_used_day bigint, card_uses_day integer,
    card_used_month bigint, card_uses_month integer)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.pan_idx, s.card_id, s.account_id, s.person_id, s.last4, s.expiry,
           s.previous_expiry, s.card_status, s.enrolment, s.enrolment_reason,
           coalesce(s.consent_act = 'given'
                    AND (s.consent_good_until IS NULL OR p_day <= s.consent_good_until), false),
           s.phone_id, s.phone_mask, s.phone_usable, s.pin_set,
           s.block_kind, s.block_until, s.failures, s.language, s.currency,
           s.account_per_tx, s.account_per_day, s.account_per_month,
           s.account_count_day, s.account_count_month,
           s.card_per_tx, s.card_per_day, s.card_per_month,
           s.card_count_day, s.card_count_month,
           coalesce(ad.amount, 0), coalesce(ad.count, 0),
           coalesce(am.amount, 0), coalesce(am.count, 0),
           coalesce(cd.amount, 0), coalesce(cd.count, 0),
           coalesce(cm.amount, 0), coalesce(cm.count, 0)
      FROM enrollment.card_standing s
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.account_id AND x.period = 'day' AND x.starts_on = p_day
            LIMIT 1) ad ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.account_id AND x.period = 'month' AND x.starts_on = p_month
            LIMIT 1) am ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.card_id AND x.period = 'day' AND x.starts_on = p_day
            LIMIT 1) cd ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.card_id AND x.period = 'month' AND x.starts_on = p_month
            LIMIT 1) cm ON true
     WHERE s.pan_idx = ANY (p_pan_idx);
END $$;

-- Takes one payment's share out of the day and month counters of account and card, or raises
-- SQLSTATE AL001 when any of them would pass its limit (NULL = no limit); the detail names them.
-- Race: the account's month comes first and is the gate of everything else of the account, so
-- that reservations of one account wait in line instead of locking each other out. Whoever
-- reserves for several accounts in one transaction does so in the order of (account, month).
CREATE FUNCTION enrollment.reserve(
    p_acs_trans_id uuid, p_card uuid, p_account uuid, p_amount bigint, p_day date, p_month date,
    p_counted boolean,
    p_account_day bigint, p_account_month bigint,
    p_account_count_day integer, p_account_count_month integer,
    p_card_day bigint, p_card_month bigint,
    p_card_count_day integer, p_card_count_month integer,
    p_now timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    passed text;
BEGIN
    INSERT INTO enrollment.reservation
        (acs_trans_id, card_id, account_id, amount, day, month, state, made_at, counted_at)
    VALUES (p_acs_trans_id, p_card, p_account, p_amount, p_day, p_month,
            CASE WHEN p_counted THEN 'counted' ELSE 'held' END, p_now,
            CASE WHEN p_counted THEN p_now END);
    WITH taken AS (
        INSERT INTO enrollment.usage AS u (owner_id, period, starts_on, amount, count)
        VALUES (p_account, 'month', p_month, p_amount, 1),
               (p_account, 'day', p_day, p_amount, 1),
               (p_card, 'month', p_month, p_amount, 1),
               (p_card, 'day', p_day, p_amount, 1)
        ON CONFLICT (owner_id, period, starts_on) DO UPDATE
           SET amount = u.amount + excluded.amount, count = u.count + excluded.count
        RETURNING u.owner_id, u.period, u.amount, u.count),
    bound (name, owner_id, period, amount_max, count_max) AS (
        VALUES ('account.month', p_account, 'month', p_account_month, p_account_count_month),
               ('account.day', p_account, 'day', p_account_day, p_account_count_day),
               ('card.month', p_card, 'month', p_card_month, p_card_count_month),
               ('card.day', p_card, 'day', p_card_day, p_card_count_day))
    SELECT string_agg(b.name, ',' ORDER BY b.name)
      INTO passed
      FROM taken t
      JOIN bound b ON b.owner_id = t.owner_id AND b.period = t.period
     WHERE t.amount > b.amount_max OR t.count > b.count_max;
    IF passed IS NOT NULL THEN
        RAISE EXCEPTION 'a limit would be passed' USING ERRCODE = 'AL001', DETAIL = passed;
    END IF;
END $$;

-- Gives a reservation's share back, once: only when it was in the state it is said to leave.
CREATE FUNCTION enrollment.give_back(
    p_acs_trans_id uuid, p_was text, p_becomes text, p_now timestamptz)
RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    r enrollment.reservation;
BEGIN
    UPDATE enrollment.reservation
       SET state = p_becomes, ended_at = p_now
     WHERE acs_trans_id = p_acs_trans_id AND state = p_was
    RETURNING * INTO r;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Race: the same order as in enrollment.reserve.
    UPDATE enrollment.usage SET amount = amount - r.amount, count = count - 1
     WHERE owner_id = r.account_id AND period = 'month' AND starts_on = r.month;
    UPDATE enrollment.usage SET amount = amount - r.amount, count = count - 1
     WHERE owner_id = r.account_id AND period = 'day' AND starts_on = r.day;
    UPDATE enrollment.usage SET amount = amount - r.amount, count = count - 1
     WHERE owner_id = r.card_id AND period = 'month' AND starts_on = r.month;
    UPDATE enrollment.usage SET amount = amount - r.amount, count = count - 1
     WHERE owner_id = r.card_id AND period = 'day' AND starts_on = r.day;
    RETURN true;
END $$;

INSERT INTO enrollment.consent_text (code, version, language, body, sha256, valid_from)
SELECT code, 1, language, body, sha256(convert_to(body, 'UTF8')), '2026-01-01T00:00:00Z'
  FROM (VALUES
    ('sms_3ds', 'pl', 'Chcę potwierdzać płatności w internecie kodami SMS wysyłanymi na numer zapisany w banku.'),
    ('sms_3ds', 'en', 'I want to confirm online payments with codes sent to the phone number held by the bank.'),
    ('terms', 'pl', 'Znam i akceptuję regulamin.'),
    ('terms', 'en', 'I have read and accept the terms.')) AS texts (code, language, body);
