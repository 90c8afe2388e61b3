#!/bin/sh
# Starts DictDB the way the official PostgreSQL image starts PostgreSQL.
#
#   docker run … dictdb                            the server
#   docker run … dictdb postgres -c shared=value   the same; every setting as -c name=value or --name=value
#   docker run … dictdb -c name=value              the same
#   docker run … dictdb init                       first start only: make the database, run the scripts, stop
#   docker run … dictdb check | health | sh …      other commands
#
# Environment: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB and every setting as DICTDB_<NAME>, each also with _FILE for a file that has
# the value; POSTGRES_HOST_AUTH_METHOD, PGDATA.
set -eu

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# What the official image calls differently.
translate_environment() {
    if [ -n "${PGDATA:-}" ]; then
        export DICTDB_DATA_DIR="${DICTDB_DATA_DIR:-$PGDATA}"
    fi
    case "${POSTGRES_HOST_AUTH_METHOD:-}" in
        '') ;;
        trust | password | scram-sha-256 | md5) export DICTDB_AUTH_METHOD="${DICTDB_AUTH_METHOD:-$POSTGRES_HOST_AUTH_METHOD}" ;;
        *) fail "Error: POSTGRES_HOST_AUTH_METHOD \"$POSTGRES_HOST_AUTH_METHOD\" is not supported (trust, scram-sha-256, md5, password)." ;;
    esac
    if [ -n "${POSTGRES_INITDB_ARGS:-}" ]; then
        fail 'Error: POSTGRES_INITDB_ARGS is not supported: there is no initdb.'
    fi
}

# The official image's first question.
require_password() {
    if [ -n "${POSTGRES_PASSWORD:-}${POSTGRES_PASSWORD_FILE:-}${DICTDB_PASSWORD:-}${DICTDB_PASSWORD_FILE:-}" ]; then
        return
    fi
    if [ "${DICTDB_AUTH_METHOD:-}" = trust ] || [ -e "${DICTDB_DATA_DIR:-./data}/DICTDB" ]; then
        return
    fi
    fail 'Error: Database is uninitialized and superuser password is not specified.' \
        '       You must specify POSTGRES_PASSWORD to a non-empty value for the' \
        '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".' \
        '' \
        '       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all' \
        '       connections without a password. This is *not* recommended.'
}

# Runs a server until it has begun, so that the database is made and its scripts have run.
init() {
    dictdb "$@" &
    server=$!
    trap 'kill -TERM "$server"' INT TERM
    while ! dictdb health >/dev/null 2>&1; do
        if ! kill -0 "$server" 2>/dev/null; then
            wait "$server"
            exit 1
        fi
        sleep 1
    done
    kill -TERM "$server"
    wait "$server"
}

# postgres's long options are settings.
run_postgres() {
    count=$#
    while [ "$count" -gt 0 ]; do
        argument=$1
        shift
        count=$((count - 1))
        case "$argument" in
            --*=*) set -- "$@" -c "${argument#--}" ;;
            *) set -- "$@" "$argument" ;;
        esac
    done
    exec dictdb "$@"
}

translate_environment
case "${1:-dictdb}" in
    -*) set -- dictdb "$@" ;;
    check | health | serve) set -- dictdb "$@" ;;
esac

# Started as root, the directories are given to the server's own user, and so is the process.
if [ "$(id -u)" = 0 ] && id dictdb >/dev/null 2>&1; then
    for directory in "${DICTDB_DATA_DIR:-./data}" "${DICTDB_BACKUP_DIR:-}"; do
        case "$directory" in
            '' | *://*) ;;
            *) mkdir -p "$directory" && chown -R dictdb:dictdb "$directory" ;;
        esac
    done
    exec setpriv --reuid=dictdb --regid=dictdb --init-groups "$0" "$@"
fi

case "${1:-dictdb}" in
    init)
        shift
        require_password
        init "$@"
        ;;
    postgres)
        shift
        require_password
        run_postgres "$@"
        ;;
    dictdb)
        case "${2:-}" in
            check | health | --version | --help) ;;
            *) require_password ;;
        esac
        exec "$@"
        ;;
    *) exec "$@" ;;
esac
