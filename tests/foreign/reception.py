#!/usr/bin/env python3
"""A reception that knows nothing of Rust: it writes its own table with psycopg, and records each change in the same transaction.

    reception.py book NAME START     a new appointment; prints its id
    reception.py move ID START       another time
    reception.py fail ID             a cancellation that is rolled back

DATABASE_URL names the database.
"""

import os
import sys
from datetime import datetime, timedelta

import psycopg

HALF_AN_HOUR = timedelta(minutes=30)


class Failed(Exception):
    """Something of the application's own went wrong, after its writes and before the commit."""


def record(connection, appointment, revision):
    connection.execute("SELECT calcom.record_change('salon', %s, %s, 'phone')", (str(appointment), revision))


def book(connection, name, start):
    start = datetime.fromisoformat(start)
    with connection.transaction():
        appointment, revision = connection.execute(
            "INSERT INTO visits (status, starts_at, ends_at, attendee_name, attendee_email, event_type_id, origin)"
            " VALUES ('confirmed', %s, %s, %s, 'ann@example.com', 7, 'phone') RETURNING id, revision",
            (start, start + HALF_AN_HOUR, name),
        ).fetchone()
        record(connection, appointment, revision)
    print(appointment)


def move(connection, appointment, start):
    start = datetime.fromisoformat(start)
    with connection.transaction():
        (revision,) = connection.execute(
            "UPDATE visits SET starts_at = %s, ends_at = %s, origin = 'phone', revision = revision + 1"
            " WHERE id = %s RETURNING revision",
            (start, start + HALF_AN_HOUR, appointment),
        ).fetchone()
        record(connection, appointment, revision)


def fail(connection, appointment):
    try:
        with connection.transaction():
            (revision,) = connection.execute(
                "UPDATE visits SET status = 'cancelled', origin = 'phone', revision = revision + 1"
                " WHERE id = %s RETURNING revision",
                (appointment,),
            ).fetchone()
            record(connection, appointment, revision)
            raise Failed
    except Failed:
        print("rolled back")


def main():
    act, *arguments = sys.argv[1:]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        {"book": book, "move": move, "fail": fail}[act](connection, *arguments)


if __name__ == "__main__":
    main()
