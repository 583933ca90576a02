-- Tables that grow with every authentication are partitioned by month, so that retention is a DROP.
--
-- The key is acs_trans_id, whose first 48 bits are the time from now on: the identifiers of a month are
-- a range, and every look-up by identifier reads one partition. What was written before (all chance)
-- stays where it is: the old table becomes the DEFAULT partition, without being copied. The same
-- partition takes what no month was made for, so that nothing is ever refused.
--
-- Locks: each table is locked exclusively until the commit. Nothing is copied or scanned but for the
-- register of identifiers, which is filled from the old transactions: some 15 s for each million.

-- One register of identifiers for all partitions: the same AReq is known whatever month it came in.
-- The comparison is by value, so the spelling of a hexadecimal digit makes no difference.
CREATE TABLE acs.known_areq (
    three_ds_server_trans_id uuid NOT NULL,
    ds_trans_id              uuid NOT NULL,
    acs_trans_id             uuid NOT NULL,
    day                      date NOT NULL
);

INSERT INTO acs.known_areq (three_ds_server_trans_id, ds_trans_id, acs_trans_id, day)
SELECT three_ds_server_trans_id::uuid, ds_trans_id::uuid, acs_trans_id, (created_at AT TIME ZONE 'UTC')::date
  FROM acs.transaction;

-- A repeat breaks the constraint that the code knows by this name.
DROP INDEX acs.transaction_areq_once;
ALTER TABLE acs.known_areq
    ADD CONSTRAINT transaction_areq_once PRIMARY KEY (three_ds_server_trans_id, ds_trans_id);
CREATE INDEX known_areq_day ON acs.known_areq (day);

-- Whatever writes a transaction, code of the last release included, registers it as well.
CREATE FUNCTION acs.register_areqs() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO acs.known_areq (three_ds_server_trans_id, ds_trans_id, acs_trans_id, day)
    SELECT n.three_ds_server_trans_id::uuid, n.ds_trans_id::uuid, n.acs_trans_id,
           (n.created_at AT TIME ZONE 'UTC')::date
      FROM new_rows n;
    RETURN NULL;
END $$;

-- A foreign key to a partitioned table would be searched for references whenever a month is dropped.
-- Timers, results and claimed device data are written in the statement that writes their transaction,
-- and upkeep.drop_partition lets no month go in which one of them is open.
ALTER TABLE acs.timer DROP CONSTRAINT timer_acs_trans_id_fkey;
ALTER TABLE acs.result DROP CONSTRAINT result_acs_trans_id_fkey;
ALTER TABLE acs.device_data DROP CONSTRAINT device_data_acs_trans_id_fkey;

-- Each old table becomes the DEFAULT partition of a new one of its name.
DROP TRIGGER transaction_link_frozen ON acs.transaction;
ALTER TABLE acs.transaction RENAME TO transaction_default;
ALTER INDEX acs.transaction_pkey RENAME TO transaction_default_pkey;
CREATE TABLE acs.transaction (LIKE acs.transaction_default INCLUDING ALL EXCLUDING INDEXES)
    PARTITION BY RANGE (acs_trans_id);
ALTER TABLE acs.transaction ADD PRIMARY KEY (acs_trans_id);
ALTER TABLE acs.transaction ATTACH PARTITION acs.transaction_default DEFAULT;
CREATE TRIGGER transaction_link_frozen BEFORE UPDATE OF
    acs_trans_id, three_ds_server_trans_id, ds_trans_id, purchase_amount, purchase_currency,
    purchase_exponent, merchant_name, acquirer_bin, acquirer_merchant_id, message_category,
    device_channel, card_id, link_digest, notification_url, ds_url ON acs.transaction
    FOR EACH ROW EXECUTE FUNCTION acs.refuse_relinking();
CREATE TRIGGER transaction_registers AFTER INSERT ON acs.transaction
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION acs.register_areqs();

-- Messages have no number of their own any more: they are found by their transaction.
ALTER TABLE acs.message_log RENAME TO message_log_default;
ALTER TABLE acs.message_log_default DROP CONSTRAINT message_log_pkey;
ALTER TABLE acs.message_log_default DROP COLUMN message_id;
ALTER INDEX acs.message_log_transaction RENAME TO message_log_default_transaction;
CREATE TABLE acs.message_log (LIKE acs.message_log_default INCLUDING ALL EXCLUDING INDEXES)
    PARTITION BY RANGE (acs_trans_id);
