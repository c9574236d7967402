#!/usr/bin/env python3
"""Carries the outbox of a MariaDB application to the books of the sync engine, a SQLite file.

A line is removed from the outbox only after it is recorded in the books. If the process dies in between, it is recorded
again, which changes nothing. Lines are removed one by one, and no position is remembered: a transaction that commits late
has an early position, and would be passed over.

    relay.py --books books.db --tenant salon --host 127.0.0.1 --user relay --password … --database salon

Needs pymysql (Debian: python3-pymysql). The worker finds the change with its next poll, after a second at most.
"""

import argparse
import datetime
import signal
import sqlite3
import sys
import time

import pymysql

BATCH = 200

READ = """
SELECT position, visit_no, version, changed_by, changed_at FROM calcom_outbox ORDER BY position LIMIT %s
"""

# The one statement by which a change is recorded in the books, whatever the language. Times are microseconds since 1970.
RECORD = """
INSERT INTO calcom_notices (tenant, kind, taken_at, appointment, revision, origin, at)
VALUES (:tenant, 'change', :taken_at, :appointment, :revision, :origin, :at)
ON CONFLICT (tenant, appointment, revision) WHERE kind = 'change' DO NOTHING
"""

EPOCH = datetime.datetime(1970, 1, 1)


def micros(instant):
    """Microseconds since 1970 of an instant in UTC without a zone."""
    return (instant - EPOCH) // datetime.timedelta(microseconds=1)


def relay_once(host, books, tenant):
    """Carries one batch over, and says how many lines it had."""
    with host.cursor() as cursor:
        cursor.execute(READ, (BATCH,))
        lines = cursor.fetchall()
    # What was read belongs to no transaction any more.
    host.commit()
    if not lines:
        return 0
    taken_at = time.time_ns() // 1000
    with books:
        books.executemany(
            RECORD,
            [
                {
                    "tenant": tenant,
                    "taken_at": taken_at,
                    "appointment": str(visit_no),
                    "revision": version,
                    "origin": changed_by,
                    "at": micros(changed_at),
                }
                for _, visit_no, version, changed_by, changed_at in lines
            ],
        )
    with host.cursor() as cursor:
        cursor.executemany("DELETE FROM calcom_outbox WHERE position = %s", [(line[0],) for line in lines])
    host.commit()
    return len(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--books", required=True, help="the SQLite file of the sync engine")
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3306)
    parser.add_argument("--socket", help="a unix socket, in place of host and port")
    parser.add_argument("--user", default="relay")
    parser.add_argument("--password", default="")
    parser.add_argument("--database", default="salon")
    parser.add_argument("--once", action="store_true", help="stop when the outbox is empty")
    options = parser.parse_args()
    where = {"unix_socket": options.socket} if options.socket else {"host": options.host, "port": options.port}

    # A signal ends the relay between two batches or within one; neither loses a line.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host = books = None
    while True:
        try:
            if host is None:
                host = pymysql.connect(
                    user=options.user, password=options.password, database=options.database, charset="utf8mb4", **where
                )
            if books is None:
                books = sqlite3.connect(f"file:{options.books}?mode=rw", uri=True, timeout=10)
            if relay_once(host, books, options.tenant) == BATCH:
                continue
            if options.once:
                return
            time.sleep(0.2)
        except (pymysql.MySQLError, sqlite3.Error) as error:
            if options.once:
                raise
            print(f"the outbox cannot be relayed: {error}", file=sys.stderr)
            host = books = None
            time.sleep(2)


if __name__ == "__main__":
    main()
