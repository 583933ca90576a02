-- The whole schema: the sum of the migrations, written by `make schema`. Do not edit; to change the
-- schema add a migration. Grants are in roles.sql.

CREATE SCHEMA acs;

CREATE SCHEMA audit;

CREATE SCHEMA enrollment;

CREATE SCHEMA otp;

CREATE SCHEMA upkeep;

CREATE TYPE acs.new_areq AS (
	acs_trans_id uuid,
	three_ds_server_trans_id text,
	ds_trans_id text,
	sdk_trans_id text,
	ds_id text,
	ds_url text,
	message_version text,
	device_channel text,
	message_category text,
	range_id text,
	range_version integer,
	scheme text,
	card_id uuid,
	account_id uuid,
	person_id uuid,
	phone_id uuid,
	phone_mask text,
	last4 text,
	pan_sealed bytea,
	purchase_amount text,
	purchase_currency text,
	purchase_exponent smallint,
	purchase_date text,
	merchant_name text,
	acquirer_bin text,
	acquirer_merchant_id text,
	notification_url text,
	link_digest bytea,
	trans_status text,
	trans_status_reason text,
	rule text,
	reasons text,
	elements text,
	language text,
	created_at timestamp with time zone,
	requestor_id text,
	authentication_ind text,
	offers_trust boolean,
	low_currency text,
	low_amount bigint,
	low_sum_max bigint,
	low_count_max integer,
	areq_digest bytea,
	ares_sealed bytea,
	state text,
	first_creq_due timestamp with time zone,
	areq_masked json,
	ares_masked json,
	audit_name text,
	audit_object text,
	audit_outcome text,
	audit_details jsonb,
	audit_key_id text,
	audit_mac bytea,
	device_id uuid,
	visitor_sealed bytea,
	visitor_tag text,
	evidence json
);

CREATE TYPE enrollment.new_reservation AS (
	acs_trans_id uuid,
	card_id uuid,
	account_id uuid,
	amount bigint,
	day date,
	month date,
	counted boolean,
	made_at timestamp with time zone
);

CREATE TYPE enrollment.share AS (
	owner_id uuid,
	period text,
	starts_on date,
	amount bigint,
	count integer,
	amount_max bigint,
	count_max integer
);

CREATE FUNCTION acs.find_result_lane() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.ds_id := (SELECT t.ds_id FROM acs.transaction t WHERE t.acs_trans_id = NEW.acs_trans_id);
    RETURN NEW;
END $$;

CREATE FUNCTION acs.refuse_relinking() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'what a code is bound to cannot change' USING ERRCODE = 'AL002';
END $$;

CREATE FUNCTION acs.register_areqs() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO acs.known_areq (three_ds_server_trans_id, ds_trans_id, acs_trans_id, day)
    SELECT n.three_ds_server_trans_id::uuid, n.ds_trans_id::uuid, n.acs_trans_id,
           (n.created_at AT TIME ZONE 'UTC')::date
      FROM new_rows n;
    RETURN NULL;
END $$;

CREATE FUNCTION audit.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;

CREATE FUNCTION enrollment.give_back(p_acs_trans_id uuid, p_was text, p_becomes text, p_now timestamp with time zone) RETURNS boolean
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

CREATE FUNCTION enrollment.guard_consent() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.origin = '' AND NEW.session IS NULL AND NEW.staff IS NULL
       AND (NEW.consent_id, NEW.person_id, NEW.code, NEW.version, NEW.language, NEW.text_sha256, NEW.act,
            NEW.at, NEW.channel)
         = (OLD.consent_id, OLD.person_id, OLD.code, OLD.version, OLD.language, OLD.text_sha256, OLD.act,
            OLD.at, OLD.channel)
       AND EXISTS (SELECT FROM enrollment.person p
                    WHERE p.person_id = OLD.person_id AND p.purged_at IS NOT NULL) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'consent is append-only';
END $$;

CREATE FUNCTION enrollment.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;

CREATE FUNCTION enrollment.refuse_other_words() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF (old.code, old.version, old.language, old.body, old.valid_from)
       IS DISTINCT FROM (new.code, new.version, new.language, new.body, new.valid_from) THEN
        RAISE EXCEPTION 'a consent text does not change; load a new version';
    END IF;
    RETURN new;
END $$;

CREATE FUNCTION enrollment.reserve_shares(p_reservations enrollment.new_reservation[], p_shares enrollment.share[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION enrollment.standing(p_pan_idx bytea[], p_day date, p_month date) RETURNS TABLE(pan_idx bytea, card_id uuid, account_id uuid, person_id uuid, last4 text, expiry text, previous_expiry text, card_status text, enrolment text, enrolment_reason text, consent_valid boolean, phone_id uuid, phone_mask text, phone_usable boolean, pin_set boolean, block_kind text, block_until timestamp with time zone, failures integer, language text, currency text, account_per_tx bigint, account_per_day bigint, account_per_month bigint, account_count_day integer, account_count_month integer, card_per_tx bigint, card_per_day bigint, card_per_month bigint, card_count_day integer, card_count_month integer, account_used_day bigint, account_uses_day integer, account_used_month bigint, account_uses_month integer, card_used_day bigint, card_uses_day integer, card_used_month bigint, card_uses_month integer, low_value_wanted boolean, low_value_currency text, low_value_amount bigint, low_value_count integer, phone_shared boolean, phone_changed_at timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT s.pan_idx, s.card_id, s.account_id, s.person_id, s.last4, s.expiry,
           s.previous_expiry, s.card_status, s.enrolment, s.enrolment_reason,
           coalesce(s.consent_act = 'given'
                    AND (s.consent_good_until IS NULL OR p_day <= s.consent_good_until), false),
           s.phone_id, s.phone_mask, s.phone_usable, s.pin_set,
           s.block_kind, s.block_until, s.failures, s.language, s.currency,
           s.account_per_tx, s.account_per_day, s.account_per_month,
           s.account_count_day, s.account_count_month,
           s.card_per_tx, s.card_per_day, s.card_per_month,
           s.card_count_day, s.card_count_month,
           coalesce(ad.amount, 0), coalesce(ad.count, 0),
           coalesce(am.amount, 0), coalesce(am.count, 0),
           coalesce(cd.amount, 0), coalesce(cd.count, 0),
           coalesce(cm.amount, 0), coalesce(cm.count, 0),
           s.low_value_wanted, s.low_value_currency, s.low_value_amount, s.low_value_count,
           coalesce(s.phone_shared, false), s.phone_changed_at
      FROM enrollment.card_standing s
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.account_id AND x.period = 'day' AND x.starts_on = p_day
            LIMIT 1) ad ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.account_id AND x.period = 'month' AND x.starts_on = p_month
            LIMIT 1) am ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.card_id AND x.period = 'day' AND x.starts_on = p_day
            LIMIT 1) cd ON true
      LEFT JOIN LATERAL (
           SELECT x.amount, x.count
             FROM enrollment.usage x
            WHERE x.owner_id = s.card_id AND x.period = 'month' AND x.starts_on = p_month
            LIMIT 1) cm ON true
     WHERE s.pan_idx = ANY (p_pan_idx);
END $$;

