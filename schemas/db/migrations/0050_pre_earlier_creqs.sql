-- Which CReqs were answered before the last one: of each the first eight bytes of its SHA-256, oldest first.
-- By them a copy that comes late is known and ends nothing. A counter holds the length below 255 of them.
ALTER TABLE acs.sdk_session ADD COLUMN creqs_before bytea NOT NULL DEFAULT ''
    CHECK (length(creqs_before) <= 2040);
