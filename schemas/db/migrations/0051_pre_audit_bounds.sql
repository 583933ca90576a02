-- What the rows of the audit log are numbered below, said so that the next files need not look at them:
-- the log becomes a table of months (0053), and these rows its first. The lock is held for as long as the
-- catalog takes; nothing is read.

-- Nobody carries the chain on meanwhile, who would hold the links and wait for the events.
SELECT pg_advisory_xact_lock(7012340001);
ALTER TABLE audit.event
    ADD CONSTRAINT event_of_before CHECK (event_id < 197002000000000000) NOT VALID;
ALTER TABLE audit.seal
    ADD CONSTRAINT seal_of_before CHECK (event_id < 197002000000000000) NOT VALID;
