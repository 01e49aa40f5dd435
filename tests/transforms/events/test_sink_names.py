import pytest

from transforms.events.sink_names import (
    SinkName,
    date_of_folders,
    read_sink_name,
    sink_scope,
    table_name,
    topics_by_table,
)
from transforms.object_names import compile_date_template


@pytest.mark.parametrize(
    ("path", "delimiter", "expected"),
    [
        pytest.param("t/partition=0/t+0+0000000012.json.gz", "+", SinkName("t", "partition=0", 0, 12), id="default"),
        pytest.param("t/t+3+0.json", "+", SinkName("t", "", 3, 0), id="no-folders"),
        pytest.param(
            "geo.quakes/year=2026/month=08/day=01/hour=13/geo.quakes+11+0000000000.json.gz",
            "+",
            SinkName("geo.quakes", "year=2026/month=08/day=01/hour=13", 11, 0),
            id="time-based",
        ),
        pytest.param("a-b_C.9/x/a-b_C.9-1-2.json", "-", SinkName("a-b_C.9", "x", 1, 2), id="topic-with-the-delimiter"),
        pytest.param("a+b/p/a+b+1+2.json", "+", SinkName("a+b", "p", 1, 2), id="topic-with-a-plus"),
        pytest.param("t__x/p/t__x__1__2.json", "__", SinkName("t__x", "p", 1, 2), id="long-delimiter"),
        pytest.param("t/p/t+0+9223372036854775807.json", "+", SinkName("t", "p", 0, 2**63 - 1), id="largest-offset"),
        pytest.param(
            "t/p/u+0+1.json",
            "+",
            "its name begins with topic 'u', its folder is that of 't'",
            id="folder-of-another-topic",
        ),
        pytest.param(
            "t/p/T+0+1.json", "+", "its name begins with topic 'T', its folder is that of 't'", id="case-differs"
        ),
        pytest.param("t/p/t+0.json", "+", "its name is not <topic>+<partition>+<offset>", id="no-offset"),
        pytest.param("t/p/t+0+-1.json", "+", "its name is not <topic>+<partition>+<offset>", id="negative"),
        pytest.param(
            "t/p/t+0+\u0661.json", "+", "its name is not <topic>+<partition>+<offset>", id="digits-of-another-script"
        ),
        pytest.param(
            "t/p/t+0+9223372036854775808.json",
            "+",
            "its name has a number above 2^63 - 1, which cannot be a Kafka partition or offset",
            id="above-the-largest-offset",
        ),
        pytest.param("t/p/t+0+1.avro", "+", "its name does not end in .json or .json.gz", id="avro"),
        pytest.param("_t/p/_t+0+1.json", "+", SinkName("_t", "p", 0, 1), id="internal-topic"),
        pytest.param("t/p/_SUCCESS", "+", "its name does not end in .json or .json.gz", id="marker"),
        pytest.param("t/_temporary/t+0+1.json", "+", "hidden", id="hidden-folder"),
        pytest.param("t/p/", "+", "hidden", id="folder-marker"),
        pytest.param("README.json", "+", "is not in a topic's folder", id="outside-the-topic-folders"),
    ],
)
def test_read_sink_name(path: str, delimiter: str, expected: SinkName | str) -> None:
    assert read_sink_name(path, delimiter) == expected


@pytest.mark.parametrize(
    ("path", "other", "is_shared"),
    [
        ("raw/t/partition=0/t+0+0000000012.json.gz", "raw/t/partition=0/t+0+0000000100.json", True),
        ("raw/t/partition=0/t+0+12.json", "raw/t/partition=0/t+1+12.json", False),
        ("raw/t/region=eu/t+0+12.json", "raw/t/region=us/t+0+12.json", False),
        ("raw/t/x/t+0+12.json", "raw/t/x/t+01+2.json", False),
        ("raw/t-1/x/t-1-0-12.json", "raw/t-1/x/t-1-0-7.json", True),
        ("raw/t/x/t__0__12.json", "raw/t/x/t__0__1.json.gz", True),
        ("raw/t-0-12.gz", "raw/t-0-7.gz", True),
        ("raw/t/x/t+0+12.bin.gz", "raw/t/x/t+0+7.jsonl", True),
        ("raw/t/0/12_17855_17856.json", "raw/t/0/20_17856_17857.json", False),
        ("raw/t/x/t+0+12-000-1efaa", "raw/t/x/t+0+20-000-1efaa", False),
    ],
)
def test_computed_offsets_are_comparable_within_one_folder_and_kafka_partition(
    path: str, other: str, is_shared: bool
) -> None:
    assert (sink_scope(path) == sink_scope(other)) == is_shared


@pytest.mark.parametrize(
    ("folders", "template", "expected"),
    [
        ("year=2026/month=08/day=01/hour=13", "", ("2026", "08", "01")),
        ("dt=2026-08-01/13", "dt={year}-{month}-{day}/*", ("2026", "08", "01")),
        ("2026/08/01", "{year}/{month}/{day}", ("2026", "08", "01")),
        ("2026/08/01/00", "{year}/{month}/{day}", ()),
        ("partition=0", "", ()),
        ("year=2026", "", ("2026",)),
    ],
)
def test_date_of_folders(folders: str, template: str, expected: tuple[str, ...]) -> None:
    pattern = compile_date_template(template, needs_day=True) if template else None
    assert tuple(date_of_folders(folders, pattern).values()) == expected


@pytest.mark.parametrize(
    ("topic", "table"),
    [
        ("geo.quakes", "geo_quakes"),
        ("Geo-Quakes", "geo_quakes"),
        ("a+b", "a_b"),
        ("_a..b_", "a_b"),
        ("2fa.login", "2fa_login"),
        ("CamelCase", "camelcase"),
        ("größe", "gr_e"),
        ("…", "topic"),
    ],
)
def test_table_name(topic: str, table: str) -> None:
    assert table_name(topic) == table


def test_topics_are_grouped_by_table() -> None:
    assert topics_by_table(["b", "a.b", "a-b"]) == {"a_b": ["a-b", "a.b"], "b": ["b"]}
