-- Where the payments come from that messages are sent for: artificial traffic and card testing show
-- there, too. A network is the /24 or /48 of the browser; it goes with the history of messages.
ALTER TABLE otp.sending ADD COLUMN acquirer_ref text CHECK (length(acquirer_ref) <= 20),
                        ADD COLUMN network text CHECK (length(network) <= 43);

-- Merchants, acquirers and networks whose payments get no message for a while, and what was seen.
CREATE TABLE otp.busy_source (
    kind   text        NOT NULL CHECK (kind IN ('merchant', 'acquirer', 'network')),
    source text        NOT NULL CHECK (length(source) BETWEEN 1 AND 60),
    since  timestamptz NOT NULL,
    until  timestamptz NOT NULL CHECK (until > since),
    sends  integer     NOT NULL CHECK (sends > 0),
    used   integer     NOT NULL CHECK (used >= 0),
    PRIMARY KEY (kind, source)
);
