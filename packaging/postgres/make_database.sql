-- Role and database of a server, made by 'tt setup server': psql reads it as the administrator of the cluster, with the variables
-- role, database and password set. Twice changes the password and nothing else.
\set ON_ERROR_STOP on
-- The password is nobody's but the configuration's.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';
BEGIN;
SELECT count(*) = 0 AS missing, coalesce(bool_or(shobj_description(oid, 'pg_authid') = 'made by tt setup server'), false) AS ours
	FROM pg_roles WHERE rolname = :'role' \gset
\if :missing
CREATE ROLE :"role" LOGIN PASSWORD :'password';
COMMENT ON ROLE :"role" IS 'made by tt setup server';
\elif :ours
ALTER ROLE :"role" LOGIN PASSWORD :'password';
\else
DO $$BEGIN RAISE 'a role of this name is there already, and tt setup server did not make it: give its password in the URL (--store)'; END$$;
\endif
COMMIT;
SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', :'database', :'role')
	WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
