"""Change data: types that widen, changes without a time, types and names that Hudi does not support."""

import datetime as dt
import io
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.hostile.cases import CANARY, REFUSED, Case, Outcome, Row, Scenario, Step

ID: Final = ("id", pa.int32())
OP: Final = ("Op", pa.string())
TS: Final = ("ts", pa.string())


def file_of(columns: Sequence[tuple[str, pa.DataType]], rows: Sequence[Row], **options: Any) -> bytes:
    schema = pa.schema(columns)
    arrays = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(schema)]
    body = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), body, **options)
    return body.getvalue()


def at(second: int) -> str:
    return f"2026-08-01 10:00:{second:02}.000000"


def feed_of(tables: Mapping[str, Any], **source: Any) -> dict[str, Any]:
    return {
        "job": "cdc_to_hudi",
        "source": {"path": "raw/s/", "time_column": "ts", "replication_columns": ["ts"], **source},
        "target": {"path": "refined/s/", "parallelism": 2},
        "tables": {name: {"key": "id", **dict(spec)} for name, spec in tables.items()},
        "max_rejected": 0.5,
    }


def plain(tables: Iterable[str]) -> dict[str, Any]:
    """Configure tables with only a key."""
    return {table: {} for table in tables}


def load(table: str, kind: pa.DataType, *values: Any, name: str = "v", **options: Any) -> dict[str, bytes]:
    """Return a load of rows 1, 2, … with one more column."""
    rows = list(enumerate(values, 1))
    return {f"raw/s/{table}/LOAD00000001.parquet": file_of([ID, (name, kind)], rows, **options)}


def changes(table: str, kind: pa.DataType, *rows: Row, name: str = "v", minute: int = 1) -> dict[str, bytes]:
    """Return a change file from the kind, second, id and value of each change."""
    path = f"raw/s/{table}/20260801-10{minute:02}00000.parquet"
    return {
        path: file_of([OP, TS, ID, (name, kind)], [(op, at(second), key, value) for op, second, key, value in rows])
    }


# Types that widen: each table is loaded with one type, then changed with another.

_D10: Final = pa.decimal128(10, 2)
_GROWTH: Final[dict[str, tuple[str, pa.DataType, Any, pa.DataType, Any, list[Any]]]] = {
    "precision": (
        "a decimal that gains integer digits is widened",
        _D10,
        Decimal("1.50"),
        pa.decimal128(12, 2),
        Decimal("1234567890.25"),
        [],
    ),
    "scale": (
        "a decimal that gains fractional digits is widened",
        _D10,
        Decimal("1.50"),
        pa.decimal128(20, 4),
        Decimal("2.1234"),
        [],
    ),
    "unsigned": (
        "a bigint is widened to a decimal of 20 digits",
        pa.int64(),
        2**40,
        pa.decimal128(20, 0),
        Decimal(2**64 - 1),
        [],
    ),
    "float": ("a float is widened to double", pa.float32(), 0.5, pa.float64(), 0.1, []),
    "int_double": ("an int is widened to double", pa.int32(), 7, pa.float64(), 0.1, []),
    "int_long": ("an int is widened to bigint", pa.int32(), 7, pa.int64(), 2**40, []),
    "int_decimal": ("an int is widened to decimal", pa.int32(), 7, pa.decimal128(12, 2), Decimal("0.25"), []),
}
_LOADED: Final = {
    path: body
    for table, (_, kind, value, *_) in _GROWTH.items()
    for path, body in load(table, kind, value, value).items()
}
_GROWN: Final = {
    path: body
    for table, (_, _, _, wide, value, _) in _GROWTH.items()
    for path, body in changes(table, wide, ("U", 1, 2, value)).items()
}
_GROWTH_FEED: Final = feed_of(plain(_GROWTH))
_GROWTH_SCENARIO: Final = Scenario({"f": _GROWTH_FEED}, (Step(("run", "f"), _LOADED), Step(("run", "f"), _GROWN)))
_REBUILD_SCENARIO: Final = Scenario(
    {"f": feed_of(plain(("precision", "scale", "unsigned")))},
    (
        Step(
            ("rebuild", "f"),
            {
                path: body
                for path, body in (_LOADED | _GROWN).items()
                if path.split("/")[2] in ("precision", "scale", "unsigned")
            },
        ),
    ),
)


def grown(scenario: Scenario, prefix: str, tables: Sequence[str]) -> tuple[Case, ...]:
    return tuple(
        Case(
            prefix + rule,
            scenario,
            (Outcome(0, rows=[(1, value), (2, wide_value)]),),
            target=table,
            table=f"refined/s/{table}/",
            columns=("id", "v"),
            is_slow=True,
        )
        for table, (rule, _, value, _, wide_value, _) in _GROWTH.items()
        if table in tables
    )


