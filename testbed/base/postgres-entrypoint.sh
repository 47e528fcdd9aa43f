#!/bin/sh
# What the example needs of the official image's entrypoint: a database made at the first start, with the password from a file.
set -eu
data=${PGDATA:-/var/lib/postgresql/data} user=${POSTGRES_USER:-postgres}
mkdir -p "$data"; chown postgres:postgres "$data"; chmod 700 "$data"
if ! [ -s "$data/PG_VERSION" ]; then
  password=${POSTGRES_PASSWORD_FILE:?is needed}
  (umask 077; cat "$password" >/tmp/password); chown postgres /tmp/password
  su postgres -c "initdb -D $data -U $user --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust -E UTF8 --locale=C"
  rm -f /tmp/password
  echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
  if [ "${POSTGRES_DB:-$user}" != postgres ]; then
    echo "CREATE DATABASE ${POSTGRES_DB:-$user};" | su postgres -c "postgres --single -D $data postgres" >/dev/null
  fi
fi
exec su postgres -c "exec postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp"
