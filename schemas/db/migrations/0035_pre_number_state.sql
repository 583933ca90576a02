-- Besides the SIM card, what is said of the number itself: a row of its own under another keyed hash,
-- which code that does not know these words never looks for.
ALTER TABLE acs.number_check DROP CONSTRAINT number_check_swap_check;
ALTER TABLE acs.number_check ADD CONSTRAINT number_check_swap_check CHECK (
    swap IN ('none', 'earlier', 'recent', 'good', 'ported', 'ported_earlier', 'unallocated'));