CREATE FUNCTION enrollment.take_low_value(p_card uuid, p_currency text, p_amount bigint, p_sum bigint, p_count integer, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO enrollment.low_value_use AS u (card_id, currency, amount, count, updated_at)
    SELECT p_card, p_currency, p_amount, 1, p_now WHERE p_amount <= p_sum AND 1 <= p_count
    ON CONFLICT (card_id) DO UPDATE
       SET amount = u.amount + excluded.amount, count = u.count + 1, updated_at = excluded.updated_at
     WHERE u.currency = excluded.currency
       AND u.amount + excluded.amount <= p_sum AND u.count < p_count;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a limit would be passed' USING ERRCODE = 'AL001', DETAIL = 'card.low_value';
    END IF;
END $$;

CREATE FUNCTION enrollment.trusts(of_person uuid, at_acquirer text, as_merchant text) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT EXISTS (
        SELECT FROM enrollment.trusted_merchant t
         WHERE t.person_id = of_person AND t.acquirer_bin = at_acquirer
           AND t.acquirer_merchant_id = as_merchant AND t.removed_at IS NULL)
$$;

CREATE FUNCTION otp.lasts(begun timestamp with time zone, since timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((begun >= since) AND (begun <= (GREATEST(since, now()) + '00:02:00'::interval)));

CREATE TABLE otp.budget (
    lane smallint NOT NULL,
    minute_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    minute_used integer DEFAULT 0 NOT NULL,
    hour_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    hour_used integer DEFAULT 0 NOT NULL,
    day_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    day_used integer DEFAULT 0 NOT NULL,
    CONSTRAINT budget_day_used_check CHECK ((day_used >= 0)),
    CONSTRAINT budget_hour_used_check CHECK ((hour_used >= 0)),
    CONSTRAINT budget_lane_check CHECK (((lane >= 0) AND (lane <= 15))),
    CONSTRAINT budget_minute_used_check CHECK ((minute_used >= 0))
);

CREATE FUNCTION otp.has_room(lane otp.budget, minute timestamp with time zone, hour timestamp with time zone, day timestamp with time zone, total_minute integer, total_hour integer, total_day integer) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((CASE WHEN otp.lasts((lane).minute_at, minute) THEN (lane).minute_used ELSE 0 END < ((total_minute / 16) + (((lane).lane < (total_minute % 16)))::integer)) AND (CASE WHEN otp.lasts((lane).hour_at, hour) THEN (lane).hour_used ELSE 0 END < ((total_hour / 16) + (((lane).lane < (total_hour % 16)))::integer)) AND (CASE WHEN otp.lasts((lane).day_at, day) THEN (lane).day_used ELSE 0 END < ((total_day / 16) + (((lane).lane < (total_day % 16)))::integer)));

CREATE FUNCTION otp.left_of(minute_most integer, minute_used integer, minute_at timestamp with time zone, minute timestamp with time zone, hour_most integer, hour_used integer, hour_at timestamp with time zone, hour timestamp with time zone, day_most integer, day_used integer, day_at timestamp with time zone, day timestamp with time zone) RETURNS integer
    LANGUAGE sql STABLE
    RETURN LEAST((minute_most - CASE WHEN otp.lasts(minute_at, minute) THEN minute_used ELSE 0 END), (hour_most - CASE WHEN otp.lasts(hour_at, hour) THEN hour_used ELSE 0 END), (day_most - CASE WHEN otp.lasts(day_at, day) THEN day_used ELSE 0 END));

CREATE TABLE otp.notice_budget (
    only_row boolean DEFAULT true NOT NULL,
    minute_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    minute_used integer DEFAULT 0 NOT NULL,
    hour_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    hour_used integer DEFAULT 0 NOT NULL,
    day_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    day_used integer DEFAULT 0 NOT NULL,
    CONSTRAINT notice_budget_day_used_check CHECK ((day_used >= 0)),
    CONSTRAINT notice_budget_hour_used_check CHECK ((hour_used >= 0)),
    CONSTRAINT notice_budget_minute_used_check CHECK ((minute_used >= 0)),
    CONSTRAINT notice_budget_only_row_check CHECK (only_row)
);

CREATE FUNCTION otp.notices_left(p_minute timestamp with time zone, p_hour timestamp with time zone, p_day timestamp with time zone, p_share_minute integer, p_share_hour integer, p_share_day integer) RETURNS integer
    LANGUAGE sql STABLE
    RETURN (SELECT otp.left_of(notices_left.p_share_minute, notice_budget.minute_used, notice_budget.minute_at, notices_left.p_minute, notices_left.p_share_hour, notice_budget.hour_used, notice_budget.hour_at, notices_left.p_hour, notices_left.p_share_day, notice_budget.day_used, notice_budget.day_at, notices_left.p_day) AS left_of FROM otp.notice_budget);

CREATE FUNCTION otp.report_outranks(report text, known text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (known IS NULL) THEN true WHEN (known = 'accepted'::text) THEN (report <> 'accepted'::text) WHEN (known = 'delivered'::text) THEN false ELSE (report = 'delivered'::text) END;

CREATE FUNCTION otp.take_notices(p_most integer, p_minute timestamp with time zone, p_hour timestamp with time zone, p_day timestamp with time zone, p_total_minute integer, p_total_hour integer, p_total_day integer, p_share_minute integer, p_share_hour integer, p_share_day integer) RETURNS integer
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION otp.take_total(p_turn integer, p_minute timestamp with time zone, p_hour timestamp with time zone, p_day timestamp with time zone, p_total_minute integer, p_total_hour integer, p_total_day integer) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION upkeep.drop_partition(p_parent regclass, p_before timestamp with time zone) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    over CONSTANT timestamptz := least(p_before, now() - upkeep.kept_at_least(p_parent));
    is_log CONSTANT boolean := p_parent = 'audit.event'::regclass;
    oldest record;
    name text;
    is_open boolean := false;
    from_id uuid;
    to_id uuid;
BEGIN
    IF upkeep.kept_at_least(p_parent) IS NULL THEN
        RAISE EXCEPTION 'not a table that is kept by month';
    END IF;
    IF p_parent = 'audit.seal'::regclass THEN
        RAISE EXCEPTION 'links go with their events';
    END IF;
    IF NOT pg_try_advisory_xact_lock(7012340002) THEN
        RETURN 'busy';
    END IF;
    SELECT * INTO oldest FROM upkeep.partition x
     WHERE x.parent_id = p_parent AND (x.month + interval '1 month') AT TIME ZONE 'UTC' <= over
       AND (NOT is_log OR x.month = upkeep.events_over(p_before))
     ORDER BY x.month LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    name := oldest.partition;
    from_id := upkeep.first_id(oldest.month::timestamp AT TIME ZONE 'UTC');
    to_id := upkeep.first_id((oldest.month + interval '1 month') AT TIME ZONE 'UTC');
    CASE p_parent::text
    WHEN 'acs.transaction' THEN
        is_open := EXISTS (SELECT FROM acs.timer t WHERE t.acs_trans_id >= from_id AND t.acs_trans_id < to_id)
            OR EXISTS (SELECT FROM acs.result r WHERE r.acs_trans_id >= from_id AND r.acs_trans_id < to_id
                                                  AND r.state IN ('queued', 'sending'));
    WHEN 'enrollment.reservation' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE state IN (''held'', ''counted''))',
                       name) INTO is_open;
    ELSE
        NULL;
    END CASE;
    IF is_open THEN
        RETURN 'open';
    END IF;
    PERFORM set_config('lock_timeout', '100ms', true);
    EXECUTE format('DROP TABLE %s', name);
    IF is_log THEN
        EXECUTE format('DROP TABLE IF EXISTS audit.%I', to_char(oldest.month, '"seal_p"YYYY_MM'));
    END IF;
    INSERT INTO upkeep.dropped (parent, month, rows_about, dropped_at)
    VALUES (p_parent::text, oldest.month, oldest.rows_about, now())
    ON CONFLICT (parent, month) DO UPDATE
       SET rows_about = upkeep.dropped.rows_about + excluded.rows_about, dropped_at = excluded.dropped_at;
    RETURN name;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RETURN 'busy';
END $$;

CREATE FUNCTION upkeep.event_month() RETURNS date
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE WHEN last_value < 197001000000000000 THEN date '1970-01-01'
                ELSE to_date((last_value / 1000000000000)::text, 'YYYYMM') END
      FROM audit.event_event_id_seq
$$;

CREATE FUNCTION upkeep.events_over(p_before timestamp with time zone) RETURNS date
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    over CONSTANT timestamptz := least(p_before, now() - upkeep.kept_at_least('audit.event'));
    oldest date;
    next_id bigint;
    last_at timestamptz;
    last_event bigint;
BEGIN
    SELECT x.month INTO oldest FROM upkeep.partition x
     WHERE x.parent = 'audit.event' AND (x.month + interval '1 month') AT TIME ZONE 'UTC' <= over
     ORDER BY x.month LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    next_id := upkeep.first_event((oldest + interval '1 month')::date);
    SELECT e.at INTO last_at FROM audit.event e WHERE e.event_id < next_id
     ORDER BY e.event_id DESC LIMIT 1;
    SELECT s.event_id INTO last_event FROM audit.seal s ORDER BY s.seq DESC LIMIT 1;
    IF upkeep.event_month() <= oldest OR last_at > over OR last_event < next_id THEN
        RETURN NULL;
    END IF;
    RETURN oldest;
END $$;

CREATE FUNCTION upkeep.first_event(p_month date) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
    SELECT (extract(year FROM p_month) * 100 + extract(month FROM p_month))::bigint * 1000000000000
$$;

CREATE FUNCTION upkeep.first_id(p_at timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT
    AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

CREATE FUNCTION upkeep.first_key(p_parent regclass, p_month date) RETURNS text
    LANGUAGE sql STABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE upkeep.key_of(p_parent)
           WHEN 'event_id' THEN upkeep.first_event(p_month)::text
           ELSE upkeep.first_id(p_month::timestamp AT TIME ZONE 'UTC')::text
           END
$$;

CREATE FUNCTION upkeep.kept_at_least(p_parent regclass) RETURNS interval
    LANGUAGE sql STABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE p_parent::text
           WHEN 'audit.event' THEN interval '13 months'
           WHEN 'audit.seal' THEN interval '13 months'
           WHEN 'audit.evidence' THEN interval '13 months'
           WHEN 'acs.transaction' THEN interval '31 days'
           WHEN 'acs.message_log' THEN interval '31 days'
           WHEN 'acs.visitor' THEN interval '31 days'
           WHEN 'enrollment.reservation' THEN interval '31 days'
           END
$$;

CREATE FUNCTION upkeep.key_of(p_parent regclass) RETURNS name
    LANGUAGE sql STABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT CASE WHEN p_parent::text IN ('audit.event', 'audit.seal') THEN 'event_id'
                ELSE 'acs_trans_id' END::name
$$;

CREATE FUNCTION upkeep.make_partition(p_parent regclass, p_month date) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    most CONSTANT integer := 1000;
    month CONSTANT date := date_trunc('month', p_month::timestamp);
    key CONSTANT name := upkeep.key_of(p_parent);
    least_key CONSTANT text := upkeep.first_key(p_parent, month);
    next_key CONSTANT text := upkeep.first_key(p_parent, (month + interval '1 month')::date);
    table_name name;
    place text;
    name text;
    overflow regclass;
    within text;
    strays integer := 0;
BEGIN
    IF upkeep.kept_at_least(p_parent) IS NULL THEN
        RAISE EXCEPTION 'not a table that is kept by month';
    END IF;
    IF month > now() + interval '13 months' THEN
        RETURN 'far';
    END IF;
    IF NOT pg_try_advisory_xact_lock(7012340002) THEN
        RETURN 'busy';
    END IF;
    SELECT c.relname, n.nspname, format('%s_p%s', c.relname, to_char(month, 'YYYY_MM')),
           nullif(pt.partdefid, 0)
      INTO table_name, place, name, overflow
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_partitioned_table pt ON pt.partrelid = c.oid
     WHERE c.oid = p_parent;
    IF to_regclass(format('%I.%I', place, name)) IS NOT NULL THEN
        RETURN 'there';
    END IF;
    PERFORM set_config('lock_timeout', '100ms', true);
    within := format('%I >= %L AND %I < %L', key, least_key, key, next_key);
    IF overflow IS NOT NULL THEN
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s WHERE %s LIMIT $1) x', overflow, within)
            INTO strays USING most + 1;
    END IF;
    IF strays > most THEN
        RETURN 'crowded';
    END IF;
    IF strays > 0 THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_parent);
    END IF;
    EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)',
                   place, name, p_parent);
    EXECUTE format('ALTER TABLE %I.%I SET (toast_tuple_target = 8160)', place, name);
    IF strays > 0 THEN
        -- What is moved is not changed: evidence may be taken out here, as it comes back below.
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', overflow);
        EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %s RETURNING *)'
                       ' INSERT INTO %I.%I SELECT * FROM moved', overflow, within, place, name);
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', overflow);
    END IF;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                   p_parent, place, name, least_key, next_key);
    IF place = 'audit' THEN
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I.%I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()',
                       table_name || '_append_only', place, name);
    END IF;
    IF p_parent = 'audit.seal'::regclass THEN
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I.%I (seq)', name || '_seq_idx', place, name);
    END IF;
    RETURN 'made';
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RETURN 'busy';
END $_$;

CREATE FUNCTION upkeep.turn_month(p_month date) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    month CONSTANT date := date_trunc('month', p_month::timestamp);
    least_id CONSTANT bigint := upkeep.first_event(month);
    next_id CONSTANT bigint := upkeep.first_event((month + interval '1 month')::date);
    suffix CONSTANT text := to_char(month, '"_p"YYYY_MM');
    newest bigint;
BEGIN
    IF month > (now() AT TIME ZONE 'UTC')::date THEN
        RETURN 'far';
    END IF;
    IF NOT pg_try_advisory_xact_lock(7012340002) THEN
        RETURN 'busy';
    END IF;
    IF (SELECT last_value FROM audit.event_event_id_seq) >= least_id THEN
        RETURN 'there';
    END IF;
    IF to_regclass('audit.event' || suffix) IS NULL OR to_regclass('audit.seal' || suffix) IS NULL THEN
        RETURN 'unmade';
    END IF;
    -- A database that was copied without its sequences has events in it already.
    SELECT max(event_id) INTO newest FROM audit.event WHERE event_id >= least_id AND event_id < next_id;
    PERFORM setval('audit.event_event_id_seq', coalesce(newest, least_id));
    RETURN 'turned';
END $$;

CREATE TABLE acs.card_range (
    range_id text NOT NULL,
    low numeric(19,0) NOT NULL,
    high numeric(19,0) NOT NULL,
    scheme text NOT NULL,
    issuer_id text NOT NULL,
    policy jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT card_range_check CHECK ((high >= low)),
    CONSTRAINT card_range_range_id_check CHECK (((length(range_id) >= 1) AND (length(range_id) <= 40))),
    CONSTRAINT card_range_scheme_check CHECK (((length(scheme) >= 1) AND (length(scheme) <= 20)))
);

CREATE TABLE acs.device_data (
    three_ds_server_trans_id uuid NOT NULL,
    sealed bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    acs_trans_id uuid,
    CONSTRAINT device_data_sealed_check CHECK ((length(sealed) <= 8192))
);

CREATE TABLE acs.exchange_rate (
    currency_from text NOT NULL,
    currency_to text NOT NULL,
    rate numeric NOT NULL,
    as_of date NOT NULL,
    source text NOT NULL,
    CONSTRAINT exchange_rate_currency_from_check CHECK ((currency_from ~ '^[0-9]{3}$'::text)),
    CONSTRAINT exchange_rate_currency_to_check CHECK ((currency_to ~ '^[0-9]{3}$'::text)),
    CONSTRAINT exchange_rate_rate_check CHECK ((rate > (0)::numeric)),
    CONSTRAINT exchange_rate_source_check CHECK ((length(source) <= 80))
);

CREATE TABLE acs.host_clock (
    host text NOT NULL,
    ahead_s double precision NOT NULL,
    is_beside boolean NOT NULL,
    told_at timestamp with time zone NOT NULL,
    CONSTRAINT host_clock_host_check CHECK (((length(host) >= 1) AND (length(host) <= 100)))
);

CREATE TABLE acs.issuer (
    issuer_id text NOT NULL,
    name text NOT NULL,
    phone text NOT NULL,
    default_language text NOT NULL,
    CONSTRAINT issuer_default_language_check CHECK (((length(default_language) >= 2) AND (length(default_language) <= 35))),
    CONSTRAINT issuer_issuer_id_check CHECK (((length(issuer_id) >= 1) AND (length(issuer_id) <= 40))),
    CONSTRAINT issuer_name_check CHECK (((length(name) >= 1) AND (length(name) <= 80))),
    CONSTRAINT issuer_phone_check CHECK (((length(phone) >= 1) AND (length(phone) <= 40)))
);

CREATE TABLE acs.known_areq (
    three_ds_server_trans_id uuid NOT NULL,
    ds_trans_id uuid NOT NULL,
    acs_trans_id uuid NOT NULL,
    day date NOT NULL
);

CREATE TABLE acs.limit_sweep (
    is_the_row boolean DEFAULT true NOT NULL,
    after uuid NOT NULL,
    CONSTRAINT limit_sweep_is_the_row_check CHECK (is_the_row)
);

CREATE TABLE acs.message_log (
    acs_trans_id uuid,
    at timestamp with time zone NOT NULL,
    direction text NOT NULL,
    message_type text NOT NULL,
    body json NOT NULL,
    CONSTRAINT message_log_direction_check CHECK ((direction = ANY (ARRAY['in'::text, 'out'::text])))
)
PARTITION BY RANGE (acs_trans_id);

CREATE TABLE acs.message_log_default (
    acs_trans_id uuid,
    at timestamp with time zone CONSTRAINT message_log_at_not_null NOT NULL,
    direction text CONSTRAINT message_log_direction_not_null NOT NULL,
    message_type text CONSTRAINT message_log_message_type_not_null NOT NULL,
    body json CONSTRAINT message_log_body_not_null NOT NULL,
    CONSTRAINT message_log_direction_check CHECK ((direction = ANY (ARRAY['in'::text, 'out'::text])))
)
WITH (toast_tuple_target='8160');

CREATE TABLE acs.number_check (
    phone_mac bytea NOT NULL,
    swap text NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    CONSTRAINT number_check_phone_mac_check CHECK ((length(phone_mac) = 32)),
    CONSTRAINT number_check_swap_check CHECK ((swap = ANY (ARRAY['none'::text, 'earlier'::text, 'recent'::text, 'good'::text, 'ported'::text, 'ported_earlier'::text, 'unallocated'::text])))
);

CREATE TABLE acs.policy_version (
    only_row boolean DEFAULT true NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT policy_version_only_row_check CHECK (only_row)
);

CREATE TABLE acs.result (
    acs_trans_id uuid NOT NULL,
    state text NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    next_at timestamp with time zone,
    claimed_by text,
    lease_until timestamp with time zone,
    rreq_sealed bytea,
    answer text,
    created_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    ds_id text,
    CONSTRAINT owed_has_a_lane CHECK (((ds_id IS NOT NULL) OR (settled_at IS NOT NULL))),
    CONSTRAINT queued_has_a_time CHECK (((state = 'queued'::text) = (next_at IS NOT NULL))),
    CONSTRAINT result_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sending'::text, 'delivered'::text, 'unconfirmed'::text, 'abandoned'::text]))),
    CONSTRAINT sending_has_a_lease CHECK (((state = 'sending'::text) = (lease_until IS NOT NULL))),
    CONSTRAINT settled_has_an_end CHECK (((state = ANY (ARRAY['delivered'::text, 'unconfirmed'::text, 'abandoned'::text])) = (settled_at IS NOT NULL)))
);

