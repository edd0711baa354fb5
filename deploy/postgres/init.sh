#!/bin/sh
# Run by the postgres image once, when its volume is empty. psql reads the passwords itself: the process list shows neither.
set -e
: "${DATABASE_OWNER_PASSWORD:?}" "${DATABASE_SERVER_PASSWORD:?}"
psql --no-psqlrc -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres <<'PSQL'
\getenv owner_password DATABASE_OWNER_PASSWORD
\getenv server_password DATABASE_SERVER_PASSWORD
\i /etc/safeguard/roles.sql
PSQL
