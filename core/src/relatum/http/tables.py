"""The tables of requests: those that must not be done twice, and how many there were."""

from piccolo.columns import Bytea, SmallInt, Text, Timestamptz, Varchar
from piccolo.table import Table


class AnsweredRequest(Table, tablename="core_idempotency"):
    """The answer to a request that carried an ``Idempotency-Key``.

    Written in the transaction of the work itself, so that there is never one without the other.
    """

    #: whole answers, of whoever asked
    across_customers = True

    #: SHA-256 of key, method and path, hexadecimal
    id = Varchar(length=64, primary_key=True, default=None)
    #: method and path, cut short: for people who look
    route = Varchar(length=200)
    #: SHA-256 of query and body, hexadecimal
    fingerprint = Varchar(length=64)
    status = SmallInt(default=0)
    #: JSON list of pairs
    headers = Text(default="[]")
    body = Bytea(default=b"")
    created_at = Timestamptz(default=None, null=False, index=True)


class RateTaken(Table, tablename="core_rate"):
    """Until when a caller has spent the requests that they may send; see
    :mod:`relatum.http.shared_limits`. Nothing is lost with it: on PostgreSQL it is not even logged.
    """

    #: kind of caller and digest of who it is
    id = Varchar(length=64, primary_key=True, default=None)
    spent_until = Timestamptz(default=None, null=False)