_NARROWER: Final = Scenario(
    {"f": feed_of({"wide_first": {}, "lossy": {}, "text": {}})},
    (
        Step(
            ("run", "f"),
            load("wide_first", pa.decimal128(20, 4), Decimal("2.1234"), Decimal("1.0000"))
            | load("lossy", pa.int64(), 2**60 + 1, 5)
            | load("text", pa.int32(), 7, 8),
        ),
        Step(
            ("run", "f"),
            changes("wide_first", _D10, ("U", 1, 2, Decimal("1.50")))
            | changes("lossy", pa.float64(), ("U", 1, 2, 0.5))
            | changes("text", pa.string(), ("U", 1, 2, "x")),
        ),
    ),
)
_CAST: Final = Scenario(
    {"f": feed_of({"lossy": {"cast": {"v": "double"}}, "text": {"cast": {"v": "string"}}})},
    (
        Step(("run", "f"), load("lossy", pa.int64(), 2**40, 5) | load("text", pa.int32(), 7, 8)),
        Step(
            ("run", "f"),
            changes("lossy", pa.float64(), ("U", 1, 2, 0.5)) | changes("text", pa.string(), ("U", 1, 2, "x")),
        ),
    ),
)


def of_table(rule: str, scenario: Scenario, target: str, *outcomes: Outcome, **options: Any) -> Case:
    options.setdefault("columns", ("id", "v"))
    return Case(rule, scenario, outcomes, target=target, table=f"refined/s/{target}/", is_slow=True, **options)


_WIDENED_TYPES: Final = (
    *grown(_GROWTH_SCENARIO, "", list(_GROWTH)),
    *grown(_REBUILD_SCENARIO, "rebuild over all files: ", ("precision", "scale", "unsigned")),
    of_table(
        "a file with a narrower decimal is read as the table's type",
        _NARROWER,
        "wide_first",
        Outcome(0, rows=[(1, Decimal("2.1234")), (2, Decimal("1.50"))]),
    ),
    of_table(
        "a bigint that becomes a double is refused with its column and the option",
        _NARROWER,
        "lossy",
        Outcome(REFUSED, mentions=("v", "cast")),
    ),
    of_table(
        "a number that becomes a string is refused with its column and the option",
        _NARROWER,
        "text",
        Outcome(REFUSED, mentions=("v", "cast")),
    ),
    of_table("a bigint is cast to double as declared", _CAST, "lossy", Outcome(0, rows=[(1, float(2**40)), (2, 0.5)])),
    of_table("a number is cast to string as declared", _CAST, "text", Outcome(0, rows=[(1, "7"), (2, "x")])),
    Case(
        "an unknown type in cast is refused by check",
        Scenario(
            {"f": feed_of({"t": {"cast": {"v": "strng"}}})}, (Step(("check", "f")),), where=("--config", "{conf}")
        ),
        (Outcome(2, mentions=("cast", "strng")),),
    ),
    Case(
        "a value that cannot be cast is refused or rejected and not shown",
        Scenario(
            {"f": feed_of({"t": {"cast": {"v": "long"}}})},
            (Step(("run", "f"), load("t", pa.string(), "7", CANARY, "8", "9")),),
        ),
        (Outcome(3, mentions=("v",)), Outcome(0, mentions=("v",), rejected=1)),
        never=(CANARY,),
        is_slow=True,
    ),
)

# No time column.


def untimed(**source: Any) -> dict[str, Any]:
    feed = feed_of({"t": {}})
    return feed | {"source": {"path": "raw/s/", **source}}


def stamped(minute: int, *rows: tuple[str, int, str | None]) -> dict[str, bytes]:
    path = f"raw/s/t/20260801-10{minute:02}00000.parquet"
    return {path: file_of([OP, ID, ("v", pa.string())], rows)}


_UNTIMED_LOAD: Final = load("t", pa.string(), "a", "b", "c")
_BY_FILE: Final = Scenario(
    {"f": untimed(order_by="file")},
    (
        Step(("run", "f"), _UNTIMED_LOAD),
        Step(("run", "f"), stamped(5, ("U", 1, "first"), ("U", 1, "last"), ("D", 2, None))),
        Step(("run", "f"), stamped(3, ("U", 1, "late"), ("U", 2, "late"), ("U", 3, "newer than the load"))),
    ),
)
_REFUSES_UNTIMED: Final = Outcome(REFUSED, mentions=("time_column", "order_by"))

