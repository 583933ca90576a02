-- What storing an AReq cost beside the storing, a third of it (docs/adr/0013).

-- PostgreSQL parses each CHECK of a table again for every statement that writes to it, some 4 us each.
-- Of acs.transaction those stay that say what a row means: states, the letters of outcomes, what belongs
-- together, amounts below nothing, and that no more than four digits of a card stand in clear. Forms and
-- lengths of what a message says are the message's rules: schemas.messages refuses what breaks them
-- before anything is stored. Nothing is scanned; the locks are held for as long as the catalog takes.
ALTER TABLE acs.transaction
    DROP CONSTRAINT transaction_acquirer_bin_check,
    DROP CONSTRAINT transaction_acquirer_merchant_id_check,
    DROP CONSTRAINT transaction_areq_digest_check,
    DROP CONSTRAINT transaction_authentication_ind_check,
    DROP CONSTRAINT transaction_device_channel_check,
    DROP CONSTRAINT transaction_ds_id_check,
    DROP CONSTRAINT transaction_ds_trans_id_check,
    DROP CONSTRAINT transaction_ds_url_check,
    DROP CONSTRAINT transaction_interaction_counter_check,
    DROP CONSTRAINT transaction_language_check,
    DROP CONSTRAINT transaction_link_digest_check,
    DROP CONSTRAINT transaction_merchant_name_check,
    DROP CONSTRAINT transaction_message_category_check,
    DROP CONSTRAINT transaction_message_version_check,
    DROP CONSTRAINT transaction_notification_url_check,
    DROP CONSTRAINT transaction_phone_mask_check,
    DROP CONSTRAINT transaction_purchase_currency_check,
    DROP CONSTRAINT transaction_purchase_date_check,
    DROP CONSTRAINT transaction_purchase_exponent_check,
    DROP CONSTRAINT transaction_requestor_id_check,
    DROP CONSTRAINT transaction_rule_check,
    DROP CONSTRAINT transaction_sdk_trans_id_check,
    DROP CONSTRAINT transaction_three_ds_server_trans_id_check;
ALTER TABLE acs.message_log DROP CONSTRAINT message_log_message_type_check;
ALTER TABLE acs.visitor DROP CONSTRAINT visitor_tag_check;
ALTER TABLE audit.event
    DROP CONSTRAINT event_name_check,
    DROP CONSTRAINT event_key_id_check,
    DROP CONSTRAINT event_outcome_check;

-- Rows of more than 2 kB were compressed: 20 us for each AReq, to make 2.5 kB of messages 1.6 kB. They
-- stay as they are now, up to a page; longer ones are compressed and cut up as before. Rows that are
-- there are not touched. A partitioned table has no such setting, so each partition is given it.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN
        SELECT i.inhrelid::regclass FROM pg_inherits i
         WHERE i.inhparent IN ('acs.message_log'::regclass, 'acs.transaction'::regclass,
                               'acs.visitor'::regclass, 'audit.evidence'::regclass,
                               'enrollment.reservation'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s SET (toast_tuple_target = 8160)', part);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION upkeep.make_partition(p_parent regclass, p_month date) RETURNS text
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
    EXECUTE format('ALTER TABLE %I.%I SET (toast_tuple_target = 8160)', place, name);
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
