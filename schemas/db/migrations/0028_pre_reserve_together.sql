-- What payments at the same time take of the limits, taken together: one row for each payment, one
-- step of each counter for all of them. Payments without an amount take nothing.
--
-- A counter that ends above the least bound of those who share it raises AL001 for all of them; who
-- of them fits is found out by asking for each alone. Counters are locked in one order, whoever
-- comes together: those of accounts, then those of cards, month before day.
CREATE FUNCTION enrollment.reserve_together(
    p_acs_trans_id uuid[], p_card uuid[], p_account uuid[], p_amount bigint[],
    p_day date[], p_month date[], p_counted boolean[],
    p_account_day bigint[], p_account_month bigint[],
    p_account_count_day integer[], p_account_count_month integer[],
    p_card_day bigint[], p_card_month bigint[],
    p_card_count_day integer[], p_card_count_month integer[],
    p_now timestamptz[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    passed text;
BEGIN
    INSERT INTO enrollment.reservation
        (acs_trans_id, card_id, account_id, amount, day, month, state, made_at, counted_at)
    SELECT g.acs_trans_id, g.card, g.account, g.amount, g.day, g.month,
           CASE WHEN g.counted THEN 'counted' ELSE 'held' END, g.now, CASE WHEN g.counted THEN g.now END
      FROM unnest(p_acs_trans_id, p_card, p_account, p_amount, p_day, p_month, p_counted, p_now)
           AS g (acs_trans_id, card, account, amount, day, month, counted, now)
     WHERE g.amount IS NOT NULL;
    WITH share AS (
        SELECT s.level, s.owner_id, s.period, s.starts_on,
               sum(g.amount)::bigint AS amount, count(*)::integer AS count,
               min(s.amount_max) AS amount_max, min(s.count_max) AS count_max
          FROM unnest(p_card, p_account, p_amount, p_day, p_month,
                      p_account_day, p_account_month, p_account_count_day, p_account_count_month,
                      p_card_day, p_card_month, p_card_count_day, p_card_count_month)
               AS g (card, account, amount, day, month,
                     account_day, account_month, account_count_day, account_count_month,
                     card_day, card_month, card_count_day, card_count_month),
               LATERAL (VALUES
                   ('account', g.account, 'month', g.month, g.account_month, g.account_count_month),
                   ('account', g.account, 'day', g.day, g.account_day, g.account_count_day),
                   ('card', g.card, 'month', g.month, g.card_month, g.card_count_month),
                   ('card', g.card, 'day', g.day, g.card_day, g.card_count_day))
               AS s (level, owner_id, period, starts_on, amount_max, count_max)
         WHERE g.amount IS NOT NULL
         GROUP BY s.level, s.owner_id, s.period, s.starts_on),
    taken AS (
        INSERT INTO enrollment.usage AS u (owner_id, period, starts_on, amount, count)
        SELECT owner_id, period, starts_on, amount, count
          FROM share
         ORDER BY level, owner_id, period DESC, starts_on
        ON CONFLICT (owner_id, period, starts_on) DO UPDATE
           SET amount = u.amount + excluded.amount, count = u.count + excluded.count
        RETURNING u.owner_id, u.period, u.starts_on, u.amount, u.count)
    SELECT string_agg(DISTINCT s.level || '.' || s.period, ',' ORDER BY s.level || '.' || s.period)
      INTO passed
      FROM taken t
      JOIN share s USING (owner_id, period, starts_on)
     WHERE t.amount > s.amount_max OR t.count > s.count_max;
    IF passed IS NOT NULL THEN
        RAISE EXCEPTION 'a limit would be passed' USING ERRCODE = 'AL001', DETAIL = passed;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION enrollment.give_back(p_acs_trans_id uuid, p_was text, p_becomes text, p_now timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    r enrollment.reservation;
BEGIN
    UPDATE enrollment.reservation
       SET state = p_becomes, ended_at = p_now
     WHERE acs_trans_id = p_acs_trans_id AND state = p_was
    RETURNING * INTO r;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Race: the same order as in enrollment.reserve_together.
    UPDATE enrollment.usage SET amount = amount - r.amount, count = count - 1
     WHERE owner_id = r.account_id AND period = 'month' AND starts_on = r.month;
    UPDATE enrollment.usage SET amount = amount - r.amount, count = count - 1
     WHERE owner_id = r.account_id AND period = 'day' AND starts_on = r.day;
    UPDATE enrollment.usage SET amount = amount - r.amount, count = count - 1
     WHERE owner_id = r.card_id AND period = 'month' AND starts_on = r.month;
    UPDATE enrollment.usage SET amount = amount - r.amount, count = count - 1
     WHERE owner_id = r.card_id AND period = 'day' AND starts_on = r.day;
    RETURN true;
END $$;