_WITHOUT_TIME: Final = (
    Case(
        "plan refuses changes without a time and names the options to set",
        Scenario({"f": untimed()}, (Step(("plan", "f"), _UNTIMED_LOAD | stamped(1, ("U", 1, "x"))),)),
        (_REFUSES_UNTIMED,),
    ),
    Case(
        "run refuses changes without a time or orders them by file",
        Scenario({"f": untimed()}, (Step(("run", "f"), _UNTIMED_LOAD | stamped(1, ("U", 1, "x"))),)),
        (_REFUSES_UNTIMED, Outcome(0, rows=[(1, "x"), (2, "b"), (3, "c")])),
        table="refined/s/t/",
        columns=("id", "v"),
        is_slow=True,
    ),
    Case(
        "a time column missing from all files is refused by name",
        Scenario(
            {"f": untimed(time_column="updated")}, (Step(("plan", "f"), _UNTIMED_LOAD | stamped(1, ("U", 1, "x"))),)
        ),
        (Outcome(REFUSED, mentions=("updated",)),),
    ),
    Case(
        "changes are ordered by time stamp of the file and then by position",
        _BY_FILE,
        (Outcome(0, rows=[(1, "last"), (3, "newer than the load")], earlier_exit_codes=(0, 0)),),
        table="refined/s/t/",
        columns=("id", "v"),
        is_slow=True,
    ),
    Case(
        "a file without a time stamp is refused if files give the order",
        Scenario(
            {"f": untimed(order_by="file")},
            (Step(("plan", "f"), {"raw/s/t/part-0.parquet": next(iter(stamped(1, ("U", 1, "x")).values()))}),),
        ),
        (Outcome(3, mentions=("part-0.parquet",)),),
    ),
    Case(
        "an unknown order is refused by check",
        Scenario({"f": untimed(order_by="fle")}, (Step(("check", "f")),), where=("--config", "{conf}")),
        (Outcome(2, mentions=("order_by", "file")),),
    ),
)

# Types.

_MOMENT: Final = dt.datetime(2026, 8, 1, 10, 0, 0, 5)
_TYPES: Final[dict[str, tuple[str, pa.DataType, Any, Any]]] = {
    "time_ms": ("times in milliseconds are strings", pa.time32("ms"), dt.time(1, 2, 3), "01:02:03.000"),
    "time_us": ("times in microseconds are strings", pa.time64("us"), dt.time(1, 2, 3, 4), "01:02:03.000004"),
    "exact": ("nanoseconds that are whole microseconds are accepted", pa.timestamp("ns"), 1785578400000005000, _MOMENT),
    "uuid16": ("16 bytes stay 16 bytes", pa.binary(16), uuid.UUID(int=5).bytes, uuid.UUID(int=5).bytes),
    "tags": ("lists are accepted", pa.list_(pa.string()), ["a", None], ["a", None]),
    "addr": ("structs are accepted", pa.struct([("city", pa.string())]), {"city": "X"}, {"city": "X"}),
    "cat": ("dictionaries are their values", pa.dictionary(pa.int32(), pa.string()), "x", "x"),
    "map": ("maps are accepted", pa.map_(pa.string(), pa.int32()), [("k", 1)], {"k": 1}),
}
_TYPE_SCENARIO: Final = Scenario(
    {"f": feed_of({**plain(_TYPES), "inexact": {}, "nothing": {}, "meta": {}})},
    (
        Step(
            ("run", "f"),
            {
                path: body
                for table, (_, kind, value, _) in _TYPES.items()
                for path, body in load(table, kind, value, None).items()
            }
            | load("inexact", pa.timestamp("ns"), 1785578400000005001, None)
            | load("nothing", pa.null(), None, None)
            | load("meta", pa.string(), "a", "b", name="_metadata"),
        ),
    ),
)

