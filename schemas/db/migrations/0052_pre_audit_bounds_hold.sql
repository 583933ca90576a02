-- Reads the audit log once, while everybody goes on reading and writing it: some seconds for each
-- million of events.
ALTER TABLE audit.event VALIDATE CONSTRAINT event_of_before;
ALTER TABLE audit.seal VALIDATE CONSTRAINT seal_of_before;
