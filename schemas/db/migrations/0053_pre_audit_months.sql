-- The audit log and its chain are kept by month, so that they can be let go as the other tables are.
--
-- The key is event_id, and its first six digits are the month: 202611000000000042 is the 42nd event of
-- November 2026. They come from one sequence as before, which the worker turns to the next month
-- (upkeep.turn_month); until it does, events are numbered on where they are, so that none is ever
-- without a partition, and a month's last events may be a little later than the month. A link lies in
-- the month of its event, whenever it was made.
--
-- What was written before is the month 1970-01, as it stands: 0051 and 0052 have shown that it is
-- numbered below the next one. Nothing is copied or read here; the two tables are locked exclusively
-- for as long as the catalog takes.

-- Nobody carries the chain on or makes a month meanwhile; the events are locked before the links.
SELECT pg_advisory_xact_lock(7012340001);
SELECT pg_advisory_xact_lock(7012340002);
LOCK TABLE audit.event IN ACCESS EXCLUSIVE MODE;
LOCK TABLE audit.seal IN ACCESS EXCLUSIVE MODE;

-- It would be searched for references whenever a month is dropped; `acs audit verify` finds a link
-- whose event is gone.
ALTER TABLE audit.seal DROP CONSTRAINT seal_event_id_fkey;

ALTER TABLE audit.event ALTER COLUMN event_id DROP IDENTITY;
ALTER TABLE audit.event RENAME TO event_p1970_01;
ALTER INDEX audit.event_pkey RENAME TO event_p1970_01_pkey;
ALTER INDEX audit.event_by_object RENAME TO event_p1970_01_object_at_idx;
CREATE TABLE audit.event (LIKE audit.event_p1970_01 INCLUDING ALL EXCLUDING INDEXES)
    PARTITION BY RANGE (event_id);
ALTER TABLE audit.event DROP CONSTRAINT event_of_before;
ALTER TABLE audit.event ALTER COLUMN event_id ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE audit.event ADD PRIMARY KEY (event_id);
CREATE INDEX event_by_object ON audit.event (object, at);
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.event
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Numbers of links are unique in each month (upkeep.make_partition), for the key of the months is
-- another one; one process at a time gives them.
ALTER TABLE audit.seal RENAME TO seal_p1970_01;
ALTER INDEX audit.seal_pkey RENAME TO seal_p1970_01_pkey;
ALTER INDEX audit.seal_event_id_key RENAME TO seal_p1970_01_event_id_key;
CREATE TABLE audit.seal (LIKE audit.seal_p1970_01 INCLUDING ALL EXCLUDING INDEXES)
    PARTITION BY RANGE (event_id);
ALTER TABLE audit.seal DROP CONSTRAINT seal_of_before;
ALTER TABLE audit.seal ADD UNIQUE (event_id);
CREATE TRIGGER seal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.seal
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- Whoever might read or add before may do so now: roles.sql runs later, and the old code meanwhile.
DO $$
DECLARE
    allowed record;
BEGIN
    FOR allowed IN
        SELECT n.name, a.privilege_type AS what,
               CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS who,
               CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS more
          FROM (VALUES ('audit.event', 'audit.event_p1970_01'::regclass),
                       ('audit.seal', 'audit.seal_p1970_01'::regclass)) AS n (name, was)
          JOIN pg_class c ON c.oid = n.was
         CROSS JOIN LATERAL aclexplode(c.relacl) a
         WHERE a.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT %s ON %s TO %s%s', allowed.what, allowed.name, allowed.who, allowed.more);
    END LOOP;
END $$;