_EVERY_TYPE: Final = (
    *(
        of_table(
            f"{rule} or refused with the column",
            _TYPE_SCENARIO,
            table,
            Outcome(0, rows=[(1, value), (2, None)]),
            Outcome(REFUSED, mentions=("v", "LOAD00000001.parquet"), omits=("which Spark does not read",)),
        )
        for table, (rule, _, _, value) in _TYPES.items()
        if table not in ("time_ms", "time_us", "exact", "cat")
    ),
    *(
        of_table(rule, _TYPE_SCENARIO, table, Outcome(0, rows=[(1, value), (2, None)]))
        for table, (rule, _, _, value) in _TYPES.items()
        if table in ("exact", "cat")
    ),
    *(
        of_table(
            _TYPES[table][0],
            _TYPE_SCENARIO,
            table,
            Outcome(0, rows=[(1, text), (2, None)]),
        )
        for table, text in (("time_ms", "01:02:03.000"), ("time_us", "01:02:03.000004"))
    ),
    of_table(
        "nanoseconds that are not whole microseconds are rejected refused or truncated as declared",
        _TYPE_SCENARIO,
        "inexact",
        Outcome(REFUSED, mentions=("v", ("nano", "ns"))),
        Outcome(0, mentions=("v",), rejected=1),
        Outcome(0, mentions=("nano",)),
    ),
    of_table(
        "a column without a type is refused by name or null",
        _TYPE_SCENARIO,
        "nothing",
        Outcome(REFUSED, mentions=("v",)),
        Outcome(0, rows=[(1, None), (2, None)]),
        Outcome(0, rows=[(1, "no such column"), (2, "no such column")]),
    ),
    of_table(
        "a column named _metadata is accepted or refused by name",
        _TYPE_SCENARIO,
        "meta",
        Outcome(REFUSED, mentions=("_metadata",)),
        Outcome(0, rows=[("1", "a"), ("2", "b")], mentions=("_metadata",)),
        Outcome(0, rows=[(1, "a"), (2, "b")]),
        columns=(),
    ),
    Case(
        "plan treats a column _metadata as run does",
        Scenario({"f": feed_of({"t": {}})}, (Step(("plan", "f"), load("t", pa.string(), "a", name="_metadata")),)),
        (Outcome(REFUSED, mentions=("_metadata",)), Outcome(0, mentions=("_metadata",))),
    ),
)

# Names of columns.

_NAMES: Final = {
    "blank": ("first name",),
    "dot": ("a.b",),
    "umlaut": ("größe",),
    "quotes": ('say "x"', "it's"),
    "collision": ("a b", "a.b", "a_b"),
    "backtick": ("a`b", "x,y"),
    "case": ("Ä ö", "ä Ö"),
}


def named(table: str, names: Sequence[str]) -> dict[str, bytes]:
    columns = [ID, *((name, pa.string()) for name in names)]
    values = [f"value {place}" for place in range(len(names))]
    return {f"raw/s/{table}/LOAD00000001.parquet": file_of(columns, [(1, *values)])}


_NAMED: Final = Scenario(
    {"f": feed_of({**plain(_NAMES), "keyed": {"key": "order id"}})},
    (
        Step(
            ("run", "f"),
            {path: body for table, names in _NAMES.items() for path, body in named(table, names).items()}
            | {"raw/s/keyed/LOAD00000001.parquet": file_of([("order id", pa.int32()), ("v", pa.string())], [(1, "a")])},
        ),
    ),
)
_RENAMED: Final = Scenario(
    {"f": feed_of({"t": {"rename": {"first name": "given", "a.b": "a_b"}}})},
    (
        Step(("run", "f"), named("t", ("first name", "a.b"))),
        Step(
            ("run", "f"),
            {
                "raw/s/t/20260801-100100000.parquet": file_of(
                    [OP, TS, ID, ("first name", pa.string()), ("a.b", pa.string())], [("U", at(1), 1, "x", "y")]
                )
            },
        ),
    ),
)

_EVERY_NAME: Final = (
    *(
        of_table(
            f"column names with {table} are mapped without a collision",
            _NAMED,
            table,
            Outcome(0, rows=[tuple(sorted((1, *(f"value {place}" for place in range(len(names)))), key=str))]),
            Outcome(REFUSED, mentions=("rename",)),
            columns=(),
        )
        for table, names in _NAMES.items()
    ),
    of_table(
        "a key whose name has a blank is mapped or refused with the option",
        _NAMED,
        "keyed",
        Outcome(0, rows=[tuple(sorted((1, "a"), key=str))]),
        Outcome(REFUSED, mentions=("order id", "rename")),
        columns=(),
    ),
    Case(
        "columns are renamed as declared in later batches too",
        _RENAMED,
        (Outcome(0, rows=[(1, "x", "y")], earlier_exit_codes=(0,)),),
        table="refined/s/t/",
        columns=("id", "given", "a_b"),
        is_slow=True,
    ),
    Case(
        "two columns renamed to the same name are refused",
        Scenario(
            {"f": feed_of({"t": {"rename": {"first name": "v", "a.b": "v"}}})},
            (Step(("plan", "f"), named("t", ("first name", "a.b"))),),
        ),
        (Outcome(REFUSED, mentions=("rename",)),),
    ),
    Case(
        "a column renamed to the name of another is refused",
        Scenario(
            {"f": feed_of({"t": {"rename": {"first name": "other"}}})},
            (Step(("plan", "f"), named("t", ("first name", "other"))),),
        ),
        (Outcome(REFUSED, mentions=("other",)),),
    ),
    Case(
        "a renamed column missing from all files is reported",
        Scenario(
            {"f": feed_of({"t": {"rename": {"fist name": "given"}}})},
            (Step(("plan", "f"), named("t", ("first name",))),),
        ),
        (Outcome((0, 2, 3), mentions=("fist name",)),),
    ),
)