CREATE TABLE acs.sdk_session (
    acs_trans_id uuid NOT NULL,
    made_at timestamp with time zone NOT NULL,
    interface text NOT NULL,
    template text NOT NULL,
    patience_min smallint NOT NULL,
    key_sealed bytea,
    counter smallint DEFAULT '-1'::integer NOT NULL,
    creq_digest bytea,
    pin_sealed bytea,
    creqs_before bytea DEFAULT '\x'::bytea NOT NULL,
    CONSTRAINT sdk_session_counter_check CHECK (((counter >= '-1'::integer) AND (counter <= 255))),
    CONSTRAINT sdk_session_creq_digest_check CHECK ((length(creq_digest) = 32)),
    CONSTRAINT sdk_session_creqs_before_check CHECK ((length(creqs_before) <= 2040)),
    CONSTRAINT sdk_session_interface_check CHECK ((interface = ANY (ARRAY['01'::text, '02'::text]))),
    CONSTRAINT sdk_session_patience_min_check CHECK (((patience_min >= 5) AND (patience_min <= 99))),
    CONSTRAINT sdk_session_template_check CHECK ((length(template) = 2))
);

CREATE TABLE acs.timer (
    acs_trans_id uuid NOT NULL,
    kind text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    lease_until timestamp with time zone,
    attempt smallint DEFAULT 0 NOT NULL,
    CONSTRAINT timer_kind_check CHECK ((kind = ANY (ARRAY['first_creq'::text, 'interaction'::text, 'cap'::text])))
);

CREATE TABLE acs.transaction (
    acs_trans_id uuid NOT NULL,
    three_ds_server_trans_id text NOT NULL,
    ds_trans_id text NOT NULL,
    sdk_trans_id text,
    ds_id text NOT NULL,
    ds_url text,
    areq_digest bytea NOT NULL,
    message_version text NOT NULL,
    device_channel text NOT NULL,
    message_category text NOT NULL,
    range_id text NOT NULL,
    range_version integer NOT NULL,
    scheme text NOT NULL,
    card_id uuid,
    account_id uuid,
    person_id uuid,
    phone_id uuid,
    phone_mask text,
    last4 text NOT NULL,
    pan_sealed bytea,
    purchase_amount numeric(48,0),
    purchase_currency text,
    purchase_exponent smallint,
    purchase_date text,
    merchant_name text,
    acquirer_bin text,
    acquirer_merchant_id text,
    notification_url text,
    link_digest bytea NOT NULL,
    trans_status text NOT NULL,
    trans_status_reason text,
    rule text NOT NULL,
    reasons text[] NOT NULL,
    elements text,
    ares_sealed bytea NOT NULL,
    state text NOT NULL,
    language text NOT NULL,
    window_size text,
    session_data text,
    step smallint DEFAULT 0 NOT NULL,
    form_posts smallint DEFAULT 0 NOT NULL,
    interaction_counter smallint DEFAULT 0 NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    code_seq smallint DEFAULT 0 NOT NULL,
    code_sent_at timestamp with time zone,
    notice text,
    seen_posts bytea[] DEFAULT '{}'::bytea[] NOT NULL,
    outcome_status text,
    outcome_reason text,
    outcome_cancel text,
    outcome_error jsonb,
    outcome_name text,
    cres_status text,
    created_at timestamp with time zone NOT NULL,
    opened_at timestamp with time zone,
    last_activity_at timestamp with time zone,
    outcome_at timestamp with time zone,
    closed_at timestamp with time zone,
    requestor_id text,
    authentication_ind text,
    checks jsonb DEFAULT '[]'::jsonb NOT NULL,
    offers_trust boolean DEFAULT false NOT NULL,
    trusts boolean DEFAULT false NOT NULL,
    lasts_s integer,
    CONSTRAINT challenge_has_elements CHECK (((trans_status <> 'C'::text) OR (elements IS NOT NULL))),
    CONSTRAINT only_a_challenge_waits CHECK (((state = 'done'::text) OR (trans_status = ANY (ARRAY['C'::text, 'D'::text])))),
    CONSTRAINT outcome_ends_the_wait CHECK (((state = ANY (ARRAY['result'::text, 'closed'::text])) = (outcome_status IS NOT NULL))),
    CONSTRAINT transaction_check CHECK (((NOT trusts) OR offers_trust)),
    CONSTRAINT transaction_cres_status_check CHECK ((cres_status = ANY (ARRAY['Y'::text, 'N'::text]))),
    CONSTRAINT transaction_elements_check CHECK ((elements = ANY (ARRAY['otp'::text, 'pin+otp'::text]))),
    CONSTRAINT transaction_last4_check CHECK ((last4 ~ '^[0-9]{4}$'::text)),
    CONSTRAINT transaction_lasts_s_check CHECK ((lasts_s > 0)),
    CONSTRAINT transaction_outcome_status_check CHECK ((outcome_status = ANY (ARRAY['Y'::text, 'N'::text, 'U'::text, 'A'::text, 'R'::text]))),
    CONSTRAINT transaction_purchase_amount_check CHECK ((purchase_amount >= (0)::numeric)),
    CONSTRAINT transaction_session_data_check CHECK ((length(session_data) <= 1024)),
    CONSTRAINT transaction_state_check CHECK ((state = ANY (ARRAY['done'::text, 'wait_creq'::text, 'challenge'::text, 'result'::text, 'closed'::text]))),
    CONSTRAINT transaction_trans_status_check CHECK ((trans_status = ANY (ARRAY['Y'::text, 'N'::text, 'U'::text, 'A'::text, 'C'::text, 'D'::text, 'R'::text, 'I'::text, 'S'::text]))),
    CONSTRAINT transaction_window_size_check CHECK ((window_size = ANY (ARRAY['01'::text, '02'::text, '03'::text, '04'::text, '05'::text])))
)
PARTITION BY RANGE (acs_trans_id);

CREATE TABLE acs.transaction_default (
    acs_trans_id uuid CONSTRAINT transaction_acs_trans_id_not_null NOT NULL,
    three_ds_server_trans_id text CONSTRAINT transaction_three_ds_server_trans_id_not_null NOT NULL,
    ds_trans_id text CONSTRAINT transaction_ds_trans_id_not_null NOT NULL,
    sdk_trans_id text,
    ds_id text CONSTRAINT transaction_ds_id_not_null NOT NULL,
    ds_url text,
    areq_digest bytea CONSTRAINT transaction_areq_digest_not_null NOT NULL,
    message_version text CONSTRAINT transaction_message_version_not_null NOT NULL,
    device_channel text CONSTRAINT transaction_device_channel_not_null NOT NULL,
    message_category text CONSTRAINT transaction_message_category_not_null NOT NULL,
    range_id text CONSTRAINT transaction_range_id_not_null NOT NULL,
    range_version integer CONSTRAINT transaction_range_version_not_null NOT NULL,
    scheme text CONSTRAINT transaction_scheme_not_null NOT NULL,
    card_id uuid,
    account_id uuid,
    person_id uuid,
    phone_id uuid,
    phone_mask text,
    last4 text CONSTRAINT transaction_last4_not_null NOT NULL,
    pan_sealed bytea,
    purchase_amount numeric(48,0),
    purchase_currency text,
    purchase_exponent smallint,
    purchase_date text,
    merchant_name text,
    acquirer_bin text,
    acquirer_merchant_id text,
    notification_url text,
    link_digest bytea CONSTRAINT transaction_link_digest_not_null NOT NULL,
    trans_status text CONSTRAINT transaction_trans_status_not_null NOT NULL,
    trans_status_reason text,
    rule text CONSTRAINT transaction_rule_not_null NOT NULL,
    reasons text[] CONSTRAINT transaction_reasons_not_null NOT NULL,
    elements text,
    ares_sealed bytea CONSTRAINT transaction_ares_sealed_not_null NOT NULL,
    state text CONSTRAINT transaction_state_not_null NOT NULL,
    language text CONSTRAINT transaction_language_not_null NOT NULL,
    window_size text,
    session_data text,
    step smallint DEFAULT 0 CONSTRAINT transaction_step_not_null NOT NULL,
    form_posts smallint DEFAULT 0 CONSTRAINT transaction_form_posts_not_null NOT NULL,
    interaction_counter smallint DEFAULT 0 CONSTRAINT transaction_interaction_counter_not_null NOT NULL,
    attempts smallint DEFAULT 0 CONSTRAINT transaction_attempts_not_null NOT NULL,
    code_seq smallint DEFAULT 0 CONSTRAINT transaction_code_seq_not_null NOT NULL,
    code_sent_at timestamp with time zone,
    notice text,
    seen_posts bytea[] DEFAULT '{}'::bytea[] CONSTRAINT transaction_seen_posts_not_null NOT NULL,
    outcome_status text,
    outcome_reason text,
    outcome_cancel text,
    outcome_error jsonb,
    outcome_name text,
    cres_status text,
    created_at timestamp with time zone CONSTRAINT transaction_created_at_not_null NOT NULL,
    opened_at timestamp with time zone,
    last_activity_at timestamp with time zone,
    outcome_at timestamp with time zone,
    closed_at timestamp with time zone,
    requestor_id text,
    authentication_ind text,
    checks jsonb DEFAULT '[]'::jsonb CONSTRAINT transaction_checks_not_null NOT NULL,
    offers_trust boolean DEFAULT false CONSTRAINT transaction_offers_trust_not_null NOT NULL,
    trusts boolean DEFAULT false CONSTRAINT transaction_trusts_not_null NOT NULL,
    lasts_s integer,
    CONSTRAINT challenge_has_elements CHECK (((trans_status <> 'C'::text) OR (elements IS NOT NULL))),
    CONSTRAINT only_a_challenge_waits CHECK (((state = 'done'::text) OR (trans_status = ANY (ARRAY['C'::text, 'D'::text])))),
    CONSTRAINT outcome_ends_the_wait CHECK (((state = ANY (ARRAY['result'::text, 'closed'::text])) = (outcome_status IS NOT NULL))),
    CONSTRAINT transaction_check CHECK (((NOT trusts) OR offers_trust)),
    CONSTRAINT transaction_cres_status_check CHECK ((cres_status = ANY (ARRAY['Y'::text, 'N'::text]))),
    CONSTRAINT transaction_elements_check CHECK ((elements = ANY (ARRAY['otp'::text, 'pin+otp'::text]))),
    CONSTRAINT transaction_last4_check CHECK ((last4 ~ '^[0-9]{4}$'::text)),
    CONSTRAINT transaction_lasts_s_check CHECK ((lasts_s > 0)),
    CONSTRAINT transaction_outcome_status_check CHECK ((outcome_status = ANY (ARRAY['Y'::text, 'N'::text, 'U'::text, 'A'::text, 'R'::text]))),
    CONSTRAINT transaction_purchase_amount_check CHECK ((purchase_amount >= (0)::numeric)),
    CONSTRAINT transaction_session_data_check CHECK ((length(session_data) <= 1024)),
    CONSTRAINT transaction_state_check CHECK ((state = ANY (ARRAY['done'::text, 'wait_creq'::text, 'challenge'::text, 'result'::text, 'closed'::text]))),
    CONSTRAINT transaction_trans_status_check CHECK ((trans_status = ANY (ARRAY['Y'::text, 'N'::text, 'U'::text, 'A'::text, 'C'::text, 'D'::text, 'R'::text, 'I'::text, 'S'::text]))),
    CONSTRAINT transaction_window_size_check CHECK ((window_size = ANY (ARRAY['01'::text, '02'::text, '03'::text, '04'::text, '05'::text])))
)
WITH (toast_tuple_target='8160');

CREATE TABLE acs.visitor (
    acs_trans_id uuid NOT NULL,
    seen_in text NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    sealed bytea NOT NULL,
    tag text NOT NULL,
    CONSTRAINT visitor_seen_in_check CHECK ((seen_in = ANY (ARRAY['areq'::text, 'challenge'::text])))
)
PARTITION BY RANGE (acs_trans_id);

CREATE TABLE acs.visitor_default (
    acs_trans_id uuid CONSTRAINT visitor_acs_trans_id_not_null NOT NULL,
    seen_in text CONSTRAINT visitor_seen_in_not_null NOT NULL,
    seen_at timestamp with time zone CONSTRAINT visitor_seen_at_not_null NOT NULL,
    sealed bytea CONSTRAINT visitor_sealed_not_null NOT NULL,
    tag text CONSTRAINT visitor_tag_not_null NOT NULL,
    CONSTRAINT visitor_seen_in_check CHECK ((seen_in = ANY (ARRAY['areq'::text, 'challenge'::text])))
)
WITH (toast_tuple_target='8160');

CREATE TABLE audit.event (
    event_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    name text NOT NULL,
    actor_kind text NOT NULL,
    actor text NOT NULL,
    object text NOT NULL,
    outcome text NOT NULL,
    origin text DEFAULT ''::text NOT NULL,
    request_id text DEFAULT ''::text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    key_id text NOT NULL,
    mac bytea NOT NULL,
    CONSTRAINT event_actor_check CHECK ((length(actor) <= 100)),
    CONSTRAINT event_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['service'::text, 'staff'::text, 'person'::text, 'network'::text, 'system'::text]))),
    CONSTRAINT event_mac_check CHECK ((length(mac) = 32)),
    CONSTRAINT event_object_check CHECK ((length(object) <= 100)),
    CONSTRAINT event_origin_check CHECK ((length(origin) <= 60)),
    CONSTRAINT event_request_id_check CHECK ((length(request_id) <= 64))
)
PARTITION BY RANGE (event_id);