-- A new database has nothing of before. The old tables keep their triggers.
DO $$
BEGIN
    IF EXISTS (SELECT FROM audit.event_p1970_01) THEN
        ALTER TABLE audit.event ATTACH PARTITION audit.event_p1970_01
            FOR VALUES FROM (MINVALUE) TO (197002000000000000);
        ALTER TABLE audit.seal ATTACH PARTITION audit.seal_p1970_01
            FOR VALUES FROM (MINVALUE) TO (197002000000000000);
        ALTER TABLE audit.event_p1970_01 DROP CONSTRAINT event_of_before;
        ALTER TABLE audit.seal_p1970_01 DROP CONSTRAINT seal_of_before;
    ELSE
        DROP TABLE audit.seal_p1970_01, audit.event_p1970_01;
    END IF;
END $$;

-- The least number of a month's events.
CREATE FUNCTION upkeep.first_event(p_month date) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (extract(year FROM p_month) * 100 + extract(month FROM p_month))::bigint * 1000000000000
$$;

-- The month in which events are numbered now.
CREATE FUNCTION upkeep.event_month() RETURNS date
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN last_value < 197001000000000000 THEN date '1970-01-01'
                ELSE to_date((last_value / 1000000000000)::text, 'YYYYMM') END
      FROM audit.event_event_id_seq
$$;

-- The column that a table is kept by, and the least value of a month in it, as text.
CREATE FUNCTION upkeep.key_of(p_parent regclass) RETURNS name
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_parent::text IN ('audit.event', 'audit.seal') THEN 'event_id'
                ELSE 'acs_trans_id' END::name
$$;

CREATE FUNCTION upkeep.first_key(p_parent regclass, p_month date) RETURNS text
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE upkeep.key_of(p_parent)
           WHEN 'event_id' THEN upkeep.first_event(p_month)::text
           ELSE upkeep.first_id(p_month::timestamp AT TIME ZONE 'UTC')::text
           END
$$;

-- The audit log as long as the evidence that it proves, and at least as PCI DSS 10.5.1 asks.
CREATE OR REPLACE FUNCTION upkeep.kept_at_least(p_parent regclass) RETURNS interval
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
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

-- As before, but for the key, for tables without a DEFAULT partition, and for what each month of the
-- audit log has of its own: it is append-only under its own name, and its links have each a number.
CREATE OR REPLACE FUNCTION upkeep.make_partition(p_parent regclass, p_month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
END $$;

-- Numbers events in a month from now on: 'turned', 'there' (they are, or in a later one), 'far' (the
-- month has not begun: somebody's clock is wrong), 'unmade' (there are no partitions for it), 'busy'.
-- Numbers never go back, so a month that was left is not entered again.
-- Race: two that turn at once would give the same numbers again; the lock is held until the end of the
-- transaction, and the sequence is read under it. A sequence is not rolled back: the partitions were
-- made in a transaction before, or with the sequence itself.
CREATE FUNCTION upkeep.turn_month(p_month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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

-- The oldest month of the audit log that may go: it ended by then and so did its last event, events are
-- numbered in a later one, and the chain has gone on past it. None: NULL.
CREATE FUNCTION upkeep.events_over(p_before timestamptz) RETURNS date
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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

-- As before, and a month of the audit log by the rule above, with the links of its events. Who calls for
-- that keeps the end of the chain that goes, in an event of the log: without it the rest proves nothing.
CREATE OR REPLACE FUNCTION upkeep.drop_partition(p_parent regclass, p_before timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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

REVOKE ALL ON FUNCTION upkeep.turn_month(date) FROM PUBLIC;
REVOKE ALL ON FUNCTION upkeep.events_over(timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION upkeep.event_month() FROM PUBLIC;

-- From here on. An event without a partition would be refused, so this may not fail quietly.
DO $$
DECLARE
    today CONSTANT date := (now() AT TIME ZONE 'UTC')::date;
    word text;
BEGIN
    PERFORM upkeep.make_partition(one, (today + n * interval '1 month')::date)
       FROM unnest(ARRAY['audit.event'::regclass, 'audit.seal'::regclass]) AS one,
            generate_series(0, 1) AS n;
    word := upkeep.turn_month(today);
    IF word <> 'turned' THEN
        RAISE EXCEPTION 'the audit log could not be turned to this month: %', word;
    END IF;
END $$;