CREATE INDEX message_log_transaction ON acs.message_log (acs_trans_id);
ALTER TABLE acs.message_log ATTACH PARTITION acs.message_log_default DEFAULT;

ALTER TABLE acs.visitor RENAME TO visitor_default;
ALTER INDEX acs.visitor_pkey RENAME TO visitor_default_pkey;
ALTER INDEX acs.visitor_seen_at RENAME TO visitor_default_seen_at;
CREATE TABLE acs.visitor (LIKE acs.visitor_default INCLUDING ALL EXCLUDING INDEXES)
    PARTITION BY RANGE (acs_trans_id);
ALTER TABLE acs.visitor ADD PRIMARY KEY (acs_trans_id, seen_in);
ALTER TABLE acs.visitor ATTACH PARTITION acs.visitor_default DEFAULT;

-- The trigger of the old table stays with it; each new partition gets one of its own.
ALTER TABLE audit.evidence RENAME TO evidence_default;
ALTER INDEX audit.evidence_pkey RENAME TO evidence_default_pkey;
DROP INDEX audit.evidence_at;
CREATE TABLE audit.evidence (LIKE audit.evidence_default INCLUDING ALL EXCLUDING INDEXES)
    PARTITION BY RANGE (acs_trans_id);
ALTER TABLE audit.evidence ADD PRIMARY KEY (acs_trans_id);
ALTER TABLE audit.evidence ATTACH PARTITION audit.evidence_default DEFAULT;
CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.evidence
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

ALTER TABLE enrollment.reservation RENAME TO reservation_default;
ALTER INDEX enrollment.reservation_pkey RENAME TO reservation_default_pkey;
ALTER INDEX enrollment.reservation_counted RENAME TO reservation_default_counted;
CREATE TABLE enrollment.reservation (LIKE enrollment.reservation_default INCLUDING ALL EXCLUDING INDEXES)
    PARTITION BY RANGE (acs_trans_id);
ALTER TABLE enrollment.reservation ADD PRIMARY KEY (acs_trans_id);
CREATE INDEX reservation_counted ON enrollment.reservation (counted_at) WHERE state = 'counted';
ALTER TABLE enrollment.reservation ATTACH PARTITION enrollment.reservation_default DEFAULT;

-- Results are a queue with a tail of settled rows: open ones are counted without the tail, and the
-- tail is cleared by age.
CREATE INDEX result_open ON acs.result (created_at) WHERE state IN ('queued', 'sending');
CREATE INDEX result_settled ON acs.result (settled_at) WHERE settled_at IS NOT NULL;

-- What makes and drops partitions. The service may not alter the schema; these functions do it for
-- it, by their own rules, with the rights of the schema's owner.
CREATE SCHEMA upkeep;

-- What was let go, as the proof of it (PCI DSS 3.2.1); months without rows are not mentioned.
CREATE TABLE upkeep.dropped (
    parent     text        NOT NULL,
    month      date        NOT NULL,
    rows_about bigint      NOT NULL,
    dropped_at timestamptz NOT NULL,
    PRIMARY KEY (parent, month)
);