ALTER TABLE audit.event ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.event_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE audit.evidence (
    acs_trans_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    document json NOT NULL
)
PARTITION BY RANGE (acs_trans_id);

CREATE TABLE audit.evidence_default (
    acs_trans_id uuid CONSTRAINT evidence_acs_trans_id_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT evidence_at_not_null NOT NULL,
    document json CONSTRAINT evidence_document_not_null NOT NULL
)
WITH (toast_tuple_target='8160');

CREATE TABLE audit.seal (
    seq bigint NOT NULL,
    event_id bigint NOT NULL,
    key_id text NOT NULL,
    mac bytea NOT NULL,
    CONSTRAINT seal_key_id_check CHECK ((length(key_id) <= 32)),
    CONSTRAINT seal_mac_check CHECK ((length(mac) = 32))
)
PARTITION BY RANGE (event_id);

CREATE TABLE enrollment.account (
    account_id uuid NOT NULL,
    ref text NOT NULL,
    currency text NOT NULL,
    status text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT account_currency_check CHECK ((currency ~ '^[0-9]{3}$'::text)),
    CONSTRAINT account_ref_check CHECK (((length(ref) >= 1) AND (length(ref) <= 64))),
    CONSTRAINT account_status_check CHECK ((status = ANY (ARRAY['active'::text, 'closed'::text])))
);

CREATE TABLE enrollment.account_person (
    account_id uuid NOT NULL,
    person_id uuid NOT NULL,
    role text NOT NULL,
    CONSTRAINT account_person_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'co_owner'::text, 'proxy'::text])))
);

CREATE TABLE enrollment.activation (
    activation_id uuid NOT NULL,
    person_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    key_id text NOT NULL,
    issued_by text NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    used_at timestamp with time zone,
    void_at timestamp with time zone,
    CONSTRAINT activation_attempts_check CHECK (((attempts >= 0) AND (attempts <= 10))),
    CONSTRAINT activation_check CHECK ((expires_at > issued_at)),
    CONSTRAINT activation_check1 CHECK (((used_at IS NULL) OR (void_at IS NULL))),
    CONSTRAINT activation_code_hash_check CHECK ((length(code_hash) = 32)),
    CONSTRAINT activation_issued_by_check CHECK ((length(issued_by) <= 100)),
    CONSTRAINT activation_key_id_check CHECK ((length(key_id) <= 32))
);

CREATE TABLE enrollment.age_sweep (
    is_the_row boolean DEFAULT true NOT NULL,
    day date NOT NULL,
    after uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    done_at timestamp with time zone,
    CONSTRAINT age_sweep_is_the_row_check CHECK (is_the_row)
);

CREATE TABLE enrollment.block (
    block_id uuid NOT NULL,
    person_id uuid NOT NULL,
    card_id uuid,
    kind text NOT NULL,
    reason text NOT NULL,
    from_at timestamp with time zone NOT NULL,
    until_at timestamp with time zone,
    set_by text NOT NULL,
    ended_at timestamp with time zone,
    ended_by text,
    end_reason text,
    CONSTRAINT block_check CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
    CONSTRAINT block_end_reason_check CHECK ((length(end_reason) <= 200)),
    CONSTRAINT block_ended_by_check CHECK ((length(ended_by) <= 140)),
    CONSTRAINT block_kind_check CHECK ((kind = ANY (ARRAY['sca_temp'::text, 'sca_perm'::text, 'manual'::text, 'portal'::text]))),
    CONSTRAINT block_reason_check CHECK ((length(reason) <= 200)),
    CONSTRAINT block_set_by_check CHECK ((length(set_by) <= 100))
);

CREATE TABLE enrollment.card (
    card_id uuid NOT NULL,
    ref text NOT NULL,
    account_id uuid NOT NULL,
    person_id uuid NOT NULL,
    pan_idx bytea NOT NULL,
    idx_key_id text NOT NULL,
    pan_ct bytea NOT NULL,
    last4 text NOT NULL,
    expiry text,
    previous_expiry text,
    product text NOT NULL,
    status text NOT NULL,
    status_reason text,
    replaced_by uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT card_expiry_check CHECK ((expiry ~ '^[0-9]{2}(0[1-9]|1[0-2])$'::text)),
    CONSTRAINT card_idx_key_id_check CHECK ((length(idx_key_id) <= 32)),
    CONSTRAINT card_last4_check CHECK ((last4 ~ '^[0-9]{4}$'::text)),
    CONSTRAINT card_pan_idx_check CHECK ((length(pan_idx) = 32)),
    CONSTRAINT card_previous_expiry_check CHECK ((previous_expiry ~ '^[0-9]{2}(0[1-9]|1[0-2])$'::text)),
    CONSTRAINT card_product_check CHECK (((length(product) >= 1) AND (length(product) <= 60))),
    CONSTRAINT card_ref_check CHECK (((length(ref) >= 1) AND (length(ref) <= 64))),
    CONSTRAINT card_status_check CHECK ((status = ANY (ARRAY['active'::text, 'blocked_temp'::text, 'blocked_stolen'::text, 'blocked'::text, 'expired'::text, 'replaced'::text, 'closed'::text]))),
    CONSTRAINT card_status_reason_check CHECK ((length(status_reason) <= 200))
);

CREATE TABLE enrollment.consent (
    consent_id bigint NOT NULL,
    person_id uuid NOT NULL,
    code text NOT NULL,
    version integer NOT NULL,
    language text NOT NULL,
    text_sha256 bytea CONSTRAINT consent_text_sha256_not_null1 NOT NULL,
    act text NOT NULL,
    at timestamp with time zone NOT NULL,
    channel text NOT NULL,
    origin text DEFAULT ''::text NOT NULL,
    session text,
    staff text,
    CONSTRAINT consent_act_check CHECK ((act = ANY (ARRAY['given'::text, 'refused'::text, 'withdrawn'::text]))),
    CONSTRAINT consent_channel_check CHECK ((channel = ANY (ARRAY['portal'::text, 'branch'::text]))),
    CONSTRAINT consent_origin_check CHECK ((length(origin) <= 60)),
    CONSTRAINT consent_session_check CHECK ((length(session) <= 64)),
    CONSTRAINT consent_staff_check CHECK ((length(staff) <= 64)),
    CONSTRAINT consent_text_sha256_check CHECK ((length(text_sha256) = 32))
);

CREATE TABLE enrollment.consent_text (
    code text NOT NULL,
    version integer NOT NULL,
    language text NOT NULL,
    body text NOT NULL,
    sha256 bytea NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    good_until date,
    must_reaccept_by date,
    CONSTRAINT consent_text_body_check CHECK (((length(body) >= 1) AND (length(body) <= 20000))),
    CONSTRAINT consent_text_check CHECK ((sha256 = sha256(convert_to(body, 'UTF8'::name)))),
    CONSTRAINT consent_text_code_check CHECK ((code = ANY (ARRAY['sms_3ds'::text, 'terms'::text]))),
    CONSTRAINT consent_text_language_check CHECK ((language = ANY (ARRAY['pl'::text, 'en'::text, 'de'::text, 'uk'::text]))),
    CONSTRAINT consent_text_version_check CHECK ((version >= 1))
);

CREATE TABLE enrollment.credential (
    person_id uuid NOT NULL,
    pin_hash text NOT NULL,
    pin_key_id text NOT NULL,
    pin_set_at timestamp with time zone NOT NULL,
    pin_sets integer DEFAULT 1 NOT NULL,
    pin_day date NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT credential_pin_hash_check CHECK ((pin_hash ~~ '$argon2id$%'::text)),
    CONSTRAINT credential_pin_key_id_check CHECK ((length(pin_key_id) <= 32)),
    CONSTRAINT credential_pin_sets_check CHECK ((pin_sets >= 1))
);

CREATE TABLE enrollment.enrolment (
    card_id uuid NOT NULL,
    state text NOT NULL,
    reason text,
    changed_by text NOT NULL,
    channel text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    was_state text,
    was_reason text,
    CONSTRAINT enrolment_changed_by_check CHECK ((length(changed_by) <= 100)),
    CONSTRAINT enrolment_channel_check CHECK ((length(channel) <= 20)),
    CONSTRAINT enrolment_check CHECK (((state <> ALL (ARRAY['suspended'::text, 'removed'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT enrolment_reason_check CHECK ((length(reason) <= 40)),
    CONSTRAINT enrolment_state_check CHECK ((state = ANY (ARRAY['none'::text, 'eligible'::text, 'active'::text, 'suspended'::text, 'removed'::text]))),
    CONSTRAINT enrolment_was_reason_check CHECK ((length(was_reason) <= 40)),
    CONSTRAINT enrolment_was_state_check CHECK ((was_state = ANY (ARRAY['none'::text, 'eligible'::text, 'active'::text, 'suspended'::text])))
);

CREATE TABLE enrollment.low_value_use (
    card_id uuid NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    count integer NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT low_value_use_amount_check CHECK ((amount >= 0)),
    CONSTRAINT low_value_use_count_check CHECK (((count >= 1) AND (count <= 5))),
    CONSTRAINT low_value_use_currency_check CHECK ((currency ~ '^[0-9]{3}$'::text))
);

CREATE TABLE enrollment.person (
    person_id uuid NOT NULL,
    ref text NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    language text NOT NULL,
    birth_date_ct bytea,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    low_value boolean DEFAULT false NOT NULL,
    minor_allowed boolean DEFAULT false NOT NULL,
    closed_at timestamp with time zone,
    purged_at timestamp with time zone,
    bank_language text,
    CONSTRAINT person_bank_language_check CHECK ((bank_language = ANY (ARRAY['pl'::text, 'en'::text, 'de'::text, 'uk'::text]))),
    CONSTRAINT person_kind_check CHECK ((kind = ANY (ARRAY['natural'::text, 'corporate_user'::text]))),
    CONSTRAINT person_language_check CHECK ((language = ANY (ARRAY['pl'::text, 'en'::text, 'de'::text, 'uk'::text]))),
    CONSTRAINT person_ref_check CHECK (((length(ref) >= 1) AND (length(ref) <= 64))),
    CONSTRAINT person_status_check CHECK ((status = ANY (ARRAY['known'::text, 'registered'::text, 'closed'::text])))
);

CREATE TABLE enrollment.phone (
    phone_id uuid NOT NULL,
    person_id uuid NOT NULL,
    state text NOT NULL,
    number_ct bytea NOT NULL,
    idx bytea NOT NULL,
    key_id text NOT NULL,
    mask text NOT NULL,
    source text NOT NULL,
    purpose text DEFAULT 'sca'::text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    verified_at timestamp with time zone,
    CONSTRAINT phone_check CHECK (((state = 'retired'::text) = (valid_to IS NOT NULL))),
    CONSTRAINT phone_idx_check CHECK ((length(idx) = 32)),
    CONSTRAINT phone_key_id_check CHECK ((length(key_id) <= 32)),
    CONSTRAINT phone_mask_check CHECK ((length(mask) <= 24)),
    CONSTRAINT phone_purpose_check CHECK ((purpose = 'sca'::text)),
    CONSTRAINT phone_source_check CHECK ((source = ANY (ARRAY['branch'::text, 'portal'::text]))),
    CONSTRAINT phone_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'active'::text, 'disputed'::text, 'retired'::text])))
);

CREATE TABLE enrollment.phone_change (
    change_id uuid NOT NULL,
    person_id uuid NOT NULL,
    phone_id uuid NOT NULL,
    state text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    active_at timestamp with time zone,
    CONSTRAINT phone_change_check CHECK (((confirmed_at IS NULL) = (active_at IS NULL))),
    CONSTRAINT phone_change_check1 CHECK (((state <> ALL (ARRAY['confirmed'::text, 'active'::text])) OR (confirmed_at IS NOT NULL))),
    CONSTRAINT phone_change_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'confirmed'::text, 'active'::text, 'dropped'::text])))
);

CREATE TABLE enrollment.product (
    product text NOT NULL,
    per_tx bigint,
    per_day bigint,
    per_month bigint,
    count_day integer,
    count_month integer,
    CONSTRAINT product_count_day_check CHECK ((count_day >= 0)),
    CONSTRAINT product_count_month_check CHECK ((count_month >= 0)),
    CONSTRAINT product_per_day_check CHECK ((per_day >= 0)),
    CONSTRAINT product_per_month_check CHECK ((per_month >= 0)),
    CONSTRAINT product_per_tx_check CHECK ((per_tx >= 0)),
    CONSTRAINT product_product_check CHECK (((length(product) >= 1) AND (length(product) <= 60)))
);

CREATE TABLE enrollment.sca_state (
    person_id uuid NOT NULL,
    failures integer NOT NULL,
    block_kind text,
    block_until timestamp with time zone,
    updated_at timestamp with time zone NOT NULL,
    pin_failures integer DEFAULT 0 NOT NULL,
    CONSTRAINT sca_state_block_kind_check CHECK ((block_kind = ANY (ARRAY['sca_temp'::text, 'sca_perm'::text, 'manual'::text]))),
    CONSTRAINT sca_state_check CHECK (((block_kind IS NOT NULL) OR (block_until IS NULL))),
    CONSTRAINT sca_state_check1 CHECK (((block_kind <> 'sca_temp'::text) OR (block_until IS NOT NULL))),
    CONSTRAINT sca_state_check2 CHECK (((block_kind <> 'sca_perm'::text) OR (block_until IS NULL))),
    CONSTRAINT sca_state_failures_check CHECK (((failures >= 0) AND (failures <= 5))),
    CONSTRAINT sca_state_pin_failures_check CHECK ((pin_failures >= 0))
);

