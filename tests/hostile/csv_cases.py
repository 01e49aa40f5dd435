"""CSV: data columns named like partition keys, missing headers, other formats, and damaged files."""

import gzip
import io
import zipfile
from typing import Any, Final

from tests.hostile.cases import CANARY, REFUSED, Case, Files, Outcome, Scenario, Step

LINES: Final = b"id,name\n1,a\n2,b\n"
TWO: Final = [(1, "a"), (2, "b")]
COLUMNS: Final = {"id": "long", "name": "string"}


def feed(target: Any = None, **source: Any) -> dict[str, Any]:
    show_values = source.pop("show_values", None)
    built = {
        "job": "csv_to_parquet",
        "source": {"path": "raw/a/", "columns": COLUMNS, **source},
        "target": {"path": "refined/a/", **(target or {})},
        "max_rejected": 1.0,
    }
    return built if show_values is None else built | {"show_values": show_values}


def case(
    rule: str, files: Files, *outcomes: Outcome, of: Any = None, arguments: tuple[str, ...] = (), **options: Any
) -> Case:
    """Return a case of one run over files in ``raw/a/``."""
    delivered = {f"raw/a/{name}": body for name, body in files.items()}
    scenario = Scenario({"f": feed() if of is None else of}, (Step(("run", "f", *arguments), delivered),))
    options.setdefault("columns", ("id", "name"))
    return Case(rule, scenario, outcomes, table="refined/a/", **options)


def zipped(name: str, body: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, body)
    return archive.getvalue()


DATES: Final = {"id": "long", "year": "long", "month": "long", "day": "long"}
DATED: Final = b"id,year,month,day\n1,2020,2,3\n"
IN_DAY: Final = "year=2026/month=08/day=01/x.csv"
NO_HEADER: Final = f"1,{CANARY}\n2,b\n".encode()
NAMES_RESEMBLING: Final = f"Identity;nmae\n1;{CANARY}\n".encode()

_PARTITION_KEYS: Final = (
    case(
        "year month and day are data if the table has no partitions",
        {"x.csv": DATED},
        Outcome(0, rows=[(1, 2020, 2, 3)]),
        of=feed(columns=DATES),
        columns=tuple(DATES),
    ),
    case(
        "year month and day are data even if the folders of the source are dates",
        {IN_DAY: DATED},
        Outcome(0, rows=[(1, 2020, 2, 3)]),
        of=feed(columns=DATES),
        columns=tuple(DATES),
    ),
    case(
        "a column that is a partition key is refused by name",
        {IN_DAY: DATED},
        Outcome(2, mentions=("year", "partition")),
        of=feed({"partition_by": ["year", "month", "day"]}, columns=DATES),
    ),
    case(
        "a column that differs from a partition key in case is refused by name",
        {IN_DAY: b"id,Year\n1,2020\n"},
        Outcome(REFUSED, mentions=("year",)),
        of=feed({"partition_by": ["year", "month", "day"]}, columns={"id": "long", "Year": "long"}),
    ),
    case(
        "only the partition keys of the table are reserved",
        {"year=2026/x.csv": b"id,day\n1,7\n"},
        Outcome(0, rows=[(1, 7)]),
        of=feed({"partition_by": ["year"]}, columns={"id": "long", "day": "long"}),
        columns=("id", "day"),
    ),
)

