-- Who watches the messages: artificial traffic shows in codes that nobody enters.

-- The first digits of the number a message went to: enough to tell a block of numbers, not a phone.
ALTER TABLE otp.sending ADD COLUMN prefix text CHECK (prefix ~ '^[1-9][0-9]{0,7}$');
CREATE INDEX sending_merchant ON otp.sending (merchant_ref, sent_at) WHERE merchant_ref IS NOT NULL;

-- Blocks of numbers that get no message for a while, and what was seen there.
CREATE TABLE otp.suspension (
    prefix text        PRIMARY KEY CHECK (prefix ~ '^[1-9][0-9]{0,7}$'),
    since  timestamptz NOT NULL,
    until  timestamptz NOT NULL CHECK (until > since),
    sends  integer     NOT NULL CHECK (sends > 0),
    used   integer     NOT NULL CHECK (used >= 0)
);

-- When somebody looked last: one process at a time does, and not more often than need be.
CREATE TABLE otp.watch (
    only_row  boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    looked_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO otp.watch DEFAULT VALUES;