# From public reports, and other hostile input.

_UPDATED: Final = ("updated_at", pa.timestamp("us"))
_S: Final = dt.datetime(2026, 8, 1, 10, 0, 0)
_REPORTED: Final = Scenario(
    {
        "f": {
            "job": "cdc_to_hudi",
            "source": {"path": "raw/s/", "time_column": "updated_at"},
            "target": {"path": "refined/s/", "parallelism": 2},
            "tables": {"t": {"key": "id"}},
        }
    },
    (
        Step(
            ("run", "f"),
            {
                "raw/s/t/LOAD00000001.parquet": file_of(
                    [ID, ("name", pa.string()), _UPDATED], [(1, "Ada", _S), (2, "Bo", _S), (3, "Cy", _S)]
                )
            },
        ),
        Step(
            ("run", "f"),
            {
                "raw/s/t/20260801-100100000.parquet": file_of(
                    [OP, ID, ("name", pa.string()), _UPDATED],
                    [("U", 1, "Ada2", _S + dt.timedelta(seconds=1)), ("D", 2, None, None)],
                ),
                "raw/s/t/20260801-100200000.parquet": file_of(
                    [OP, ID, ("name", pa.string()), _UPDATED],
                    [("U", 1, "Ada3", _S + dt.timedelta(seconds=2)), ("I", 4, "Di", _S + dt.timedelta(seconds=2))],
                ),
            },
        ),
    ),
)
_ODD: Final = Scenario(
    {"f": feed_of({"bad_op": {}, "damaged": {}, "no_parquet": {}, "bad_time": {}, "twice": {}})},
    (
        Step(
            ("run", "f"),
            load("bad_op", pa.string(), "a", "b")
            | changes("bad_op", pa.string(), (CANARY, 1, 1, "x"))
            | {"raw/s/damaged/LOAD00000001.parquet": next(iter(load("x", pa.string(), "a").values()))[:-20]}
            | {"raw/s/no_parquet/LOAD00000001.parquet": b"id,v\n1," + CANARY.encode()}
            | load("bad_time", pa.string(), "a", "b")
            | {
                "raw/s/bad_time/20260801-100100000.parquet": file_of(
                    [OP, TS, ID, ("v", pa.string())], [("U", CANARY, 1, "x")]
                )
            }
            | load("twice", pa.string(), "a", "b")
            | changes("twice", pa.string(), ("U", 1, 1, "x"))
            | changes("twice", pa.string(), ("U", 1, 1, "x"), minute=2),
        ),
    ),
)

_GENERAL: Final = (
    Case(  # apache/hudi#5036
        "a delete without a time deletes or is rejected and never lost",
        _REPORTED,
        (
            Outcome(0, rows=[(1, "Ada3"), (3, "Cy"), (4, "Di")], rejected=0),
            Outcome(0, rows=[(1, "Ada3"), (2, "Bo"), (3, "Cy"), (4, "Di")], rejected=1),
            Outcome(3, mentions=("updated_at",)),
        ),
        table="refined/s/t/",
        columns=("id", "name"),
        is_slow=True,
    ),
    of_table(
        "an unknown kind of change is rejected and not shown",
        _ODD,
        "bad_op",
        Outcome(0, rows=[(1, "a"), (2, "b")], rejected=1),
        never=(CANARY,),
    ),
    of_table(
        "a truncated Parquet file is refused by name",
        _ODD,
        "damaged",
        Outcome(3, mentions=("LOAD00000001.parquet",)),
    ),
    of_table(
        "a file that is not Parquet is refused without showing values",
        _ODD,
        "no_parquet",
        Outcome(3, mentions=("LOAD00000001.parquet",)),
        never=(CANARY,),
    ),
    of_table(
        "an invalid time is rejected and not shown",
        _ODD,
        "bad_time",
        Outcome(0, rows=[(1, "a"), (2, "b")], rejected=1),
        Outcome(3, mentions=("ts",)),
        never=(CANARY,),
    ),
    of_table("one change under two file names counts once", _ODD, "twice", Outcome(0, rows=[(1, "x"), (2, "b")])),
)

CASES: Final = (*_WIDENED_TYPES, *_WITHOUT_TIME, *_EVERY_TYPE, *_EVERY_NAME, *_GENERAL)
