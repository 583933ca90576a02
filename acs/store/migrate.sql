-- name: lock
-- Lets one runner at a time through; held until unlock or the end of the connection.
SELECT pg_advisory_lock(:key::bigint);

-- name: unlock
-- Lets the next runner through.
SELECT pg_advisory_unlock(:key::bigint);

-- name: table_exists
-- Whether this database was ever migrated.
SELECT to_regclass('public.schema_migration') IS NOT NULL;

-- name: make_table
-- What was applied, when, and the hash of the file at that time.
CREATE TABLE IF NOT EXISTS public.schema_migration (
    name       text        PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now(),
    sha256     text        NOT NULL CHECK (length(sha256) = 64)
);

-- name: applied
-- Everything applied so far.
SELECT name, sha256 FROM public.schema_migration ORDER BY name;

-- name: wait_briefly
-- Until the transaction ends: two seconds for a lock. Who waits for a table to change it has everybody
-- else wait behind him. An autovacuum gives way after one.
SELECT set_config('lock_timeout', '2s', true);

-- name: record
-- One more migration is part of this database.
INSERT INTO public.schema_migration (name, sha256) VALUES (:name, :sha256);

-- name: has_months
-- Whether this database keeps tables by month.
SELECT to_regprocedure('upkeep.turn_month(date)') IS NOT NULL;

-- name: make_months
-- This month and those ahead.
SELECT upkeep.make_partition(
           parent::regclass, (date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month')::date)
FROM unnest(:parents::text[]) AS parent, generate_series(0, :ahead::integer) AS n;

-- name: turn_month
-- The audit log's events are numbered in this month.
SELECT upkeep.turn_month((now() AT TIME ZONE 'UTC')::date);
