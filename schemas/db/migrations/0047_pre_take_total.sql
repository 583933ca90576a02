-- Take one message from the budget of all, and tell whether there was one left. It comes from the first
-- lane with room that nobody holds; when all of those are held, from lane p_turn, once it is let go. The
-- totals are those of the whole installation, as otp.has_room takes them.
--
-- Race: the look never waits, but a lane whose room went while it looked stays locked by it. So nobody may
-- wait for a full lane, or two could wait for one another: the step is a statement of its own, which looks
-- anew and leaves full lanes alone. It waits for one row only, and its guard is checked again on the newest
-- version of that, under the row's lock.
CREATE FUNCTION otp.take_total(
    p_turn integer, p_minute timestamptz, p_hour timestamptz, p_day timestamptz,
    p_total_minute integer, p_total_hour integer, p_total_day integer
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    free smallint;
BEGIN
    SELECT lane INTO free FROM otp.budget
     WHERE otp.has_room(budget, p_minute, p_hour, p_day, p_total_minute, p_total_hour, p_total_day)
     ORDER BY (lane + p_turn) % 16
     LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    UPDATE otp.budget SET
        minute_used = CASE WHEN minute_at < p_minute THEN 1 ELSE minute_used + 1 END,
        minute_at = greatest(minute_at, p_minute),
        hour_used = CASE WHEN hour_at < p_hour THEN 1 ELSE hour_used + 1 END,
        hour_at = greatest(hour_at, p_hour),
        day_used = CASE WHEN day_at < p_day THEN 1 ELSE day_used + 1 END,
        day_at = greatest(day_at, p_day)
     WHERE lane = coalesce(free, p_turn)
       AND otp.has_room(budget, p_minute, p_hour, p_day, p_total_minute, p_total_hour, p_total_day);
    RETURN FOUND;
END $$;
