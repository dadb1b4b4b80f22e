"""Stored rows are compared with new ones as PostgreSQL prints them."""

from pyrus_etl.postgres.unchanged import printed


def test_json_is_printed_as_from_a_jsonb_however_deeply_it_is_nested() -> None:
    """Python's stack has room for fewer calls than a body may have levels."""
    assert printed(_nested(450)[0]) == _nested(450)[1]
    assert printed(_nested(900)[0]) == _nested(900)[0]  # too deep to be read, so it is written again


def _nested(levels: int) -> tuple[bytes, bytes]:
    served, stored = b"1.10", b"1.10"
    for _ in range(levels):
        served, stored = b'{"bb":[' + served + b'],"a":2}', b'{"a": 2, "bb": [' + stored + b"]}"
    return served, stored
