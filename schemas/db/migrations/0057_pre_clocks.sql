-- A machine whose clock was wrong. The budget of messages is counted from the times that processes give: one
-- that ran a day ahead left its day's counters in front of everybody's, they were filled up by the messages
-- of that day and nobody got a code until the day had come.

-- Whether a span of time that began then is the one that runs since `since`. What begins later than any
-- clock says, the caller's or our own, was begun by one that was ahead, and is over.
CREATE FUNCTION otp.lasts(begun timestamptz, since timestamptz) RETURNS boolean LANGUAGE sql STABLE
RETURN begun >= since AND begun <= greatest(since, now()) + interval '2 minutes';

CREATE OR REPLACE FUNCTION otp.has_room(
    lane otp.budget, minute timestamptz, hour timestamptz, day timestamptz,
    total_minute integer, total_hour integer, total_day integer
) RETURNS boolean LANGUAGE sql STABLE
RETURN
    CASE WHEN otp.lasts((lane).minute_at, minute) THEN (lane).minute_used ELSE 0 END
        < total_minute / 16 + ((lane).lane < total_minute % 16)::integer
    AND CASE WHEN otp.lasts((lane).hour_at, hour) THEN (lane).hour_used ELSE 0 END
        < total_hour / 16 + ((lane).lane < total_hour % 16)::integer
    AND CASE WHEN otp.lasts((lane).day_at, day) THEN (lane).day_used ELSE 0 END
        < total_day / 16 + ((lane).lane < total_day % 16)::integer;

-- As 0047 says, spans that are over being those of otp.lasts.
CREATE OR REPLACE FUNCTION otp.take_total(
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
        minute_used = CASE WHEN otp.lasts(minute_at, p_minute) THEN minute_used + 1 ELSE 1 END,
        minute_at = CASE WHEN otp.lasts(minute_at, p_minute) THEN minute_at ELSE p_minute END,
        hour_used = CASE WHEN otp.lasts(hour_at, p_hour) THEN hour_used + 1 ELSE 1 END,
        hour_at = CASE WHEN otp.lasts(hour_at, p_hour) THEN hour_at ELSE p_hour END,
        day_used = CASE WHEN otp.lasts(day_at, p_day) THEN day_used + 1 ELSE 1 END,
        day_at = CASE WHEN otp.lasts(day_at, p_day) THEN day_at ELSE p_day END
     WHERE lane = coalesce(free, p_turn)
       AND otp.has_room(budget, p_minute, p_hour, p_day, p_total_minute, p_total_hour, p_total_day);
    RETURN FOUND;
END $$;

-- How far each machine's clock is ahead of this database's, as its processes find it. They judge by it
-- whose clock is wrong. `is_beside`: the database runs on the same machine, by the same clock.
CREATE TABLE acs.host_clock (
    host      text             PRIMARY KEY CHECK (length(host) BETWEEN 1 AND 100),
    ahead_s   double precision NOT NULL,
    is_beside boolean          NOT NULL,
    told_at   timestamptz      NOT NULL
);
