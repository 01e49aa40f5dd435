"""Inputs from public bug reports about other readers; each case names its reports."""

import gzip
import json
from typing import Any, Final

from tests.hostile.cases import REFUSED, Case, Outcome, Scenario, Step
from tests.hostile.csv_cases import case, feed
from tests.hostile.event_cases import DAY, events_feed, name_of
from tests.hostile.event_cases import case as event_case

_SIZES: Final = b'id,size,bore,colour\n1,"5\\", wide","6\\"","red"\n2,"plain","x","blue"\n'
_SIZE_FEED: Final = {"id": "long", "size": "string", "bore": "string", "colour": "string"}
_TITLES: Final = b'id\ttitle\n1\t"Weird" story\n2\tplain\n3\t"only open\n4\t"Both"\n5\tlast\n'

_CSV: Final = (
    case(  # databricks/spark-csv#466, ClickHouse/ClickHouse#10624
        "a quote after a backslash is rejected and never kept with its backslash",
        {
            "x.csv": b'id,note,qty\n1,"He said \\"hi\\"",5\n2,"size 5\\", wide",6\n3,"ends with \\"quote\\"",7\n4,plain,8\n'
        },
        Outcome(0, mentions=("quote",), rows=[(4, "plain", 8)], rejected=3),
        of=feed(columns={"id": "long", "note": "string", "qty": "long"}),
        columns=("id", "note", "qty"),
    ),
    case(  # apache/spark#38446
        "a quote after a backslash does not move field boundaries",
        {"x.csv": _SIZES},
        Outcome(0, mentions=("quote",), rows=[(2, "plain", "x", "blue")], rejected=1),
        of=feed(columns=_SIZE_FEED),
        columns=tuple(_SIZE_FEED),
    ),
    case(
        "a quote after a backslash does not move field boundaries if lines are rows",
        {"x.csv": _SIZES},
        Outcome(0, mentions=("quote",), rows=[(2, "plain", "x", "blue")], rejected=1),
        of=feed(columns=_SIZE_FEED, csv={"multiline": False}),
        columns=tuple(_SIZE_FEED),
    ),
    case(  # C2FO/fast-csv#337, Tatoeba/tatoeba2#2973
        "literal quotes lose no row silently",
        {"x.tsv": _TITLES},
        Outcome(3, mentions=("x.tsv", "line")),
        Outcome(0, mentions=("quote",)),
        of=feed(columns={"id": "long", "title": "string"}, csv={"delimiter": "\t"}),
    ),
    case(  # pola-rs/polars#24207, duckdb/duckdb#17220
        "numbers with separators and currency signs are rejected by column",
        {"x.csv": b'id,v,w,n\n1,"1,234.50","1,234.50","1,234"\n2,$5.00,12%,1.0\n3,(45.00),100-,7\n4,1.00,1.0,1\n'},
        Outcome(0, mentions=("v: type", "w: type", "n: type"), rejected=3),
        Outcome(0, mentions=("thousands",)),
        Outcome(0, mentions=('"column": "v"',), rejected=3),
        of=feed(columns={"id": "long", "v": "decimal(12,2)", "w": "double", "n": "long"}),
    ),
    case(  # pandas-dev/pandas#14124, duckdb/duckdb#8231
        "a delimiter at the end of each row is rejected by field count",
        {"x.csv": b"id,name\n1,a,\n2,b,\n"},
        Outcome(0, mentions=("field_count",), rejected=2),
        Outcome(0, rows=[(1, "a"), (2, "b")]),
    ),
    case(  # fsprojects/FSharp.Data#688
        "a delimiter at the end of the header is refused or rejected",
        {"x.csv": b"id,name,\n1,a\n2,b\n"},
        Outcome(0, mentions=("field_count",), rejected=2),
        Outcome(3, mentions=("x.csv",)),
        Outcome(0, rows=[(1, "a"), (2, "b")]),
    ),
    case(  # rap2hpoutre/fast-excel#327
        "a line sep= before the header is refused with the option to set",
        {"x.csv": b"sep=;\nid;name\n1;a\n"},
        Outcome(3, mentions=("x.csv", "source.csv.separator_line: true")),
        Outcome(0, rows=[(1, "a")]),
        of=feed(csv={"delimiter": ";"}),
    ),
    case(  # apache/spark#39907, trinodb/trino#1085
        "a comment before the header is refused as header",
        {"x.csv": b"# exported 2026-01-01\nid,name\n1,a\nTotal,1\n"},
        Outcome(3, mentions=("x.csv", "header")),
    ),
    case(  # databricks/spark-csv#368
        "an undeclared repeated name does not hide a declared one",
        {"x.csv": b"id,name,note,note\n1,a,x,y\n"},
        Outcome(0, rows=[(1, "a")]),
        Outcome(3, mentions=("x.csv", "note")),
    ),
    case(  # pola-rs/polars#2728
        "a delimiter of two characters is read or refused by check",
        {"x.csv": b"id||name\n1||a\n"},
        Outcome(0, rows=[(1, "a")]),
        Outcome(2, mentions=("delimiter",)),
        of=feed(csv={"delimiter": "||"}),
    ),
    case(  # apache/spark#56205
        "nanoseconds are rejected or truncated as declared",
        {"x.csv": b"id,t\n1,2026-01-01T00:00:00.123456789Z\n"},
        Outcome(0, rejected=1),
        Outcome(2, mentions=("source.columns.t", "digits")),
        of=feed(
            columns={"id": "long", "t": "timestamp"}, csv={"timestamp_format": "yyyy-MM-dd'T'HH:mm:ss[.SSSSSSSSS]X"}
        ),
    ),
    case(  # duckdb/duckdb#4888, apache/arrow#10503
        "null texts apply to every column that declares them",
        {"x.csv": b"id,name\n1,a\n2,NULL\n3,-\n"},
        Outcome(0, rows=[(1, "a"), (2, None), (3, None)]),
        of=feed(csv={"null_text": ["NULL", "-"]}),
    ),
    case(  # airbytehq/airbyte#7012, NVIDIA/cudf#18804
        "a file without a header keeps its first row",
        {"x.csv": b"1,a\n2,b\n"},
        Outcome(3, mentions=("x.csv", "header")),
        Outcome(0, rows=[(1, "a"), (2, "b")]),
    ),
    case(  # databricks/spark-csv#448
        "Shift_JIS is read or refused by check",
        {"x.csv": b"id,name\n1,\x93\x8c\x8b\x9e\n"},
        Outcome(0, rows=[(1, "東京")]),
        Outcome(2, mentions=("encoding",)),
        of=feed(csv={"encoding": "Shift_JIS"}),
    ),
    case(
        "blanks before quotes are rejected or dropped as declared",
        {"x.csv": b'id, name, n\n1, "a, b", 3\n2, "ab", 3\n'},
        Outcome(0, mentions=("field_count",)),
        Outcome(0, rows=[(1, "a, b"), (2, "ab")]),
    ),
    case(
        "a zip next to a gzip with any extension case is reported and the gzip is read or named",
        {"z.CSV.GZ": gzip.compress(b"id,name\n1,a\n", mtime=0), "x.csv": b"PK\x03\x04\x14\x00" + b"\x00" * 90},
        Outcome(3, mentions=("x.csv", "zip"), rows=[(1, "a")]),
        Outcome(3, mentions=("x.csv", "zip", "z.CSV.GZ"), rows=[]),
    ),
    case(
        "a DOS end-of-file character is one rejected row",
        {"x.csv": b"id,name\n1,a\n\x1a"},
        Outcome(0, rows=[(1, "a")], rejected=1),
        Outcome(0, rows=[(1, "a")], rejected=0),
    ),
    case(
        "dates of three formats are read by optional parts",
        {"x.csv": b"id,d\n1,2026-02-03\n2,03/02/2026\n4,2026-02-0304/05/2027\n"},
        Outcome(0, mentions=("d: type",), rejected=1),
        Outcome(0, mentions=('"column": "d"',), rejected=1),
        Outcome(2, mentions=("date_format",)),
        of=feed(columns={"id": "long", "d": "date"}, csv={"date_format": "[yyyy-MM-dd][dd/MM/yyyy]"}),
    ),
    case(  # pola-rs/polars#17213
        "years of two digits are refused by check or read by a declared century",
        {"x.csv": b"id,d\n1,02/03/26\n"},
        Outcome(2, mentions=("source.columns.d", "yyyy")),
        of=feed(columns={"id": "long", "d": "date"}, csv={"date_format": "MM/dd/yy"}),
    ),
    case(  # apache/beam#18168
        "a source path with a typo is reported",
        {"x.csv": b"id,name\n1,a\n"},
        Outcome(3, mentions=("raw/typo/",)),
        of=feed(path="raw/typo/"),
    ),
)


