-- Whether a month holds a reservation that is open is asked before it is dropped: by an index of the open
-- ones, for a month may have millions that are not. It serves the lapse of counted ones as before.
CREATE INDEX reservation_open ON enrollment.reservation (counted_at) WHERE state IN ('held', 'counted');
DROP INDEX enrollment.reservation_counted;
