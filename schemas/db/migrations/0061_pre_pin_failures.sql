-- How many of a person's failures in a row were of challenges that asked for the PIN. A success by a code
-- alone does not clear them: who has the phone could try one PIN after the other and clear the count with
-- a card that asks for none. What an older version does to `failures` alone is made good by the next
-- attempt, which counts on from the lesser of the two.
ALTER TABLE enrollment.sca_state
    ADD COLUMN pin_failures integer NOT NULL DEFAULT 0 CHECK (pin_failures >= 0);
