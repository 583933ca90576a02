-- One-time passwords: the code of a challenge, the history that the limits count, the messages on
-- their way to the phone, and the budget of all messages.

-- One row per challenge, so that there is never more than one live code for it. A resend raises
-- seq and replaces the mac; attempts stay. The mac is an HMAC under a key kept outside the
-- database and leaves the row as soon as the code can no longer be accepted.
CREATE TABLE otp.code (
    challenge_id uuid        PRIMARY KEY,
    purpose      text        NOT NULL CHECK (purpose IN ('payment', 'step_up')),
    link_digest  bytea       NOT NULL CHECK (length(link_digest) = 32),
    seq          smallint    NOT NULL CHECK (seq BETWEEN 1 AND 5),
    phase        text        NOT NULL CHECK (phase IN ('live', 'used', 'exhausted', 'forgotten')),
    key_id       text        CHECK (length(key_id) <= 32),
    mac          bytea       CHECK (length(mac) = 32),
    attempts     smallint    NOT NULL CHECK (attempts BETWEEN 0 AND 5),
    card_ref     uuid,
    created_at   timestamptz NOT NULL,
    last_sent_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL CHECK (expires_at > last_sent_at),
    consumed_at  timestamptz,
    CHECK ((phase = 'live') = (mac IS NOT NULL)),
    CHECK ((mac IS NULL) = (key_id IS NULL)),
    CHECK ((phase = 'used') = (consumed_at IS NOT NULL)),
    CHECK (expires_at <= last_sent_at + interval '600 seconds')
);
-- The challenges of a card that had no success: what stops guessing over many transactions.
CREATE INDEX code_card_unsuccessful ON otp.code (card_ref, created_at)
    WHERE consumed_at IS NULL AND purpose = 'payment' AND card_ref IS NOT NULL;

-- Every message that was queued, for the limits per phone and per card. The phone is a keyed hash.
CREATE TABLE otp.sending (
    challenge_id uuid        NOT NULL,
    seq          smallint    NOT NULL CHECK (seq BETWEEN 1 AND 5),
    purpose      text        NOT NULL CHECK (purpose IN ('payment', 'step_up')),
    phone_key_id text        NOT NULL CHECK (length(phone_key_id) <= 32),
    phone_mac    bytea       NOT NULL CHECK (length(phone_mac) = 32),
    phone_mask   text        NOT NULL CHECK (length(phone_mask) <= 24),
    card_ref     uuid,
    merchant_ref text        CHECK (length(merchant_ref) <= 60),
    sent_at      timestamptz NOT NULL,
    PRIMARY KEY (challenge_id, seq)
);
CREATE INDEX sending_phone ON otp.sending (phone_mac, sent_at);
CREATE INDEX sending_card ON otp.sending (card_ref, sent_at) WHERE card_ref IS NOT NULL;
CREATE INDEX sending_sent_at ON otp.sending (sent_at);

-- The messages. Number and text are sealed for this row and erased when the row is settled.
-- queued -> sending -> sent | failed | unknown; a message that may no longer leave -> expired.
CREATE TABLE otp.outbox (
    sms_id        uuid        PRIMARY KEY,
    challenge_id  uuid        NOT NULL,
    seq           smallint    NOT NULL CHECK (seq BETWEEN 1 AND 5),
    number_sealed bytea,
    text_sealed   bytea,
    state         text        NOT NULL
        CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'unknown', 'expired')),
    attempts      smallint    NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    queued_at     timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    claimed_by    text        CHECK (length(claimed_by) <= 100),
    claimed_at    timestamptz,
    provider      text        CHECK (length(provider) <= 40),
    provider_id   text        CHECK (length(provider_id) <= 200),
    reason        text        CHECK (length(reason) <= 80),
    settled_at    timestamptz,
    UNIQUE (challenge_id, seq),
    CHECK ((number_sealed IS NULL) = (text_sealed IS NULL)),
    CHECK ((claimed_by IS NULL) = (claimed_at IS NULL)),
    CHECK ((state IN ('queued', 'sending')) = (text_sealed IS NOT NULL)),
    CHECK ((state IN ('queued', 'sending')) = (settled_at IS NULL)),
    CHECK ((state = 'sending') = (claimed_by IS NOT NULL)),
    CHECK (state <> 'queued' OR provider IS NULL),
    CHECK (state NOT IN ('sent', 'unknown') OR provider IS NOT NULL),
    CHECK (state = 'sent' OR provider_id IS NULL),
    CHECK (state = 'queued' OR state = 'expired' OR attempts > 0)
);
CREATE INDEX outbox_due ON otp.outbox (due_at) WHERE state = 'queued';
CREATE INDEX outbox_sending ON otp.outbox (claimed_at) WHERE state = 'sending';
CREATE INDEX outbox_settled ON otp.outbox (settled_at) WHERE settled_at IS NOT NULL;

-- The budget of all messages, cut into lanes so that parallel challenges do not wait for one row.
-- A lane counts its share of the running UTC minute, hour and day.
CREATE TABLE otp.budget (
    lane        smallint    PRIMARY KEY CHECK (lane BETWEEN 0 AND 15),
    minute_at   timestamptz NOT NULL DEFAULT '-infinity',
    minute_used integer     NOT NULL DEFAULT 0 CHECK (minute_used >= 0),
    hour_at     timestamptz NOT NULL DEFAULT '-infinity',
    hour_used   integer     NOT NULL DEFAULT 0 CHECK (hour_used >= 0),
    day_at      timestamptz NOT NULL DEFAULT '-infinity',
    day_used    integer     NOT NULL DEFAULT 0 CHECK (day_used >= 0)
);
INSERT INTO otp.budget (lane) SELECT generate_series(0, 15);

-- Does this lane have room for one more message in the running minute, hour and day? The budgets
-- are those of the whole installation; the shares of the 16 lanes add up to them.
CREATE FUNCTION otp.has_room(
    lane otp.budget, minute timestamptz, hour timestamptz, day timestamptz,
    total_minute integer, total_hour integer, total_day integer
) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN CASE WHEN lane.minute_at < minute THEN 0 ELSE lane.minute_used END
       < total_minute / 16 + (lane.lane < total_minute % 16)::integer
   AND CASE WHEN lane.hour_at < hour THEN 0 ELSE lane.hour_used END
       < total_hour / 16 + (lane.lane < total_hour % 16)::integer
   AND CASE WHEN lane.day_at < day THEN 0 ELSE lane.day_used END
       < total_day / 16 + (lane.lane < total_day % 16)::integer;