_HEADERS: Final = (
    case(
        "a missing header is reported with the number of fields and not with the first row",
        {"x.csv": NO_HEADER},
        Outcome(3, mentions=("x.csv", "header", ("2 fields", "two fields", "2 columns", "fields: 2"))),
        never=(CANARY,),
    ),
    case(
        "show-values shows the first row of a missing header",
        {"x.csv": NO_HEADER},
        Outcome(3, mentions=("x.csv", CANARY)),
        arguments=("--show-values",),
    ),
    case(
        "show_values in the feed shows the first row of a missing header",
        {"x.csv": NO_HEADER},
        Outcome(3, mentions=("x.csv", CANARY)),
        of=feed(show_values=True),
    ),
    case(
        "a header with names like the declared ones shows those and not the header",
        {"x.csv": f"ident,naem\n1,{CANARY}\n".encode()},
        Outcome(3, mentions=("x.csv", "field 2 resembles 'name'")),
        never=(CANARY, "naem"),
    ),
    case(
        "a header of another delimiter is refused without showing values",
        {"x.csv": NAMES_RESEMBLING},
        Outcome(3, mentions=("x.csv",)),
        never=(CANARY,),
    ),
    case(
        "a long first row is not even partly shown",
        {"x.csv": ",".join([CANARY] * 200).encode() + b"\n"},
        Outcome(3, mentions=("x.csv", "200")),
        never=(CANARY,),
    ),
    Case(
        "plan of a missing header shows no value",
        Scenario({"f": feed()}, (Step(("plan", "f"), {"raw/a/x.csv": NO_HEADER}),)),
        (Outcome(3, mentions=("x.csv", "2 fields")),),
        never=(CANARY,),
    ),
    case(
        "a repeated name in the header shows no value",
        {"x.csv": f"id,id,{CANARY}\n1,2,3\n".encode()},
        Outcome(3, mentions=("x.csv", "id")),
        never=(CANARY,),
    ),
    case(
        "a value of the wrong type is not shown",
        {"x.csv": f"id,name\n{CANARY},a\n2,b\n".encode()},
        Outcome(0, rows=[(2, "b")], rejected=1),
        never=(CANARY,),
    ),
    case(
        "too many rejected rows show no value",
        {"x.csv": f"id,name\n{CANARY},a\n".encode()},
        Outcome(3, mentions=("max_rejected",)),
        of=feed() | {"max_rejected": 0.0},
        never=(CANARY,),
    ),
    case(
        "a partition value with parent folders stays inside the table",
        {"x.csv": b"id,name\n1,../../up\n2,b\n"},
        Outcome(0, rejected=0, rows=[(1,), (2,)]),
        of=feed({"partition_by": ["name"], "fill": "append"}),
        columns=("id",),
    ),
    case(
        "a quote that is never closed shows no value",
        {"x.csv": f'id,name\n1,"{CANARY}\n2,b\n'.encode()},
        Outcome(3, mentions=("x.csv", "line 2")),
        never=(CANARY,),
    ),
)

_NO_CSV: Final = (
    case(
        "a zip named csv is reported as a zip",
        {"x.csv": zipped("x.csv", LINES)},
        Outcome(3, mentions=("x.csv", "zip")),
    ),
    case(
        "an Excel workbook named csv is reported as a zip or a workbook",
        {"x.csv": zipped("xl/workbook.xml", b"<workbook/>" * 50)},
        Outcome(3, mentions=("x.csv", ("zip", "xlsx", "excel"))),
    ),
    case(
        "a Parquet file named csv is reported as Parquet",
        {"x.csv": b"PAR1\x15\x04\x15\xff\xfe" + b"\x00" * 60 + b"PAR1"},
        Outcome(3, mentions=("x.csv", "parquet")),
    ),
    case(
        "bzip2 named csv is refused and reported as bzip2",
        {"x.csv": b"BZh91AY&SY" + b"\xff\xd8\x01" * 40},
        Outcome(3, mentions=("x.csv", "bzip2")),
    ),
    case(
        "gzip named csv is reported as gzip",
        {"x.csv": gzip.compress(LINES)},
        Outcome(3, mentions=("x.csv", "gzip")),
    ),
    case(
        "UTF-16 is refused and the encoding to set is named",
        {"x.csv": LINES.decode().encode("utf-16")},
        Outcome(3, mentions=("x.csv", ("utf-16", "utf-8"))),
    ),
    case(
        "with UTF-16 next to a valid file only the valid one is read",
        {"x.csv": LINES.decode().encode("utf-16"), "good.csv": LINES},
        Outcome(3, mentions=("x.csv",), rows=TWO),
    ),
    case(
        "a backslash and a t as delimiter is a tab",
        {"x.csv": b"id\tname\n1\ta\n"},
        Outcome(0, rows=[(1, "a")]),
        of="job: csv_to_parquet\nsource: {path: raw/a/, columns: {id: long, name: string}, csv: {delimiter: \\t}}\n"
        "target: {path: refined/a/}\n",
    ),
    case(
        "a backslash and a t in single quotes is a tab",
        {"x.csv": b"id\tname\n1\ta\n"},
        Outcome(0, rows=[(1, "a")]),
        of="job: csv_to_parquet\nsource: {path: raw/a/, columns: {id: long, name: string}, csv: {delimiter: '\\t'}}\n"
        "target: {path: refined/a/}\n",
    ),
)

