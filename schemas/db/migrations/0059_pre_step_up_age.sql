-- Acts that waited for a code are forgotten by their age.
CREATE INDEX step_up_age ON enrollment.step_up (expires_at);
