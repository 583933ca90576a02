-- Counters of days and months that are over are found by age, to be let go. The day is all that the
-- index holds, so it is small, and a counter that goes up does not touch it.
CREATE INDEX usage_age ON enrollment.usage (starts_on);