def of_topics(rule: str, files: dict[str, bytes], *outcomes: Outcome, of: Any = None) -> Case:
    """Return a case of a run that may find no topics."""
    return event_case(rule, ({f"raw/topics/{name}": body for name, body in files.items()},), *outcomes, of=of)


_EVENTS: Final = (
    event_case(  # risingwavelabs/risingwave#11539
        "the envelope of Kafka Connect is flattened without loss",
        (
            {
                name_of(0): json.dumps({"schema": {"name": "t"}, "payload": {"id": 1}}).encode()
                + b'\n{"schema":null,"payload":null}\n'
            },
        ),
        Outcome(0, rows=[(0, 0, 1), (0, 1, None)]),
        columns=("_partition", "_offset", "payload_id"),
    ),
    event_case(  # confluentinc/kafka-connect-storage-cloud#42 and #355
        "a tombstone is rejected or counted",
        ({name_of(0): b'{"id":1}\nnull\n'},),
        Outcome(0, rows=[(0, 0, 1)], rejected=1),
        Outcome(0, rows=[(0, 0, 1)], mentions=("null",)),
    ),
    event_case(  # confluentinc/kafka-connect-storage-cloud#330
        "top-level arrays are rejected with a reason",
        ({name_of(0): b'[{"id":1},{"id":2}]\n[{"id":3}]\n'},),
        Outcome(0, rejected=2),
        Outcome(3, mentions=(("array", "object", "record"),)),
    ),
    of_topics(  # confluentinc/kafka-connect-storage-cloud#601
        "keys headers and other formats of the sink are named",
        {
            f"t/{DAY}/t+0+0000000000.json": b'{"id":1}\n',
            f"t/{DAY}/t+0+0000000000.keys.json": b'"k1"\n',
            f"t/{DAY}/t+0+0000000000.headers.json": b"[]\n",
            f"t/{DAY}/t+1+0000000000.avro": b"Obj1",
            f"t/{DAY}/t+2+0000000000.bin": b'{"id":9}\n',
        },
        Outcome((0, 3), mentions=("keys.json", "headers.json", ".avro", ".bin"), rows=[(0, 0, 1)]),
    ),
    of_topics(  # confluentinc/kafka-connect-storage-cloud#514
        "a source with only other formats does not succeed silently",
        {f"t/{DAY}/t+1+0000000005.avro": b"Obj1", f"u/{DAY}/u+2+0000000000.bin": b'{"id":9}\n'},
        Outcome(3, mentions=((".avro", ".bin"),)),
    ),
    event_case(  # confluentinc/kafka-connect-jdbc#1163
        "times with more digits than microseconds lose nothing silently",
        (
            {
                name_of(
                    0
                ): b'{"id":1,"ts":"2026-01-01T10:00:00.123456789Z"}\n{"id":2,"ts":"2026-01-01T10:00:00.123456000Z"}\n'
            },
        ),
        Outcome(0, rows=[(0, 0, 1), (0, 1, 2)]),
        Outcome(0, rows=[(0, 1, 2)], rejected=1),
        of=events_feed(timestamps={"ts": "iso"}),
    ),
    event_case(  # RedHatInsights/expandjsonsmt#10
        "JSON in a string stays a string",
        ({name_of(0): b'{"id":1,"payload":"{\\"a\\":1}"}\n'},),
        Outcome(0, rows=[(1, '{"a":1}')]),
        columns=("id", "payload"),
    ),
    event_case(  # databricks/iceberg-kafka-connect#192
        "data values as keys are read or refused and named",
        (
            {
                name_of(0): b"".join(
                    json.dumps({"id": n, "by_user": {f"u{n}_{k}": k for k in range(40)}}).encode() + b"\n"
                    for n in range(30)
                )
            },
        ),
        Outcome(0, rows=[(0, n, n) for n in range(30)]),
        Outcome(REFUSED, mentions=("column",)),
    ),
    event_case(  # apache/spark#55661
        "a lone surrogate is rejected",
        ({name_of(0): b'{"id":1,"a":"\\ud83d"}\n{"id":2,"a":"ok \\u0000 x"}\n{"id":3,"a":"\\ud83d\\ude00"}\n'},),
        Outcome(0, rows=[(0, 1, 2), (0, 2, 3)], rejected=1),
    ),
    of_topics(  # Aiven-Open/s3-connector-for-apache-kafka#309
        "objects of other sinks are named",
        {
            f"t/{DAY}/part-0.json": b'{"id":1}\n',
            "t/0/14999.json": b'{"id":1}\n',
            "t-0-0000000000.gz": gzip.compress(b"{}"),
        },
        Outcome(3, mentions=("3 objects", "raw/topics/t-0-0000000000.gz")),
    ),
    event_case(  # vectordotdev/vector#8487, aws/aws-sdk-js#3264
        "joined records are rejected or read",
        ({name_of(0): b'{"id":1}{"id":2}\n'},),
        Outcome(0, rejected=1),
        Outcome(3, mentions=("t+0+0000000000",)),
        Outcome(0, rows=[(0, 0, 1), (0, 1, 2)]),
    ),
    Case(  # apache/beam#18168
        "a topics folder one level too high does not succeed silently",
        Scenario({"f": events_feed(path="raw/")}, (Step(files={name_of(0): b'{"id":1}\n'}),)),
        (Outcome(3, mentions=("raw/",)),),
    ),
    event_case(  # confluentinc/kafka-connect-storage-cloud#559
        "records that are JSON in a string are rejected with a reason",
        ({name_of(0): b'"{\\"id\\":1}"\n"{\\"id\\":2}"\n'},),
        Outcome(0, rejected=2),
        Outcome(3, mentions=(("string", "object", "record"),)),
    ),
)

CASES: Final = (*_CSV, *_EVENTS)
