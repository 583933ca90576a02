-- What a card's enrolment was when the card ended: the host may tell only later which card follows, and
-- that one goes on with it. NULL: not ended, or ended before this was kept.
ALTER TABLE enrollment.enrolment
    ADD COLUMN was_state text
        CHECK (was_state IN ('none', 'eligible', 'active', 'suspended')),
    ADD COLUMN was_reason text CHECK (length(was_reason) <= 40);
