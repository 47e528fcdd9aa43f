#!/bin/sh
# The test app: what it does is said by its environment.
#
#   VERSION=1            shown at / on PORT; also /version, /host (the container's name) and /env
#   PORT=8080            where it serves HTTP; empty: nowhere
#   PRINT=text           said first on stdout (several lines are fine); PRINT_ERROR the same on stderr
#   SECRET_FILE=path     must be there and not empty, or it ends with 1; its content is shown at /secret
#   START_AFTER=seconds  it serves nothing before
#   HEALTHY_AFTER=0      seconds from its start until the healthcheck /bin/healthy passes; never: it never does
#   SICK_AFTER=seconds   from then on the healthcheck fails
#   EXIT_AFTER=seconds   it ends by itself, with EXIT_CODE (default 0): a crash, or a job
#   STOP_DELAY=0         seconds it goes on serving after SIGTERM
set -u
[ -z "${PRINT:-}" ] || echo "$PRINT"
[ -z "${PRINT_ERROR:-}" ] || echo "$PRINT_ERROR" >&2
echo "app version ${VERSION:-none} starts"
trap 'echo "app version ${VERSION:-none} stops"; sleep "${STOP_DELAY:-0}"; exit 0' TERM INT

if [ -n "${SECRET_FILE:-}" ]; then
  [ -s "$SECRET_FILE" ] || { echo "fatal: $SECRET_FILE is missing or empty" >&2; exit 1; }
  cat "$SECRET_FILE" >/www/secret
fi
[ -z "${START_AFTER:-}" ] || { sleep "$START_AFTER" & wait $!; }
rm -f /tmp/healthy
if [ -n "${PORT-8080}" ]; then
  echo "version ${VERSION:-none}" >/www/index.html; cp /www/index.html /www/version; hostname >/www/host; env >/www/env
  httpd -p "${PORT-8080}" -h /www
fi
case ${HEALTHY_AFTER:-0} in
  never) ;;
  0) touch /tmp/healthy ;;
  *) (sleep "$HEALTHY_AFTER"; touch /tmp/healthy) & ;;
esac
[ -z "${SICK_AFTER:-}" ] || (sleep "$SICK_AFTER"; rm -f /tmp/healthy) &
if [ -n "${EXIT_AFTER:-}" ]; then
  sleep "$EXIT_AFTER" & wait $!
  echo "app version ${VERSION:-none} ends with ${EXIT_CODE:-0}"
  exit "${EXIT_CODE:-0}"
fi
while :; do sleep 3600 & wait $!; done
