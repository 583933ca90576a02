-- What a client wished of the bank's card host, from before the host is asked until what it said is
-- carried out. A wish that is due was left by a process that died: a worker asks again under its id.
-- No reference to the card or person: a wish lasts for minutes and never keeps one from being erased.
CREATE TABLE enrollment.host_wish (
    wish_id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    card_id uuid NOT NULL,
    card_ref text NOT NULL CHECK (length(card_ref) BETWEEN 1 AND 64),
    wish text NOT NULL CHECK (wish IN ('temporary', 'permanent')),
    asked_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL
);

CREATE INDEX host_wish_due ON enrollment.host_wish (due_at);
