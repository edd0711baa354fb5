#!/bin/sh
# Writes .env for docker-compose.yml: every secret of it made at random, readable by you alone. Changes nothing when .env is there.
set -eu
cd "$(dirname "$0")/.."
if [ -e .env ]; then
  echo '.env is there already; delete it to have new secrets (the volumes keep the old ones: docker compose down --volumes).' >&2
  exit 1
fi
umask 077

# $1 characters out of the set $2, in the notation of tr.
random() {
  LC_ALL=C tr -dc "$2" </dev/urandom | head -c "$1"
}

{
  echo "POSTGRES_PASSWORD=$(random 32 A-Za-z0-9)"
  echo "DATABASE_OWNER_PASSWORD=$(random 32 A-Za-z0-9)"
  echo "DATABASE_SERVER_PASSWORD=$(random 32 A-Za-z0-9)"
  echo "SESSION_SECRET=$(random 64 A-Za-z0-9)"
  echo "OIDC_CLIENT_SECRET=$(random 32 A-Za-z0-9)"
  echo "AGENT_CLIENT_SECRET=$(random 32 A-Za-z0-9)"
  echo "KEYCLOAK_ADMIN_PASSWORD=$(random 20 A-Za-z0-9)"
  echo '# The people of the demo (deploy/keycloak/safeguard-realm.json) share a password and a second factor (TOTP, base32).'
  echo "DEMO_PASSWORD=$(random 20 A-Za-z0-9)"
  echo "DEMO_OTP_SECRET=$(random 32 A-Z2-7)"
} >.env.new
mv .env.new .env
echo 'Wrote .env. Now: docker compose up --build --wait'
