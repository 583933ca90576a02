-- Who may do what. Runs after the migrations, every time, as the owner of the schema.
--
-- acs_app is what the service works as: it reads and writes its tables, appends to the audit log,
-- and can neither change the log nor alter the schema (PCI DSS 7.2, 10.3). The user that the service
-- logs in with is a member of acs_app and takes on that role for each connection.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'acs_app') THEN
        CREATE ROLE acs_app NOLOGIN;
    END IF;
EXCEPTION
    -- Roles belong to the whole server: a runner on another database was faster.
    WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'acs_app', 'MEMBER') THEN
        EXECUTE format('GRANT acs_app TO %I', current_user);
    END IF;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;

GRANT USAGE ON SCHEMA enrollment, otp, acs, audit, upkeep TO acs_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA enrollment, otp, acs TO acs_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA enrollment, otp, acs TO acs_app;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA audit TO acs_app;
GRANT SELECT ON ALL TABLES IN SCHEMA upkeep TO acs_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA upkeep TO acs_app;
GRANT SELECT ON public.schema_migration TO acs_app;