-- The least identifier of a moment: milliseconds since 1970 in 48 bits.
CREATE FUNCTION upkeep.first_id(p_at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT (lpad(to_hex((extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Which tables are kept by month, and for how long at least whatever is asked: evidence as long as
-- a payment may be denied (PSD2 art. 71), the others until nothing works with them any more.
CREATE FUNCTION upkeep.kept_at_least(p_parent regclass) RETURNS interval
LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE p_parent::text
           WHEN 'audit.evidence' THEN interval '13 months'
           WHEN 'acs.transaction' THEN interval '31 days'
           WHEN 'acs.message_log' THEN interval '31 days'
           WHEN 'acs.visitor' THEN interval '31 days'
           WHEN 'enrollment.reservation' THEN interval '31 days'
           END
$$;

-- The months of these tables as they are; the DEFAULT partitions have none.
CREATE VIEW upkeep.partition AS
SELECT p.oid AS parent_id, format('%I.%I', n.nspname, p.relname) AS parent,
       format('%I.%I', n.nspname, c.relname) AS partition,
       to_date(substring(c.relname FROM '_p([0-9]{4}_[0-9]{2})$'), 'YYYY_MM') AS month,
       greatest(c.reltuples, 0)::bigint AS rows_about
  FROM pg_inherits i
  JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'p'
  JOIN pg_namespace n ON n.oid = p.relnamespace
  JOIN pg_class c ON c.oid = i.inhrelid AND c.relname ~ '_p[0-9]{4}_[0-9]{2}$'
 WHERE upkeep.kept_at_least(p.oid) IS NOT NULL;

-- Makes the partition of a month: 'made', 'there', 'busy' (somebody is at it, or a lock was not given
-- at once), 'far' (more than a year ahead: somebody's clock is wrong), or 'crowded': the DEFAULT
-- partition holds so many rows of that month that they stay there.
-- A new table is filled and then attached, which locks the DEFAULT partition and not the table; only
-- rows that have to move over lock it, for the time that so few take.
CREATE FUNCTION upkeep.make_partition(p_parent regclass, p_month date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most CONSTANT integer := 1000;
    month CONSTANT date := date_trunc('month', p_month::timestamp);
    least_id CONSTANT uuid := upkeep.first_id(month::timestamp AT TIME ZONE 'UTC');
    next_id CONSTANT uuid := upkeep.first_id((month + interval '1 month') AT TIME ZONE 'UTC');
    place text;
    name text;
    overflow regclass;
    strays integer;
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
    SELECT n.nspname, format('%s_p%s', c.relname, to_char(month, 'YYYY_MM')), pt.partdefid
      INTO place, name, overflow
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_partitioned_table pt ON pt.partrelid = c.oid
     WHERE c.oid = p_parent;
    IF to_regclass(format('%I.%I', place, name)) IS NOT NULL THEN
        RETURN 'there';
    END IF;
    PERFORM set_config('lock_timeout', '100ms', true);
    EXECUTE format(
        'SELECT count(*) FROM (SELECT FROM %s WHERE acs_trans_id >= $1 AND acs_trans_id < $2 LIMIT $3) x',
        overflow)
        INTO strays USING least_id, next_id, most + 1;
    IF strays > most THEN
        RETURN 'crowded';
    END IF;
    IF strays > 0 THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_parent);
    END IF;
    EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', place, name, p_parent);
    IF strays > 0 THEN
        -- What is moved is not changed: evidence may be taken out here, as it comes back below.
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', overflow);
        EXECUTE format(
            'WITH moved AS (DELETE FROM %s WHERE acs_trans_id >= $1 AND acs_trans_id < $2 RETURNING *)'
            ' INSERT INTO %I.%I SELECT * FROM moved', overflow, place, name)
            USING least_id, next_id;
        EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', overflow);
    END IF;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                   p_parent, place, name, least_id, next_id);
    IF p_parent = 'audit.evidence'::regclass THEN
        EXECUTE format('CREATE TRIGGER evidence_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I.%I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change()', place, name);
    END IF;
    RETURN 'made';
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RETURN 'busy';
END $$;

-- Drops the oldest month of a table that ended by then: its name, or 'busy', or 'open' when something
-- in it is not finished; NULL when there is none. The table is locked for as long as its catalog entry
-- takes, and nobody waits longer than the lock is waited for.
CREATE FUNCTION upkeep.drop_partition(p_parent regclass, p_before timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    over CONSTANT timestamptz := least(p_before, now() - upkeep.kept_at_least(p_parent));
    oldest record;
    name text;
    is_open boolean := false;
    from_id uuid;
    to_id uuid;
BEGIN
    IF upkeep.kept_at_least(p_parent) IS NULL THEN
        RAISE EXCEPTION 'not a table that is kept by month';
    END IF;
    IF NOT pg_try_advisory_xact_lock(7012340002) THEN
        RETURN 'busy';
    END IF;
    SELECT * INTO oldest FROM upkeep.partition x
     WHERE x.parent_id = p_parent AND (x.month + interval '1 month') AT TIME ZONE 'UTC' <= over
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
    INSERT INTO upkeep.dropped (parent, month, rows_about, dropped_at)
    VALUES (p_parent::text, oldest.month, oldest.rows_about, now())
    ON CONFLICT (parent, month) DO UPDATE
       SET rows_about = upkeep.dropped.rows_about + excluded.rows_about, dropped_at = excluded.dropped_at;
    RETURN name;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RETURN 'busy';
END $$;

REVOKE ALL ON FUNCTION upkeep.make_partition(regclass, date) FROM PUBLIC;
REVOKE ALL ON FUNCTION upkeep.drop_partition(regclass, timestamptz) FROM PUBLIC;
