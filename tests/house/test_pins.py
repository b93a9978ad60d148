"""The pinned libraries run together: a bump that breaks Ibis must fail here.

Source: ibis-project/ibis issues 12101 and 12124 (sqlglot 30.18 and later), and pull
request 12001 (DuckDB 2).
"""

import ibis
import pysqlite3


def test_ibis__on_duckdb__creates_lists_and_drops_a_table() -> None:
    connection = ibis.duckdb.connect()
    connection.create_table("t", schema={"a": "int64", "b": "string"})
    assert connection.list_tables() == ["t"]
    assert connection.table("t").count().to_pyarrow().as_py() == 0
    connection.drop_table("t")
    assert connection.list_tables() == []


def test_ibis__in_memory_table__can_be_joined() -> None:
    connection = ibis.duckdb.connect()
    left = ibis.memtable({"a": [1, 2, 3]})
    right = ibis.memtable({"a": [2, 3], "b": [20, 30]})
    joined = left.left_join(right, "a").aggregate(s=lambda t: t.b.sum())
    assert connection.to_pyarrow(joined)["s"][0].as_py() == 50


def test_sqlite__version__has_no_wal_reset_bug() -> None:
    # The bug is in 3.7.0 to 3.51.2 (sqlite.org/wal.html, "the WAL-reset bug").
    assert pysqlite3.sqlite_version_info >= (3, 51, 3)
