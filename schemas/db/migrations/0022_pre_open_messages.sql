-- What waits to leave is found without what has left; codes and settled messages are let go by age.
CREATE INDEX outbox_open ON otp.outbox (expires_at) WHERE state IN ('queued', 'sending');
CREATE INDEX code_created ON otp.code (created_at);