_DAMAGE: Final = (
    case("an empty file next to a valid one has no rows", {"x.csv": b"", "y.csv": LINES}, Outcome((0, 3), rows=TWO)),
    case("a file with only a header has no rows", {"x.csv": b"id,name\n", "y.csv": LINES}, Outcome(0, rows=TWO)),
    case(
        "a file with only blank lines is refused or empty",
        {"x.csv": b"\n\n\n", "y.csv": LINES},
        Outcome((0, 3), rows=TWO),
    ),
    case(
        "a truncated gzip is refused as a whole and others are read",
        {"x.csv.gz": gzip.compress(LINES * 5000)[:-20], "y.csv": LINES},
        Outcome(3, mentions=("x.csv.gz", "gzip"), rows=TWO),
    ),
    case(
        "a gzip with trailing garbage is refused",
        {"x.csv.gz": gzip.compress(LINES) + b"more", "y.csv": LINES},
        Outcome(3, mentions=("x.csv.gz",), rows=TWO),
    ),
    case("one object under two names counts twice", {"x.csv": LINES, "y.csv": LINES}, Outcome(0, rows=TWO * 2)),
    case(
        "Latin-1 in a UTF-8 feed rejects its rows or its file",
        {"x.csv": b"id,name\n1,caf\xe9\n2,b\n"},
        Outcome(0, rows=[(2, "b")], rejected=1),
        Outcome(3, mentions=("x.csv",)),
    ),
    case(
        "a byte order mark is not part of the first name",
        {"x.csv": b"\xef\xbb\xbf" + LINES},
        Outcome(0, rows=TWO),
    ),
    case(
        "NUL bytes are refused rejected or kept",
        {"x.csv": b"id,name\n1,a\x00b\n2,b\n"},
        Outcome(0, rows=[(1, "a\x00b"), (2, "b")]),
        Outcome(0, rows=[(2, "b")], rejected=1),
        Outcome(3, mentions=("x.csv",)),
    ),
    case(
        "a line of 5 MB is read or refused by name",
        {"x.csv": b"id,name\n1," + b"x" * 5_000_000 + b"\n", "y.csv": LINES},
        Outcome(0, rows=[*TWO, (1, "x" * 5_000_000)]),
        Outcome(3, mentions=("x.csv",), rows=TWO),
    ),
    case(
        "a row of 30000 fields is rejected or its file refused",
        {"x.csv": b"id,name\n1,a\n2" + b"," * 30_000 + b"\n", "y.csv": b"id,name\n2,b\n"},
        Outcome(0, rows=TWO, rejected=1),
        Outcome(3, mentions=("x.csv",), rows=[(2, "b")]),
    ),
    case(
        "CR ends lines if it ends the header",
        {"x.csv": LINES.replace(b"\n", b"\r")},
        Outcome(0, rows=TWO),
        Outcome(3, mentions=("x.csv",)),
    ),
)

_CHANGED: Final = Scenario(
    {"f": feed()},
    (
        Step(("plan", "f"), {"raw/a/x.csv": LINES}),
        Step(("run", "f"), {"raw/a/x.csv": b"id,name\n7,changed\n", "raw/a/y.csv": b"id,name\n8,new\n"}),
    ),
)
_TWICE: Final = Scenario(
    {"f": feed()},
    (
        Step(("run", "f"), {"raw/a/b.csv": LINES}),
        Step(("run", "f"), {"raw/a/a.csv": b"id,name\n3,c\n"}),
        Step(("run", "f")),
    ),
)
_GONE: Final = Scenario(
    {"f": feed()},
    (
        Step(("run", "f"), {"raw/a/a.csv": LINES}),
        Step(("run", "f"), {"raw/a/a.csv": None, "raw/a/b.csv": b"id,name\n3,c\n"}),
    ),
)

_HISTORIES: Final = (
    Case(
        "an object that changes between plan and run is read in its new version",
        _CHANGED,
        (Outcome(0, rows=[(7, "changed"), (8, "new")]),),
        table="refined/a/",
        columns=("id", "name"),
    ),
    Case(
        "objects that arrive in the reverse order of their names count once",
        _TWICE,
        (Outcome(0, rows=[*TWO, (3, "c")]),),
        table="refined/a/",
        columns=("id", "name"),
    ),
    Case(
        "a committed object that is gone is named and its rows are not lost silently",
        _GONE,
        (Outcome(3, mentions=("a.csv",), rows=TWO), Outcome(0, mentions=("a.csv",))),
        table="refined/a/",
        columns=("id", "name"),
    ),
)

CASES: Final = (*_PARTITION_KEYS, *_HEADERS, *_NO_CSV, *_DAMAGE, *_HISTORIES)
