-- Notices (messages without a one-time code) get a share of the budget, and wait for it. They were taken
-- from the budget when they were queued, up to the last message of an hour: a file that changes many phones
-- could leave none to those who pay; and each of them held a lane until the transaction that told it ended.
--
-- `held` is a notice that was not taken from the budget yet. Its worker takes it from there when it leaves,
-- and with that it is a `notice`, as one that an older version queued. An older worker leaves those held
-- alone. `password` is that of a registration: somebody waits for it as for a code.
ALTER TABLE otp.outbox
    DROP CONSTRAINT outbox_kind_check,
    ADD CONSTRAINT outbox_kind_check CHECK (kind IN ('code', 'password', 'notice', 'held')),
    ADD COLUMN is_bulk boolean NOT NULL DEFAULT false;

-- What may leave now, without all that is held; an older claim finds its rows by outbox_open.
CREATE INDEX outbox_taken ON otp.outbox (due_at) WHERE state IN ('queued', 'sending') AND kind <> 'held';
DROP INDEX otp.outbox_due;
-- What somebody did goes before what a file did.
CREATE INDEX outbox_held ON otp.outbox (is_bulk, queued_at) WHERE state = 'queued' AND kind = 'held';

-- What notices used of their share in the running UTC minute, hour and day. It is part of what the lanes
-- of otp.budget count.
CREATE TABLE otp.notice_budget (
    only_row    boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    minute_at   timestamptz NOT NULL DEFAULT '-infinity',
    minute_used integer     NOT NULL DEFAULT 0 CHECK (minute_used >= 0),
    hour_at     timestamptz NOT NULL DEFAULT '-infinity',
    hour_used   integer     NOT NULL DEFAULT 0 CHECK (hour_used >= 0),
    day_at      timestamptz NOT NULL DEFAULT '-infinity',
    day_used    integer     NOT NULL DEFAULT 0 CHECK (day_used >= 0)
);
INSERT INTO otp.notice_budget DEFAULT VALUES;

-- What is left of three numbers, of which so many were used in spans that began then.
CREATE FUNCTION otp.left_of(
    minute_most integer, minute_used integer, minute_at timestamptz, minute timestamptz,
    hour_most integer, hour_used integer, hour_at timestamptz, hour timestamptz,
    day_most integer, day_used integer, day_at timestamptz, day timestamptz
) RETURNS integer LANGUAGE sql STABLE
RETURN least(
    minute_most - CASE WHEN otp.lasts(minute_at, minute) THEN minute_used ELSE 0 END,
    hour_most - CASE WHEN otp.lasts(hour_at, hour) THEN hour_used ELSE 0 END,
    day_most - CASE WHEN otp.lasts(day_at, day) THEN day_used ELSE 0 END);

-- How many notices may leave, by their share.
CREATE FUNCTION otp.notices_left(
    p_minute timestamptz, p_hour timestamptz, p_day timestamptz,
    p_share_minute integer, p_share_hour integer, p_share_day integer
) RETURNS integer LANGUAGE sql STABLE
RETURN (
    SELECT otp.left_of(p_share_minute, minute_used, minute_at, p_minute,
                       p_share_hour, hour_used, hour_at, p_hour,
                       p_share_day, day_used, day_at, p_day)
      FROM otp.notice_budget);

-- Take up to p_most notices from their share and, all of them, from the lane of the budget that has most
-- left; tell how many.
--
-- Race: nobody waits here. Who does not get the row of the share, or finds all lanes held, takes none and
-- comes again: so codes, which wait for a lane, never wait in a circle with notices.
CREATE FUNCTION otp.take_notices(
    p_most integer, p_minute timestamptz, p_hour timestamptz, p_day timestamptz,
    p_total_minute integer, p_total_hour integer, p_total_day integer,
    p_share_minute integer, p_share_hour integer, p_share_day integer
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    share otp.notice_budget;
    chosen smallint;
    room integer;
BEGIN
    IF p_most <= 0 THEN
        RETURN 0;
    END IF;
    SELECT * INTO share FROM otp.notice_budget FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT lane, otp.left_of(
               p_total_minute / 16 + (lane < p_total_minute % 16)::integer, minute_used, minute_at, p_minute,
               p_total_hour / 16 + (lane < p_total_hour % 16)::integer, hour_used, hour_at, p_hour,
               p_total_day / 16 + (lane < p_total_day % 16)::integer, day_used, day_at, p_day) AS lane_left
      INTO chosen, room FROM otp.budget
     WHERE otp.has_room(budget, p_minute, p_hour, p_day, p_total_minute, p_total_hour, p_total_day)
     ORDER BY lane_left DESC, lane
     LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
    room := least(p_most, room, otp.left_of(
        p_share_minute, share.minute_used, share.minute_at, p_minute,
        p_share_hour, share.hour_used, share.hour_at, p_hour,
        p_share_day, share.day_used, share.day_at, p_day));
    IF chosen IS NULL OR room <= 0 THEN
        RETURN 0;
    END IF;
    UPDATE otp.budget SET
        minute_used = CASE WHEN otp.lasts(minute_at, p_minute) THEN minute_used + room ELSE room END,
        minute_at = CASE WHEN otp.lasts(minute_at, p_minute) THEN minute_at ELSE p_minute END,
        hour_used = CASE WHEN otp.lasts(hour_at, p_hour) THEN hour_used + room ELSE room END,
        hour_at = CASE WHEN otp.lasts(hour_at, p_hour) THEN hour_at ELSE p_hour END,
        day_used = CASE WHEN otp.lasts(day_at, p_day) THEN day_used + room ELSE room END,
        day_at = CASE WHEN otp.lasts(day_at, p_day) THEN day_at ELSE p_day END
     WHERE lane = chosen;
    UPDATE otp.notice_budget SET
        minute_used = CASE WHEN otp.lasts(minute_at, p_minute) THEN minute_used + room ELSE room END,
        minute_at = CASE WHEN otp.lasts(minute_at, p_minute) THEN minute_at ELSE p_minute END,
        hour_used = CASE WHEN otp.lasts(hour_at, p_hour) THEN hour_used + room ELSE room END,
        hour_at = CASE WHEN otp.lasts(hour_at, p_hour) THEN hour_at ELSE p_hour END,
        day_used = CASE WHEN otp.lasts(day_at, p_day) THEN day_used + room ELSE room END,
        day_at = CASE WHEN otp.lasts(day_at, p_day) THEN day_at ELSE p_day END;
    RETURN room;
END $$;
