-- Messages are kept as they were written: taking each apart into jsonb was an eighth of what storing
-- an AReq costs, and nobody asks for their members.
ALTER TABLE acs.message_log ALTER COLUMN body TYPE json;
