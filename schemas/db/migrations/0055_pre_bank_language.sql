-- Which language the bank said last of a person who has chosen another one in the portal since: the same
-- word again, night after night, does not take the choice back. NULL: the language is the bank's.
ALTER TABLE enrollment.person
    ADD COLUMN bank_language text CHECK (bank_language IN ('pl', 'en', 'de', 'uk'));