CREATE TABLE enrollment.spending_limit (
    owner_id uuid NOT NULL,
    level text NOT NULL,
    per_tx bigint,
    per_day bigint,
    per_month bigint,
    count_day integer,
    count_month integer,
    set_by text NOT NULL,
    set_at timestamp with time zone NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT spending_limit_count_day_check CHECK ((count_day >= 0)),
    CONSTRAINT spending_limit_count_month_check CHECK ((count_month >= 0)),
    CONSTRAINT spending_limit_level_check CHECK ((level = ANY (ARRAY['account'::text, 'card_branch'::text, 'card_client'::text]))),
    CONSTRAINT spending_limit_per_day_check CHECK ((per_day >= 0)),
    CONSTRAINT spending_limit_per_month_check CHECK ((per_month >= 0)),
    CONSTRAINT spending_limit_per_tx_check CHECK ((per_tx >= 0)),
    CONSTRAINT spending_limit_set_by_check CHECK ((length(set_by) <= 100))
);

CREATE VIEW enrollment.card_standing AS
 SELECT c.pan_idx,
    c.card_id,
    c.account_id,
    c.person_id,
    c.last4,
    c.expiry,
    c.previous_expiry,
    c.status AS card_status,
    e.state AS enrolment,
    e.reason AS enrolment_reason,
    p.status AS person_status,
    a.status AS account_status,
    n.act AS consent_act,
    t.good_until AS consent_good_until,
    f.phone_id,
    f.mask AS phone_mask,
    (f.state = 'active'::text) AS phone_usable,
    (r.person_id IS NOT NULL) AS pin_set,
    s.block_kind,
    s.block_until,
    COALESCE(s.failures, 0) AS failures,
    p.language,
    a.currency,
    (((la.per_tx + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS account_per_tx,
    (((la.per_day + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS account_per_day,
    (((la.per_month + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS account_per_month,
    (((la.count_day + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS account_count_day,
    (((la.count_month + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS account_count_month,
    (((LEAST(lp.per_tx, lb.per_tx, lc.per_tx) + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS card_per_tx,
    (((LEAST(lp.per_day, lb.per_day, lc.per_day) + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS card_per_day,
    (((LEAST(lp.per_month, lb.per_month, lc.per_month) + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS card_per_month,
    (((LEAST(lp.count_day, lb.count_day, lc.count_day) + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS card_count_day,
    (((LEAST(lp.count_month, lb.count_month, lc.count_month) + COALESCE(k.share, 1)) - 1) / COALESCE(k.share, 1)) AS card_count_month,
    p.low_value AS low_value_wanted,
    u.currency AS low_value_currency,
    COALESCE(u.amount, (0)::bigint) AS low_value_amount,
    COALESCE(u.count, 0) AS low_value_count,
    (o.phone_id IS NOT NULL) AS phone_shared,
    f.changed_at AS phone_changed_at
   FROM (((((((((((((((enrollment.card c
     CROSS JOIN LATERAL ( SELECT x.status,
            x.currency
           FROM enrollment.account x
          WHERE (x.account_id = c.account_id)
         LIMIT 1) a)
     CROSS JOIN LATERAL ( SELECT x.status,
            x.language,
            x.low_value
           FROM enrollment.person x
          WHERE (x.person_id = c.person_id)
         LIMIT 1) p)
     CROSS JOIN LATERAL ( SELECT x.state,
            x.reason
           FROM enrollment.enrolment x
          WHERE (x.card_id = c.card_id)
         LIMIT 1) e)
     LEFT JOIN LATERAL ( SELECT 2 AS share
           FROM enrollment.phone_change x
          WHERE ((x.person_id = c.person_id) AND (x.state = 'confirmed'::text))
         LIMIT 1) k ON (true))
     LEFT JOIN LATERAL ( SELECT x.phone_id,
            x.mask,
            x.state,
            x.idx,
                CASE
                    WHEN (x.source = 'portal'::text) THEN x.valid_from
                    ELSE NULL::timestamp with time zone
                END AS changed_at
           FROM enrollment.phone x
          WHERE ((x.person_id = c.person_id) AND (x.state = ANY (ARRAY['active'::text, 'disputed'::text])))
         LIMIT 1) f ON (true))
     LEFT JOIN LATERAL ( SELECT x.person_id
           FROM enrollment.credential x
          WHERE (x.person_id = c.person_id)
         LIMIT 1) r ON (true))
     LEFT JOIN LATERAL ( SELECT x.failures,
            x.block_kind,
            x.block_until
           FROM enrollment.sca_state x
          WHERE (x.person_id = c.person_id)
         LIMIT 1) s ON (true))
     LEFT JOIN LATERAL ( SELECT x.act,
            x.code,
            x.version,
            x.language
           FROM enrollment.consent x
          WHERE ((x.person_id = c.person_id) AND (x.code = 'sms_3ds'::text))
          ORDER BY x.consent_id DESC
         LIMIT 1) n ON (true))
     LEFT JOIN LATERAL ( SELECT x.good_until
           FROM enrollment.consent_text x
          WHERE ((x.code = n.code) AND (x.version = n.version) AND (x.language = n.language))
         LIMIT 1) t ON (true))
     LEFT JOIN LATERAL ( SELECT x.per_tx,
            x.per_day,
            x.per_month,
            x.count_day,
            x.count_month
           FROM enrollment.spending_limit x
          WHERE ((x.owner_id = c.account_id) AND (x.level = 'account'::text))
         LIMIT 1) la ON (true))
     LEFT JOIN LATERAL ( SELECT x.per_tx,
            x.per_day,
            x.per_month,
            x.count_day,
            x.count_month
           FROM enrollment.spending_limit x
          WHERE ((x.owner_id = c.card_id) AND (x.level = 'card_branch'::text))
         LIMIT 1) lb ON (true))
     LEFT JOIN LATERAL ( SELECT x.per_tx,
            x.per_day,
            x.per_month,
            x.count_day,
            x.count_month
           FROM enrollment.spending_limit x
          WHERE ((x.owner_id = c.card_id) AND (x.level = 'card_client'::text))
         LIMIT 1) lc ON (true))
     LEFT JOIN LATERAL ( SELECT x.per_tx,
            x.per_day,
            x.per_month,
            x.count_day,
            x.count_month
           FROM enrollment.product x
          WHERE (x.product = c.product)
         LIMIT 1) lp ON (true))
     LEFT JOIN LATERAL ( SELECT x.currency,
            x.amount,
            x.count
           FROM enrollment.low_value_use x
          WHERE (x.card_id = c.card_id)
         LIMIT 1) u ON (true))
     LEFT JOIN LATERAL ( SELECT x.phone_id
           FROM enrollment.phone x
          WHERE ((x.idx = f.idx) AND (x.state = ANY (ARRAY['active'::text, 'disputed'::text])) AND (x.person_id <> c.person_id))
         LIMIT 1) o ON (true));

ALTER TABLE enrollment.consent ALTER COLUMN consent_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME enrollment.consent_consent_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE enrollment.consent_sweep (
    code text NOT NULL,
    version integer NOT NULL,
    after uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    done_at timestamp with time zone
);

CREATE TABLE enrollment.counter (
    kind text NOT NULL,
    key bytea NOT NULL,
    count integer NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    CONSTRAINT counter_count_check CHECK ((count >= 1)),
    CONSTRAINT counter_key_check CHECK ((length(key) = 32)),
    CONSTRAINT counter_kind_check CHECK ((length(kind) <= 40))
);

CREATE TABLE enrollment.entry (
    entry_id uuid NOT NULL,
    kind text NOT NULL,
    who bytea NOT NULL,
    person_id uuid,
    is_open boolean NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    token_hash bytea,
    proved_at timestamp with time zone,
    used_at timestamp with time zone,
    started_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT entry_attempts_check CHECK (((attempts >= 0) AND (attempts <= 10))),
    CONSTRAINT entry_check CHECK ((expires_at > started_at)),
    CONSTRAINT entry_check1 CHECK (((NOT is_open) OR (person_id IS NOT NULL))),
    CONSTRAINT entry_kind_check CHECK ((kind = ANY (ARRAY['login'::text, 'reset'::text]))),
    CONSTRAINT entry_token_hash_check CHECK ((length(token_hash) = 32)),
    CONSTRAINT entry_who_check CHECK ((length(who) = 32))
);

CREATE TABLE enrollment.host_wish (
    wish_id uuid NOT NULL,
    person_id uuid NOT NULL,
    card_id uuid NOT NULL,
    card_ref text NOT NULL,
    wish text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    CONSTRAINT host_wish_card_ref_check CHECK (((length(card_ref) >= 1) AND (length(card_ref) <= 64))),
    CONSTRAINT host_wish_wish_check CHECK ((wish = ANY (ARRAY['temporary'::text, 'permanent'::text])))
);

CREATE TABLE enrollment.idempotency (
    caller text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer,
    body text,
    etag text,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_caller_check CHECK ((length(caller) <= 200)),
    CONSTRAINT idempotency_fingerprint_check CHECK ((length(fingerprint) = 32)),
    CONSTRAINT idempotency_key_check CHECK ((length(key) <= 64))
);

CREATE TABLE enrollment.import_error (
    run_id uuid NOT NULL,
    line bigint NOT NULL,
    code text NOT NULL,
    field text,
    CONSTRAINT import_error_code_check CHECK ((length(code) <= 60)),
    CONSTRAINT import_error_field_check CHECK ((length(field) <= 100)),
    CONSTRAINT import_error_line_check CHECK ((line >= 1))
);

CREATE TABLE enrollment.import_run (
    run_id uuid NOT NULL,
    sha256 bytea,
    caller text NOT NULL,
    state text NOT NULL,
    bytes_total bigint,
    bytes_done bigint DEFAULT 0 NOT NULL,
    lines_done bigint DEFAULT 0 NOT NULL,
    created bigint DEFAULT 0 NOT NULL,
    changed bigint DEFAULT 0 NOT NULL,
    unchanged bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    started_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT import_run_bytes_done_check CHECK ((bytes_done >= 0)),
    CONSTRAINT import_run_bytes_total_check CHECK ((bytes_total >= 0)),
    CONSTRAINT import_run_caller_check CHECK ((length(caller) <= 100)),
    CONSTRAINT import_run_changed_check CHECK ((changed >= 0)),
    CONSTRAINT import_run_check CHECK ((bytes_done <= bytes_total)),
    CONSTRAINT import_run_check1 CHECK (((((created + changed) + unchanged) + refused) = lines_done)),
    CONSTRAINT import_run_created_check CHECK ((created >= 0)),
    CONSTRAINT import_run_lines_done_check CHECK ((lines_done >= 0)),
    CONSTRAINT import_run_refused_check CHECK ((refused >= 0)),
    CONSTRAINT import_run_sha256_check CHECK ((length(sha256) = 32)),
    CONSTRAINT import_run_state_check CHECK ((state = ANY (ARRAY['running'::text, 'done'::text]))),
    CONSTRAINT import_run_unchanged_check CHECK ((unchanged >= 0))
);

CREATE TABLE enrollment.jti_seen (
    iss text NOT NULL,
    jti text NOT NULL,
    exp timestamp with time zone NOT NULL,
    CONSTRAINT jti_seen_iss_check CHECK ((length(iss) <= 100)),
    CONSTRAINT jti_seen_jti_check CHECK ((length(jti) <= 100))
);

CREATE TABLE enrollment.password (
    person_id uuid NOT NULL,
    hash text NOT NULL,
    key_id text NOT NULL,
    set_at timestamp with time zone NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT password_hash_check CHECK ((hash ~~ '$argon2id$%'::text)),
    CONSTRAINT password_key_id_check CHECK ((length(key_id) <= 32))
);

CREATE TABLE enrollment.person_identifier (
    identifier_id bigint NOT NULL,
    person_id uuid NOT NULL,
    id_kind text NOT NULL,
    idx bytea NOT NULL,
    key_id text NOT NULL,
    valid_from timestamp with time zone NOT NULL,
    valid_to timestamp with time zone,
    CONSTRAINT person_identifier_id_kind_check CHECK ((id_kind = ANY (ARRAY['pesel'::text, 'nonresident'::text]))),
    CONSTRAINT person_identifier_idx_check CHECK ((length(idx) = 32)),
    CONSTRAINT person_identifier_key_id_check CHECK ((length(key_id) <= 32))
);

ALTER TABLE enrollment.person_identifier ALTER COLUMN identifier_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME enrollment.person_identifier_identifier_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE enrollment.portal_session (
    session_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    person_id uuid NOT NULL,
    ua_hash bytea NOT NULL,
    origin text DEFAULT ''::text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    end_reason text,
    CONSTRAINT portal_session_check CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
    CONSTRAINT portal_session_end_reason_check CHECK ((length(end_reason) <= 40)),
    CONSTRAINT portal_session_origin_check CHECK ((length(origin) <= 60)),
    CONSTRAINT portal_session_token_hash_check CHECK ((length(token_hash) = 32)),
    CONSTRAINT portal_session_ua_hash_check CHECK ((length(ua_hash) = 32))
);

CREATE TABLE enrollment.registration (
    registration_id uuid NOT NULL,
    idx bytea NOT NULL,
    person_id uuid,
    activation_id uuid,
    state text NOT NULL,
    sends text NOT NULL,
    phone_mask text NOT NULL,
    consents jsonb DEFAULT '[]'::jsonb NOT NULL,
    sms_hash bytea,
    sms_key_id text,
    sms_expires_at timestamp with time zone,
    sent integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    token_hash bytea,
    verified_at timestamp with time zone,
    started_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT registration_attempts_check CHECK (((attempts >= 0) AND (attempts <= 10))),
    CONSTRAINT registration_check CHECK ((expires_at > started_at)),
    CONSTRAINT registration_check1 CHECK (((sms_hash IS NULL) = (sms_key_id IS NULL))),
    CONSTRAINT registration_check2 CHECK (((sms_hash IS NULL) = (sms_expires_at IS NULL))),
    CONSTRAINT registration_check3 CHECK (((state <> 'sms_ok'::text) OR ((token_hash IS NOT NULL) AND (verified_at IS NOT NULL)))),
    CONSTRAINT registration_check4 CHECK (((sends <> 'password'::text) OR (person_id IS NOT NULL))),
    CONSTRAINT registration_idx_check CHECK ((length(idx) = 32)),
    CONSTRAINT registration_phone_mask_check CHECK ((length(phone_mask) <= 24)),
    CONSTRAINT registration_sends_check CHECK ((sends = ANY (ARRAY['password'::text, 'notice'::text, 'nothing'::text]))),
    CONSTRAINT registration_sent_check CHECK ((sent >= 0)),
    CONSTRAINT registration_sms_hash_check CHECK ((length(sms_hash) = 32)),
    CONSTRAINT registration_sms_key_id_check CHECK ((length(sms_key_id) <= 32)),
    CONSTRAINT registration_state_check CHECK ((state = ANY (ARRAY['started'::text, 'consented'::text, 'sms_sent'::text, 'sms_ok'::text, 'done'::text, 'expired'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT registration_token_hash_check CHECK ((length(token_hash) = 32))
);

CREATE TABLE enrollment.reservation (
    acs_trans_id uuid NOT NULL,
    card_id uuid NOT NULL,
    account_id uuid NOT NULL,
    amount bigint NOT NULL,
    day date NOT NULL,
    month date NOT NULL,
    state text NOT NULL,
    made_at timestamp with time zone NOT NULL,
    counted_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT reservation_amount_check CHECK ((amount >= 0)),
    CONSTRAINT reservation_check CHECK (((state <> ALL (ARRAY['counted'::text, 'lapsed'::text])) OR (counted_at IS NOT NULL))),
    CONSTRAINT reservation_check1 CHECK (((state = ANY (ARRAY['released'::text, 'lapsed'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT reservation_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT reservation_state_check CHECK ((state = ANY (ARRAY['held'::text, 'counted'::text, 'released'::text, 'lapsed'::text])))
)
PARTITION BY RANGE (acs_trans_id);

CREATE TABLE enrollment.reservation_default (
    acs_trans_id uuid CONSTRAINT reservation_acs_trans_id_not_null NOT NULL,
    card_id uuid CONSTRAINT reservation_card_id_not_null NOT NULL,
    account_id uuid CONSTRAINT reservation_account_id_not_null NOT NULL,
    amount bigint CONSTRAINT reservation_amount_not_null NOT NULL,
    day date CONSTRAINT reservation_day_not_null NOT NULL,
    month date CONSTRAINT reservation_month_not_null NOT NULL,
    state text CONSTRAINT reservation_state_not_null NOT NULL,
    made_at timestamp with time zone CONSTRAINT reservation_made_at_not_null NOT NULL,
    counted_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT reservation_amount_check CHECK ((amount >= 0)),
    CONSTRAINT reservation_check CHECK (((state <> ALL (ARRAY['counted'::text, 'lapsed'::text])) OR (counted_at IS NOT NULL))),
    CONSTRAINT reservation_check1 CHECK (((state = ANY (ARRAY['released'::text, 'lapsed'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT reservation_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric)),
    CONSTRAINT reservation_state_check CHECK ((state = ANY (ARRAY['held'::text, 'counted'::text, 'released'::text, 'lapsed'::text])))
)
WITH (toast_tuple_target='8160');

CREATE TABLE enrollment.step_up (
    step_up_id uuid NOT NULL,
    person_id uuid NOT NULL,
    phone_id uuid NOT NULL,
    action text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT step_up_action_check CHECK ((length(action) <= 40))
);

CREATE TABLE enrollment.trusted_merchant (
    merchant_id uuid NOT NULL,
    person_id uuid NOT NULL,
    acquirer_bin text NOT NULL,
    acquirer_merchant_id text NOT NULL,
    name text NOT NULL,
    added_by uuid NOT NULL,
    added_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT trusted_merchant_acquirer_bin_check CHECK ((length(acquirer_bin) <= 11)),
    CONSTRAINT trusted_merchant_acquirer_merchant_id_check CHECK ((length(acquirer_merchant_id) <= 35)),
    CONSTRAINT trusted_merchant_name_check CHECK ((length(name) <= 40))
);

CREATE TABLE enrollment.unblock_request (
    request_id uuid NOT NULL,
    person_id uuid NOT NULL,
    kind text NOT NULL,
    asked_by text NOT NULL,
    reason text NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT unblock_request_asked_by_check CHECK (((length(asked_by) >= 1) AND (length(asked_by) <= 64))),
    CONSTRAINT unblock_request_check CHECK ((expires_at > asked_at)),
    CONSTRAINT unblock_request_kind_check CHECK ((kind = 'sca_perm'::text)),
    CONSTRAINT unblock_request_reason_check CHECK ((length(reason) <= 200))
);

CREATE TABLE enrollment.usage (
    owner_id uuid NOT NULL,
    period text NOT NULL,
    starts_on date NOT NULL,
    amount bigint NOT NULL,
    count integer NOT NULL,
    amount_max bigint,
    count_max integer,
    CONSTRAINT usage_amount_check CHECK ((amount >= 0)),
    CONSTRAINT usage_count_check CHECK ((count >= 0)),
    CONSTRAINT usage_period_check CHECK ((period = ANY (ARRAY['day'::text, 'month'::text]))),
    CONSTRAINT usage_within_bounds CHECK (((amount <= amount_max) AND (count <= count_max)))
);

CREATE TABLE otp.busy_source (
    kind text NOT NULL,
    source text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    sends integer NOT NULL,
    used integer NOT NULL,
    CONSTRAINT busy_source_check CHECK ((until > since)),
    CONSTRAINT busy_source_kind_check CHECK ((kind = ANY (ARRAY['merchant'::text, 'acquirer'::text, 'network'::text]))),
    CONSTRAINT busy_source_sends_check CHECK ((sends > 0)),
    CONSTRAINT busy_source_source_check CHECK (((length(source) >= 1) AND (length(source) <= 60))),
    CONSTRAINT busy_source_used_check CHECK ((used >= 0))
);

CREATE TABLE otp.code (
    challenge_id uuid NOT NULL,
    purpose text NOT NULL,
    link_digest bytea NOT NULL,
    seq smallint NOT NULL,
    phase text NOT NULL,
    key_id text,
    mac bytea,
    attempts smallint NOT NULL,
    card_ref uuid,
    created_at timestamp with time zone NOT NULL,
    last_sent_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    consumed_at timestamp with time zone,
    CONSTRAINT code_attempts_check CHECK (((attempts >= 0) AND (attempts <= 5))),
    CONSTRAINT code_check CHECK ((expires_at > last_sent_at)),
    CONSTRAINT code_check1 CHECK (((phase = 'live'::text) = (mac IS NOT NULL))),
    CONSTRAINT code_check2 CHECK (((mac IS NULL) = (key_id IS NULL))),
    CONSTRAINT code_check3 CHECK (((phase = 'used'::text) = (consumed_at IS NOT NULL))),
    CONSTRAINT code_check4 CHECK ((expires_at <= (last_sent_at + '00:10:00'::interval))),
    CONSTRAINT code_key_id_check CHECK ((length(key_id) <= 32)),
    CONSTRAINT code_link_digest_check CHECK ((length(link_digest) = 32)),
    CONSTRAINT code_mac_check CHECK ((length(mac) = 32)),
    CONSTRAINT code_phase_check CHECK ((phase = ANY (ARRAY['live'::text, 'used'::text, 'exhausted'::text, 'forgotten'::text]))),
    CONSTRAINT code_purpose_check CHECK ((purpose = ANY (ARRAY['payment'::text, 'step_up'::text]))),
    CONSTRAINT code_seq_check CHECK (((seq >= 1) AND (seq <= 5)))
);

CREATE TABLE otp.early_report (
    provider text NOT NULL,
    provider_id text NOT NULL,
    state text NOT NULL,
    told_at timestamp with time zone,
    reason text,
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT early_report_provider_check CHECK ((length(provider) <= 40)),
    CONSTRAINT early_report_provider_id_check CHECK ((length(provider_id) <= 200)),
    CONSTRAINT early_report_reason_check CHECK ((length(reason) <= 80)),
    CONSTRAINT early_report_state_check CHECK ((state = ANY (ARRAY['accepted'::text, 'delivered'::text, 'failed'::text, 'expired'::text])))
);

CREATE TABLE otp.outbox (
    sms_id uuid NOT NULL,
    challenge_id uuid NOT NULL,
    seq smallint NOT NULL,
    number_sealed bytea,
    text_sealed bytea,
    state text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    queued_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    claimed_by text,
    claimed_at timestamp with time zone,
    provider text,
    provider_id text,
    reason text,
    settled_at timestamp with time zone,
    kind text DEFAULT 'code'::text NOT NULL,
    report_state text,
    reported_at timestamp with time zone,
    report_told_at timestamp with time zone,
    report_reason text,
    calling_code text,
    doubted_provider text,
    is_bulk boolean DEFAULT false NOT NULL,
    CONSTRAINT outbox_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT outbox_calling_code_check CHECK ((calling_code ~ '^[1-9][0-9]{0,2}$'::text)),
    CONSTRAINT outbox_check CHECK (((number_sealed IS NULL) = (text_sealed IS NULL))),
    CONSTRAINT outbox_check1 CHECK (((claimed_by IS NULL) = (claimed_at IS NULL))),
    CONSTRAINT outbox_check10 CHECK (((report_state IS NOT NULL) OR ((report_told_at IS NULL) AND (report_reason IS NULL)))),
    CONSTRAINT outbox_check2 CHECK (((state = ANY (ARRAY['queued'::text, 'sending'::text])) = (text_sealed IS NOT NULL))),
    CONSTRAINT outbox_check3 CHECK (((state = ANY (ARRAY['queued'::text, 'sending'::text])) = (settled_at IS NULL))),
    CONSTRAINT outbox_check4 CHECK (((state = 'sending'::text) = (claimed_by IS NOT NULL))),
    CONSTRAINT outbox_check5 CHECK (((state <> 'queued'::text) OR (provider IS NULL))),
    CONSTRAINT outbox_check6 CHECK (((state <> ALL (ARRAY['sent'::text, 'unknown'::text])) OR (provider IS NOT NULL))),
    CONSTRAINT outbox_check7 CHECK (((state = 'sent'::text) OR (provider_id IS NULL))),
    CONSTRAINT outbox_check8 CHECK (((state = 'queued'::text) OR (state = 'expired'::text) OR (attempts > 0))),
    CONSTRAINT outbox_check9 CHECK (((report_state IS NULL) = (reported_at IS NULL))),
    CONSTRAINT outbox_claimed_by_check CHECK ((length(claimed_by) <= 100)),
    CONSTRAINT outbox_doubted_provider_check CHECK ((length(doubted_provider) <= 40)),
    CONSTRAINT outbox_kind_check CHECK ((kind = ANY (ARRAY['code'::text, 'password'::text, 'notice'::text, 'held'::text]))),
    CONSTRAINT outbox_provider_check CHECK ((length(provider) <= 40)),
    CONSTRAINT outbox_provider_id_check CHECK ((length(provider_id) <= 200)),
    CONSTRAINT outbox_reason_check CHECK ((length(reason) <= 80)),
    CONSTRAINT outbox_report_reason_check CHECK ((length(report_reason) <= 80)),
    CONSTRAINT outbox_report_state_check CHECK ((report_state = ANY (ARRAY['accepted'::text, 'delivered'::text, 'failed'::text, 'expired'::text]))),
    CONSTRAINT outbox_seq_check CHECK (((seq >= 1) AND (seq <= 5))),
    CONSTRAINT outbox_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'sending'::text, 'sent'::text, 'failed'::text, 'unknown'::text, 'expired'::text])))
);

CREATE TABLE otp.sending (
    challenge_id uuid NOT NULL,
    seq smallint NOT NULL,
    purpose text NOT NULL,
    phone_key_id text NOT NULL,
    phone_mac bytea NOT NULL,
    phone_mask text NOT NULL,
    card_ref uuid,
    merchant_ref text,
    sent_at timestamp with time zone NOT NULL,
    template text,
    mac_key_id text,
    prefix text,
    acquirer_ref text,
    network text,
    CONSTRAINT sending_acquirer_ref_check CHECK ((length(acquirer_ref) <= 20)),
    CONSTRAINT sending_mac_key_id_check CHECK ((length(mac_key_id) <= 32)),
    CONSTRAINT sending_merchant_ref_check CHECK ((length(merchant_ref) <= 60)),
    CONSTRAINT sending_network_check CHECK ((length(network) <= 43)),
    CONSTRAINT sending_phone_key_id_check CHECK ((length(phone_key_id) <= 32)),
    CONSTRAINT sending_phone_mac_check CHECK ((length(phone_mac) = 32)),
    CONSTRAINT sending_phone_mask_check CHECK ((length(phone_mask) <= 24)),
    CONSTRAINT sending_prefix_check CHECK ((prefix ~ '^[1-9][0-9]{0,7}$'::text)),
    CONSTRAINT sending_purpose_check CHECK ((purpose = ANY (ARRAY['payment'::text, 'step_up'::text]))),
    CONSTRAINT sending_seq_check CHECK (((seq >= 1) AND (seq <= 5))),
    CONSTRAINT sending_template_check CHECK ((length(template) <= 60))
);

CREATE TABLE otp.suspension (
    prefix text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    sends integer NOT NULL,
    used integer NOT NULL,
    CONSTRAINT suspension_check CHECK ((until > since)),
    CONSTRAINT suspension_prefix_check CHECK ((prefix ~ '^[1-9][0-9]{0,7}$'::text)),
    CONSTRAINT suspension_sends_check CHECK ((sends > 0)),
    CONSTRAINT suspension_used_check CHECK ((used >= 0))
);

CREATE TABLE otp.watch (
    only_row boolean DEFAULT true NOT NULL,
    looked_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT watch_only_row_check CHECK (only_row)
);

CREATE TABLE upkeep.dropped (
    parent text NOT NULL,
    month date NOT NULL,
    rows_about bigint NOT NULL,
    dropped_at timestamp with time zone NOT NULL
);

CREATE VIEW upkeep.partition AS
 SELECT p.oid AS parent_id,
    format('%I.%I'::text, n.nspname, p.relname) AS parent,
    format('%I.%I'::text, n.nspname, c.relname) AS partition,
    to_date("substring"((c.relname)::text, '_p([0-9]{4}_[0-9]{2})$'::text), 'YYYY_MM'::text) AS month,
    (GREATEST(c.reltuples, (0)::real))::bigint AS rows_about
   FROM (((pg_inherits i
     JOIN pg_class p ON (((p.oid = i.inhparent) AND (p.relkind = 'p'::"char"))))
     JOIN pg_namespace n ON ((n.oid = p.relnamespace)))
     JOIN pg_class c ON (((c.oid = i.inhrelid) AND (c.relname ~ '_p[0-9]{4}_[0-9]{2}$'::text))))
  WHERE (upkeep.kept_at_least((p.oid)::regclass) IS NOT NULL);

CREATE TABLE upkeep.stock (
    what text NOT NULL,
    range_id text NOT NULL,
    planned bigint NOT NULL,
    done bigint DEFAULT 0 NOT NULL,
    began_at timestamp with time zone NOT NULL,
    CONSTRAINT stock_check CHECK (((done >= 0) AND (done <= planned))),
    CONSTRAINT stock_planned_check CHECK ((planned >= 0)),
    CONSTRAINT stock_what_check CHECK ((what = ANY (ARRAY['cards'::text, 'transactions'::text])))
);

ALTER TABLE ONLY acs.message_log ATTACH PARTITION acs.message_log_default DEFAULT;

ALTER TABLE ONLY acs.transaction ATTACH PARTITION acs.transaction_default DEFAULT;

ALTER TABLE ONLY acs.visitor ATTACH PARTITION acs.visitor_default DEFAULT;

ALTER TABLE ONLY audit.evidence ATTACH PARTITION audit.evidence_default DEFAULT;

ALTER TABLE ONLY enrollment.reservation ATTACH PARTITION enrollment.reservation_default DEFAULT;

ALTER TABLE ONLY acs.card_range
    ADD CONSTRAINT card_range_numrange_excl EXCLUDE USING gist (numrange(low, high, '[]'::text) WITH &&);

ALTER TABLE ONLY acs.card_range
    ADD CONSTRAINT card_range_pkey PRIMARY KEY (range_id);

ALTER TABLE ONLY acs.device_data
    ADD CONSTRAINT device_data_pkey PRIMARY KEY (three_ds_server_trans_id);

ALTER TABLE ONLY acs.exchange_rate
    ADD CONSTRAINT exchange_rate_pkey PRIMARY KEY (currency_from, currency_to);

ALTER TABLE ONLY acs.host_clock
    ADD CONSTRAINT host_clock_pkey PRIMARY KEY (host);

ALTER TABLE ONLY acs.issuer
    ADD CONSTRAINT issuer_pkey PRIMARY KEY (issuer_id);

ALTER TABLE ONLY acs.limit_sweep
    ADD CONSTRAINT limit_sweep_pkey PRIMARY KEY (is_the_row);

ALTER TABLE ONLY acs.number_check
    ADD CONSTRAINT number_check_pkey PRIMARY KEY (phone_mac);

ALTER TABLE ONLY acs.policy_version
    ADD CONSTRAINT policy_version_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY acs.result
    ADD CONSTRAINT result_pkey PRIMARY KEY (acs_trans_id);

ALTER TABLE ONLY acs.sdk_session
    ADD CONSTRAINT sdk_session_pkey PRIMARY KEY (acs_trans_id);

ALTER TABLE ONLY acs.timer
    ADD CONSTRAINT timer_pkey PRIMARY KEY (acs_trans_id, kind);

ALTER TABLE ONLY acs.known_areq
    ADD CONSTRAINT transaction_areq_once PRIMARY KEY (three_ds_server_trans_id, ds_trans_id);

ALTER TABLE ONLY acs.transaction
    ADD CONSTRAINT transaction_pkey PRIMARY KEY (acs_trans_id);

ALTER TABLE ONLY acs.transaction_default
    ADD CONSTRAINT transaction_default_pkey PRIMARY KEY (acs_trans_id);

ALTER TABLE ONLY acs.visitor
    ADD CONSTRAINT visitor_pkey PRIMARY KEY (acs_trans_id, seen_in);

ALTER TABLE ONLY acs.visitor_default
    ADD CONSTRAINT visitor_default_pkey PRIMARY KEY (acs_trans_id, seen_in);

ALTER TABLE ONLY audit.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY audit.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (acs_trans_id);

ALTER TABLE ONLY audit.evidence_default
    ADD CONSTRAINT evidence_default_pkey PRIMARY KEY (acs_trans_id);

ALTER TABLE ONLY audit.seal
    ADD CONSTRAINT seal_event_id_key UNIQUE (event_id);

ALTER TABLE ONLY enrollment.account_person
    ADD CONSTRAINT account_person_pkey PRIMARY KEY (account_id, person_id);

ALTER TABLE ONLY enrollment.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY enrollment.account
    ADD CONSTRAINT account_ref_key UNIQUE (ref);

ALTER TABLE ONLY enrollment.activation
    ADD CONSTRAINT activation_pkey PRIMARY KEY (activation_id);

ALTER TABLE ONLY enrollment.age_sweep
    ADD CONSTRAINT age_sweep_pkey PRIMARY KEY (is_the_row);

ALTER TABLE ONLY enrollment.block
    ADD CONSTRAINT block_pkey PRIMARY KEY (block_id);

ALTER TABLE ONLY enrollment.card
    ADD CONSTRAINT card_pan_idx_idx_key_id_key UNIQUE (pan_idx, idx_key_id);

ALTER TABLE ONLY enrollment.card
    ADD CONSTRAINT card_pkey PRIMARY KEY (card_id);

ALTER TABLE ONLY enrollment.card
    ADD CONSTRAINT card_ref_key UNIQUE (ref);

ALTER TABLE ONLY enrollment.consent
    ADD CONSTRAINT consent_pkey PRIMARY KEY (consent_id);

ALTER TABLE ONLY enrollment.consent_sweep
    ADD CONSTRAINT consent_sweep_pkey PRIMARY KEY (code, version);

ALTER TABLE ONLY enrollment.consent_text
    ADD CONSTRAINT consent_text_pkey PRIMARY KEY (code, version, language);

ALTER TABLE ONLY enrollment.counter
    ADD CONSTRAINT counter_pkey PRIMARY KEY (kind, key);

ALTER TABLE ONLY enrollment.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY enrollment.enrolment
    ADD CONSTRAINT enrolment_pkey PRIMARY KEY (card_id);

ALTER TABLE ONLY enrollment.entry
    ADD CONSTRAINT entry_pkey PRIMARY KEY (entry_id);

ALTER TABLE ONLY enrollment.host_wish
    ADD CONSTRAINT host_wish_pkey PRIMARY KEY (wish_id);

ALTER TABLE ONLY enrollment.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (caller, key);

ALTER TABLE ONLY enrollment.import_error
    ADD CONSTRAINT import_error_pkey PRIMARY KEY (run_id, line);

ALTER TABLE ONLY enrollment.import_run
    ADD CONSTRAINT import_run_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY enrollment.jti_seen
    ADD CONSTRAINT jti_seen_pkey PRIMARY KEY (iss, jti);

ALTER TABLE ONLY enrollment.low_value_use
    ADD CONSTRAINT low_value_use_pkey PRIMARY KEY (card_id);

ALTER TABLE ONLY enrollment.password
    ADD CONSTRAINT password_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY enrollment.person_identifier
    ADD CONSTRAINT person_identifier_pkey PRIMARY KEY (identifier_id);

ALTER TABLE ONLY enrollment.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (person_id);

ALTER TABLE enrollment.person
    ADD CONSTRAINT person_purged_late CHECK (((purged_at IS NULL) OR ((status = 'closed'::text) AND (closed_at IS NOT NULL) AND ((purged_at - closed_at) >= '396 days'::interval)))) NOT VALID;

ALTER TABLE ONLY enrollment.person
    ADD CONSTRAINT person_ref_key UNIQUE (ref);

ALTER TABLE ONLY enrollment.phone_change
    ADD CONSTRAINT phone_change_pkey PRIMARY KEY (change_id);

ALTER TABLE ONLY enrollment.phone
    ADD CONSTRAINT phone_pkey PRIMARY KEY (phone_id);

ALTER TABLE ONLY enrollment.portal_session
    ADD CONSTRAINT portal_session_pkey PRIMARY KEY (session_id);

ALTER TABLE ONLY enrollment.portal_session
    ADD CONSTRAINT portal_session_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY enrollment.product
    ADD CONSTRAINT product_pkey PRIMARY KEY (product);

ALTER TABLE ONLY enrollment.registration
    ADD CONSTRAINT registration_pkey PRIMARY KEY (registration_id);

ALTER TABLE ONLY enrollment.reservation
    ADD CONSTRAINT reservation_pkey PRIMARY KEY (acs_trans_id);

ALTER TABLE ONLY enrollment.reservation_default
    ADD CONSTRAINT reservation_default_pkey PRIMARY KEY (acs_trans_id);

ALTER TABLE ONLY enrollment.sca_state
    ADD CONSTRAINT sca_state_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY enrollment.spending_limit
    ADD CONSTRAINT spending_limit_pkey PRIMARY KEY (owner_id, level);

ALTER TABLE ONLY enrollment.step_up
    ADD CONSTRAINT step_up_pkey PRIMARY KEY (step_up_id);

ALTER TABLE ONLY enrollment.trusted_merchant
    ADD CONSTRAINT trusted_merchant_pkey PRIMARY KEY (merchant_id);

ALTER TABLE ONLY enrollment.unblock_request
    ADD CONSTRAINT unblock_request_pkey PRIMARY KEY (request_id);

ALTER TABLE ONLY enrollment.usage
    ADD CONSTRAINT usage_pkey PRIMARY KEY (owner_id, period, starts_on);

ALTER TABLE ONLY otp.budget
    ADD CONSTRAINT budget_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY otp.busy_source
    ADD CONSTRAINT busy_source_pkey PRIMARY KEY (kind, source);

ALTER TABLE ONLY otp.code
    ADD CONSTRAINT code_pkey PRIMARY KEY (challenge_id);

ALTER TABLE ONLY otp.early_report
    ADD CONSTRAINT early_report_pkey PRIMARY KEY (provider, provider_id);

ALTER TABLE ONLY otp.notice_budget
    ADD CONSTRAINT notice_budget_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY otp.outbox
    ADD CONSTRAINT outbox_challenge_id_seq_key UNIQUE (challenge_id, seq);

ALTER TABLE ONLY otp.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (sms_id);

ALTER TABLE ONLY otp.sending
    ADD CONSTRAINT sending_pkey PRIMARY KEY (challenge_id, seq);

ALTER TABLE ONLY otp.suspension
    ADD CONSTRAINT suspension_pkey PRIMARY KEY (prefix);

ALTER TABLE ONLY otp.watch
    ADD CONSTRAINT watch_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY upkeep.dropped
    ADD CONSTRAINT dropped_pkey PRIMARY KEY (parent, month);

ALTER TABLE ONLY upkeep.stock
    ADD CONSTRAINT stock_pkey PRIMARY KEY (what);

CREATE INDEX device_data_claimed ON acs.device_data USING btree (acs_trans_id) WHERE (acs_trans_id IS NOT NULL);

CREATE INDEX device_data_made ON acs.device_data USING btree (made_at);

CREATE INDEX known_areq_day ON acs.known_areq USING btree (day);

CREATE INDEX message_log_transaction ON ONLY acs.message_log USING btree (acs_trans_id);

CREATE INDEX message_log_default_transaction ON acs.message_log_default USING btree (acs_trans_id);

CREATE INDEX number_check_checked_at ON acs.number_check USING btree (checked_at);

CREATE INDEX result_due ON acs.result USING btree (ds_id, next_at) WHERE (state = 'queued'::text);

CREATE INDEX result_lease ON acs.result USING btree (ds_id, lease_until) WHERE (state = 'sending'::text);

CREATE INDEX result_open ON acs.result USING btree (created_at) WHERE (state = ANY (ARRAY['queued'::text, 'sending'::text]));

CREATE INDEX result_settled ON acs.result USING btree (settled_at) WHERE (settled_at IS NOT NULL);

CREATE INDEX sdk_session_keyed ON acs.sdk_session USING btree (made_at) WHERE (key_sealed IS NOT NULL);

CREATE INDEX sdk_session_made ON acs.sdk_session USING btree (made_at);

CREATE INDEX timer_due ON acs.timer USING btree (due_at);

CREATE INDEX visitor_default_seen_at ON acs.visitor_default USING btree (seen_at);

CREATE INDEX event_by_object ON ONLY audit.event USING btree (object, at);

CREATE INDEX account_person_by_person ON enrollment.account_person USING btree (person_id);

CREATE INDEX activation_by_person ON enrollment.activation USING btree (person_id, issued_at);

CREATE UNIQUE INDEX activation_one_open ON enrollment.activation USING btree (person_id) WHERE ((used_at IS NULL) AND (void_at IS NULL));

CREATE INDEX block_by_card ON enrollment.block USING btree (card_id) WHERE (card_id IS NOT NULL);

CREATE INDEX block_by_person ON enrollment.block USING btree (person_id, from_at);

CREATE INDEX card_by_account ON enrollment.card USING btree (account_id);

CREATE INDEX card_by_person ON enrollment.card USING btree (person_id);

CREATE INDEX card_replacing ON enrollment.card USING btree (replaced_by) WHERE (replaced_by IS NOT NULL);

CREATE INDEX consent_newest ON enrollment.consent USING btree (person_id, code, consent_id DESC);

CREATE INDEX counter_age ON enrollment.counter USING btree (ends_at);

CREATE INDEX enrolment_of_the_young ON enrollment.enrolment USING btree (card_id) WHERE (reason = ANY (ARRAY['too_young'::text, 'minor_not_allowed'::text]));

CREATE INDEX entry_age ON enrollment.entry USING btree (expires_at);

CREATE INDEX host_wish_due ON enrollment.host_wish USING btree (due_at);

CREATE INDEX host_wish_of_card ON enrollment.host_wish USING btree (card_id);

CREATE INDEX idempotency_age ON enrollment.idempotency USING btree (made_at);

CREATE INDEX import_run_unfinished ON enrollment.import_run USING btree (sha256, started_at) WHERE (state = 'running'::text);

CREATE INDEX jti_seen_exp ON enrollment.jti_seen USING btree (exp);

CREATE INDEX person_closed ON enrollment.person USING btree (COALESCE(closed_at, updated_at)) WHERE ((status = 'closed'::text) AND (purged_at IS NULL));

CREATE INDEX person_identifier_ended ON enrollment.person_identifier USING btree (person_id) WHERE (valid_to IS NOT NULL);

CREATE UNIQUE INDEX person_identifier_kind ON enrollment.person_identifier USING btree (person_id, id_kind) WHERE (valid_to IS NULL);

CREATE UNIQUE INDEX person_identifier_once ON enrollment.person_identifier USING btree (idx, key_id) WHERE (valid_to IS NULL);

CREATE INDEX phone_by_number ON enrollment.phone USING btree (idx) WHERE (state = ANY (ARRAY['active'::text, 'disputed'::text]));

CREATE INDEX phone_change_by_person ON enrollment.phone_change USING btree (person_id, confirmed_at);

CREATE INDEX phone_change_by_phone ON enrollment.phone_change USING btree (phone_id);

CREATE INDEX phone_change_due ON enrollment.phone_change USING btree (active_at) WHERE (state = 'confirmed'::text);

CREATE UNIQUE INDEX phone_change_one ON enrollment.phone_change USING btree (person_id) WHERE (state = ANY (ARRAY['asked'::text, 'confirmed'::text]));

CREATE INDEX phone_not_in_use ON enrollment.phone USING btree (person_id) WHERE (state = ANY (ARRAY['pending'::text, 'retired'::text]));

CREATE UNIQUE INDEX phone_one_in_use ON enrollment.phone USING btree (person_id) WHERE (state = ANY (ARRAY['active'::text, 'disputed'::text]));

CREATE INDEX portal_session_age ON enrollment.portal_session USING btree (opened_at);

CREATE INDEX portal_session_open ON enrollment.portal_session USING btree (person_id) WHERE (ended_at IS NULL);

CREATE INDEX registration_age ON enrollment.registration USING btree (expires_at);

CREATE UNIQUE INDEX registration_one_open ON enrollment.registration USING btree (idx) WHERE (state = ANY (ARRAY['started'::text, 'consented'::text, 'sms_sent'::text, 'sms_ok'::text]));

CREATE INDEX reservation_open ON ONLY enrollment.reservation USING btree (counted_at) WHERE (state = ANY (ARRAY['held'::text, 'counted'::text]));

CREATE INDEX reservation_default_counted_at_idx ON enrollment.reservation_default USING btree (counted_at) WHERE (state = ANY (ARRAY['held'::text, 'counted'::text]));

CREATE INDEX step_up_age ON enrollment.step_up USING btree (expires_at);

CREATE INDEX step_up_by_person ON enrollment.step_up USING btree (person_id, asked_at);

CREATE INDEX step_up_by_phone ON enrollment.step_up USING btree (phone_id);

CREATE INDEX trusted_merchant_by_person ON enrollment.trusted_merchant USING btree (person_id);

CREATE UNIQUE INDEX trusted_merchant_once ON enrollment.trusted_merchant USING btree (person_id, acquirer_bin, acquirer_merchant_id) WHERE (removed_at IS NULL);

CREATE INDEX unblock_request_by_person ON enrollment.unblock_request USING btree (person_id);

CREATE INDEX unblock_request_open ON enrollment.unblock_request USING btree (person_id) WHERE (ended_at IS NULL);

CREATE INDEX usage_age ON enrollment.usage USING btree (starts_on);

CREATE INDEX code_card_unsuccessful ON otp.code USING btree (card_ref, created_at) WHERE ((consumed_at IS NULL) AND (purpose = 'payment'::text) AND (card_ref IS NOT NULL));

CREATE INDEX code_created ON otp.code USING btree (created_at);

CREATE INDEX early_report_received ON otp.early_report USING btree (received_at);

CREATE INDEX outbox_held ON otp.outbox USING btree (is_bulk, queued_at) WHERE ((state = 'queued'::text) AND (kind = 'held'::text));

CREATE INDEX outbox_open ON otp.outbox USING btree (expires_at) WHERE (state = ANY (ARRAY['queued'::text, 'sending'::text]));

CREATE INDEX outbox_provider_id ON otp.outbox USING btree (provider, provider_id) WHERE (provider_id IS NOT NULL);

CREATE INDEX outbox_sending ON otp.outbox USING btree (claimed_at) WHERE (state = 'sending'::text);

CREATE INDEX outbox_settled ON otp.outbox USING btree (settled_at) WHERE (settled_at IS NOT NULL);

CREATE INDEX outbox_taken ON otp.outbox USING btree (due_at) WHERE ((state = ANY (ARRAY['queued'::text, 'sending'::text])) AND (kind <> 'held'::text));

CREATE INDEX sending_card ON otp.sending USING btree (card_ref, sent_at) WHERE (card_ref IS NOT NULL);

CREATE INDEX sending_phone ON otp.sending USING btree (phone_mac, sent_at);

CREATE INDEX sending_sent_at ON otp.sending USING btree (sent_at);

ALTER INDEX acs.message_log_transaction ATTACH PARTITION acs.message_log_default_transaction;

ALTER INDEX acs.transaction_pkey ATTACH PARTITION acs.transaction_default_pkey;

ALTER INDEX acs.visitor_pkey ATTACH PARTITION acs.visitor_default_pkey;

ALTER INDEX audit.evidence_pkey ATTACH PARTITION audit.evidence_default_pkey;

ALTER INDEX enrollment.reservation_open ATTACH PARTITION enrollment.reservation_default_counted_at_idx;

ALTER INDEX enrollment.reservation_pkey ATTACH PARTITION enrollment.reservation_default_pkey;

CREATE TRIGGER result_lane BEFORE INSERT ON acs.result FOR EACH ROW WHEN ((new.ds_id IS NULL)) EXECUTE FUNCTION acs.find_result_lane();

CREATE TRIGGER transaction_link_frozen BEFORE UPDATE OF acs_trans_id, three_ds_server_trans_id, ds_trans_id, purchase_amount, purchase_currency, purchase_exponent, merchant_name, acquirer_bin, acquirer_merchant_id, message_category, device_channel, card_id, link_digest, notification_url, ds_url ON acs.transaction FOR EACH ROW EXECUTE FUNCTION acs.refuse_relinking();

CREATE TRIGGER transaction_registers AFTER INSERT ON acs.transaction REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT WHEN ((current_setting('acs.registers_itself'::text, true) IS DISTINCT FROM 'yes'::text)) EXECUTE FUNCTION acs.register_areqs();

CREATE TRIGGER event_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.event FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER evidence_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.evidence FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER evidence_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.evidence_default FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER seal_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.seal FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

CREATE TRIGGER consent_append_only BEFORE DELETE OR TRUNCATE ON enrollment.consent FOR EACH STATEMENT EXECUTE FUNCTION enrollment.refuse_change();

CREATE TRIGGER consent_guarded BEFORE UPDATE ON enrollment.consent FOR EACH ROW EXECUTE FUNCTION enrollment.guard_consent();

CREATE TRIGGER consent_text_stays BEFORE UPDATE ON enrollment.consent_text FOR EACH ROW EXECUTE FUNCTION enrollment.refuse_other_words();

ALTER TABLE ONLY acs.card_range
    ADD CONSTRAINT card_range_issuer_id_fkey FOREIGN KEY (issuer_id) REFERENCES acs.issuer(issuer_id);

ALTER TABLE ONLY enrollment.account_person
    ADD CONSTRAINT account_person_account_id_fkey FOREIGN KEY (account_id) REFERENCES enrollment.account(account_id);

ALTER TABLE ONLY enrollment.account_person
    ADD CONSTRAINT account_person_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.activation
    ADD CONSTRAINT activation_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.block
    ADD CONSTRAINT block_card_id_fkey FOREIGN KEY (card_id) REFERENCES enrollment.card(card_id);

ALTER TABLE ONLY enrollment.block
    ADD CONSTRAINT block_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.card
    ADD CONSTRAINT card_account_id_fkey FOREIGN KEY (account_id) REFERENCES enrollment.account(account_id);

ALTER TABLE ONLY enrollment.card
    ADD CONSTRAINT card_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.card
    ADD CONSTRAINT card_replaced_by_fkey FOREIGN KEY (replaced_by) REFERENCES enrollment.card(card_id);

ALTER TABLE ONLY enrollment.consent
    ADD CONSTRAINT consent_code_version_language_fkey FOREIGN KEY (code, version, language) REFERENCES enrollment.consent_text(code, version, language);

ALTER TABLE ONLY enrollment.consent
    ADD CONSTRAINT consent_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.credential
    ADD CONSTRAINT credential_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.enrolment
    ADD CONSTRAINT enrolment_card_id_fkey FOREIGN KEY (card_id) REFERENCES enrollment.card(card_id);

ALTER TABLE ONLY enrollment.entry
    ADD CONSTRAINT entry_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.import_error
    ADD CONSTRAINT import_error_run_id_fkey FOREIGN KEY (run_id) REFERENCES enrollment.import_run(run_id);

ALTER TABLE ONLY enrollment.password
    ADD CONSTRAINT password_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.person_identifier
    ADD CONSTRAINT person_identifier_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.phone_change
    ADD CONSTRAINT phone_change_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.phone_change
    ADD CONSTRAINT phone_change_phone_id_fkey FOREIGN KEY (phone_id) REFERENCES enrollment.phone(phone_id);

ALTER TABLE ONLY enrollment.phone
    ADD CONSTRAINT phone_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.portal_session
    ADD CONSTRAINT portal_session_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.registration
    ADD CONSTRAINT registration_activation_id_fkey FOREIGN KEY (activation_id) REFERENCES enrollment.activation(activation_id);

ALTER TABLE ONLY enrollment.registration
    ADD CONSTRAINT registration_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.sca_state
    ADD CONSTRAINT sca_state_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.step_up
    ADD CONSTRAINT step_up_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.step_up
    ADD CONSTRAINT step_up_phone_id_fkey FOREIGN KEY (phone_id) REFERENCES enrollment.phone(phone_id);

ALTER TABLE ONLY enrollment.trusted_merchant
    ADD CONSTRAINT trusted_merchant_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);

ALTER TABLE ONLY enrollment.unblock_request
    ADD CONSTRAINT unblock_request_person_id_fkey FOREIGN KEY (person_id) REFERENCES enrollment.person(person_id);
