-- What storing an AReq sends and does, made shorter (docs/adr/0013).

-- Values come as one array of rows: sixty arrays, one for each column, cost both ends twice as much.
-- A type is never altered, as old code sends its rows; a change makes another type, and a _post_
-- migration drops this one.
CREATE TYPE acs.new_areq AS (
    acs_trans_id             uuid,
    three_ds_server_trans_id text,
    ds_trans_id              text,
    sdk_trans_id             text,
    ds_id                    text,
    ds_url                   text,
    message_version          text,
    device_channel           text,
    message_category         text,
    range_id                 text,
    range_version            integer,
    scheme                   text,
    card_id                  uuid,
    account_id               uuid,
    person_id                uuid,
    phone_id                 uuid,
    phone_mask               text,
    last4                    text,
    pan_sealed               bytea,
    purchase_amount          text,
    purchase_currency        text,
    purchase_exponent        smallint,
    purchase_date            text,
    merchant_name            text,
    acquirer_bin             text,
    acquirer_merchant_id     text,
    notification_url         text,
    link_digest              bytea,
    trans_status             text,
    trans_status_reason      text,
    rule                     text,
    reasons                  text,
    elements                 text,
    language                 text,
    created_at               timestamptz,
    requestor_id             text,
    authentication_ind       text,
    offers_trust             boolean,
    low_currency             text,
    low_amount               bigint,
    low_sum_max              bigint,
    low_count_max            integer,
    areq_digest              bytea,
    ares_sealed              bytea,
    state                    text,
    first_creq_due           timestamptz,
    areq_masked              json,
    ares_masked              json,
    audit_name               text,
    audit_object             text,
    audit_outcome            text,
    audit_details            jsonb,
    audit_key_id             text,
    audit_mac                bytea,
    device_id                uuid,
    visitor_sealed           bytea,
    visitor_tag              text,
    evidence                 json
);

-- Identifiers are registered by the statement that stores an AReq, which says so. For whatever else
-- writes a transaction, code of the last release included, the trigger does it as before.
DROP TRIGGER transaction_registers ON acs.transaction;
CREATE TRIGGER transaction_registers AFTER INSERT ON acs.transaction
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT
    WHEN (current_setting('acs.registers_itself', true) IS DISTINCT FROM 'yes')
    EXECUTE FUNCTION acs.register_areqs();

-- The bounds under which a counter was last stepped. No counter is ever stored above them, whoever
-- pays at the same time; giving back only takes away. None: nobody bounds it.
ALTER TABLE enrollment.usage
    ADD COLUMN amount_max bigint,
    ADD COLUMN count_max integer,
    ADD CONSTRAINT usage_within_bounds
        CHECK (amount <= amount_max AND count <= count_max) NOT VALID;

-- One payment, and what payments together take of one counter, as enrollment.shares makes them.
CREATE TYPE enrollment.new_reservation AS (
    acs_trans_id uuid,
    card_id      uuid,
    account_id   uuid,
    amount       bigint,
    day          date,
    month        date,
    counted      boolean,
    made_at      timestamptz
);
CREATE TYPE enrollment.share AS (
    owner_id   uuid,
    period     text,
    starts_on  date,
    amount     bigint,
    count      integer,
    amount_max bigint,
    count_max  integer
);

-- What payments at the same time take of the limits, taken together: a row for each payment, one step
-- of each counter for all of them. A counter that would end above its bound breaks
-- usage_within_bounds for all; who of them fits is found out by asking for each alone.
-- Race: counters are locked in the order of p_shares, which is the same whoever comes together:
-- those of accounts, then those of cards, by owner, month before day.
CREATE FUNCTION enrollment.reserve_shares(
    p_reservations enrollment.new_reservation[], p_shares enrollment.share[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO enrollment.usage AS u
        (owner_id, period, starts_on, amount, count, amount_max, count_max)
    SELECT s.owner_id, s.period, s.starts_on, s.amount, s.count, s.amount_max, s.count_max
      FROM unnest(p_shares) AS s
    ON CONFLICT (owner_id, period, starts_on) DO UPDATE
       SET amount = u.amount + excluded.amount, count = u.count + excluded.count,
           amount_max = excluded.amount_max, count_max = excluded.count_max;
    INSERT INTO enrollment.reservation
        (acs_trans_id, card_id, account_id, amount, day, month, state, made_at, counted_at)
    SELECT r.acs_trans_id, r.card_id, r.account_id, r.amount, r.day, r.month,
           CASE WHEN r.counted THEN 'counted' ELSE 'held' END, r.made_at,
           CASE WHEN r.counted THEN r.made_at END
      FROM unnest(p_reservations) AS r;
END $$;

-- Code of the last release compares for itself, and raises AL001.
CREATE OR REPLACE FUNCTION enrollment.reserve_together(
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
           SET amount = u.amount + excluded.amount, count = u.count + excluded.count,
               amount_max = NULL, count_max = NULL
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
