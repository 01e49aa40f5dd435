import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from lakewright.catalog.table import Catalog
from lakewright.errors import CatalogError
from lakewright.log.records import DataFile
from lakewright.log.state import TableState
from lakewright.parquet.sink import ParquetSink
from lakewright.runs.job.target import Target
from tests.lakewright.catalog.glue_server import GlueServer, glue_server

LAKE = "s3://bucket/lake"
FOREIGN_PARAMETERS = {
    "projection.enabled": "true",
    "projection.day.type": "integer",
    "team": "sales",
    "EXTERNAL": "TRUE",
}


@pytest.fixture
def server() -> Iterator[GlueServer]:
    with glue_server() as server:
        yield server


@pytest.fixture
def glue(server: GlueServer) -> Any:
    return boto3.client("glue")


def catalog(
    path: str = "refined/people", keys: tuple[str, ...] = ("year", "day"), *, owner: str = "people", **options: Any
) -> Catalog:
    return Catalog("refined", "people", f"{LAKE}/{path}/", keys, owner=owner, **options)


def state(columns: dict[str, str], partitions: list[str], path: str = "refined/people") -> TableState:
    names = [f"{path}/{partition}/1.parquet" if partition else f"{path}/1.parquet" for partition in partitions]
    files = {
        name: DataFile(path=name, staged="", partition=partition, rows=1, size=1)
        for name, partition in zip(names, partitions, strict=True)
    }
    return TableState(number=1, committed=1, columns=columns, files=files)


def get_table(glue: Any) -> dict[str, Any]:
    return glue.get_table(DatabaseName="refined", Name="people")["Table"]


def get_partitions(glue: Any) -> dict[tuple[str, ...], dict[str, Any]]:
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName="refined", TableName="people")
    return {tuple(entry["Values"]): entry for page in pages for entry in page["Partitions"]}


def columns_of(entry: dict[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in entry["StorageDescriptor"]["Columns"]}


def days(first: int, last: int) -> list[str]:
    return [f"year=2026/day={day:03}" for day in range(first, last + 1)]


def describe_as_others(glue: Any) -> None:
    """Change the entry as its readers do: describe the table and its columns, project its partitions."""
    table = get_table(glue)
    table["Parameters"] |= FOREIGN_PARAMETERS
    table["StorageDescriptor"]["Columns"][0]["Comment"] = "who it is"
    table["StorageDescriptor"]["SerdeInfo"]["Parameters"] = {"serialization.format": "1"}
    table["PartitionKeys"][0]["Comment"] = "of the delivery"
    known = ("Name", "Parameters", "StorageDescriptor", "PartitionKeys", "TableType")
    described = {name: table[name] for name in known} | {"Description": "people", "Owner": "ann", "Retention": 7}
    glue.update_table(DatabaseName="refined", TableInput=described)


@pytest.mark.parametrize("type_of_id", ["int", "bigint"])
def test_changes_by_others_are_preserved(server: GlueServer, glue: Any, type_of_id: str) -> None:
    catalog().register(state({"id": "int", "name": "string"}, days(1, 2)))
    describe_as_others(glue)
    catalog().register(state({"id": type_of_id, "name": "string", "born": "date"}, days(1, 3)))
    table = get_table(glue)
    assert (table["Description"], table["Owner"], table["Retention"]) == ("people", "ann", 7)
    assert table["Parameters"].items() >= FOREIGN_PARAMETERS.items()
    assert table["StorageDescriptor"]["Columns"] == [
        {"Name": "id", "Type": type_of_id, "Comment": "who it is"},
        {"Name": "name", "Type": "string"},
        {"Name": "born", "Type": "date"},
    ]
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"serialization.format": "1"}
    assert table["PartitionKeys"] == [
        {"Name": "year", "Type": "string", "Comment": "of the delivery"},
        {"Name": "day", "Type": "string"},
    ]


def test_entries_that_are_up_to_date_are_not_written(server: GlueServer, glue: Any) -> None:
    catalog().register(state({"id": "int"}, days(1, 20)))
    describe_as_others(glue)
    server.calls.clear()
    catalog().register(state({"id": "int"}, days(1, 20)))
    assert server.calls == ["get_table", "get_partitions", "get_partitions", "get_partitions"]
    catalog().register(state({"id": "int"}, days(1, 21)))
    assert server.writes == ["batch_create_partition"]


def test_calls_respect_the_limits_of_the_catalog(server: GlueServer, glue: Any) -> None:
    catalog().register(state({"id": "int"}, days(1, 230)))
    server.calls.clear()
    catalog().register(state({"id": "bigint"}, days(1, 230)))
    assert server.writes == ["batch_update_partition"] * ((230 + 6) // 7) + ["update_table"], "one per page"
    assert {columns_of(entry)["id"] for entry in get_partitions(glue).values()} == {"bigint"}
    server.calls.clear()
    catalog().register(state({"id": "bigint"}, days(180, 430)))
    assert server.writes == ["batch_create_partition"] * 2 + ["batch_delete_partition"] * 8
    assert sorted(day for _, day in get_partitions(glue)) == [f"{day:03}" for day in range(180, 431)]


def test_a_moved_table_moves_its_partitions(server: GlueServer, glue: Any) -> None:
    catalog().register(state({"id": "int"}, days(1, 9)))
    catalog("gold/people").register(state({"id": "int"}, days(1, 5), "gold/people"))
    assert get_table(glue)["StorageDescriptor"]["Location"] == f"{LAKE}/gold/people/"
    assert {values: entry["StorageDescriptor"]["Location"] for values, entry in get_partitions(glue).items()} == {
        ("2026", f"{day:03}"): f"{LAKE}/gold/people/year=2026/day={day:03}/" for day in range(1, 6)
    }


def test_partitions_at_a_former_location_are_moved(server: GlueServer, glue: Any) -> None:
    catalog("old/people").register(state({"id": "int"}, days(1, 9), "old/people"))
    table = get_table(glue)
    table["StorageDescriptor"]["Location"] = f"{LAKE}/refined/people/"
    known = {name: table[name] for name in ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")}
    glue.update_table(DatabaseName="refined", TableInput=known)
    catalog().register(state({"id": "int"}, days(2, 9)))
    locations = {entry["StorageDescriptor"]["Location"] for entry in get_partitions(glue).values()}
    assert locations == {f"{LAKE}/refined/people/{day}/" for day in days(2, 9)}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        pytest.param(
            {"Parameters": {"lakewright.owner": "other in s3://bucket/lake"}},
            "is an external table at s3://bucket/elsewhere/ of feed other in s3://bucket/lake, and",
            id="another-feed",
        ),
        pytest.param({}, "is an external table at s3://bucket/elsewhere/, and", id="unknown-owner"),
        pytest.param(
            {"TableType": "VIRTUAL_VIEW", "StorageDescriptor": {"Columns": []}},
            "is a virtual view at no location, and",
            id="view",
        ),
    ],
)
def test_an_entry_of_another_owner_is_refused_and_unchanged(
    server: GlueServer, glue: Any, entry: dict[str, Any], message: str
) -> None:
    table = {
        "Name": "people",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": "year", "Type": "string"}],
        "StorageDescriptor": {"Columns": [{"Name": "x", "Type": "int"}], "Location": "s3://bucket/elsewhere"},
    }
    glue.create_database(DatabaseInput={"Name": "refined"})
    glue.create_table(DatabaseName="refined", TableInput=table | entry)
    before = get_table(glue)
    server.calls.clear()
    with pytest.raises(CatalogError) as raised:
        catalog().register(state({"id": "int"}, days(1, 2)))
    assert str(raised.value).startswith(f"refined.people in the catalog {message}")
    assert str(raised.value).endswith(
        f"{LAKE}/refined/people/: choose another table in the feed, or drop that one in the catalog"
    )
    assert (server.writes, get_table(glue)) == ([], before)


def test_an_entry_at_the_location_of_the_table_is_adopted(server: GlueServer, glue: Any) -> None:
    """A crawler or an earlier version created it."""
    glue.create_database(DatabaseInput={"Name": "refined"})
    keys = [{"Name": "year", "Type": "string"}, {"Name": "day", "Type": "string"}]
    storage = {
        "Columns": [{"Name": "id", "Type": "string", "Comment": "who"}],
        "Location": "s3a://bucket/lake/refined/people",
    }
    crawled = {"Name": "people", "PartitionKeys": keys, "StorageDescriptor": storage}
    glue.create_table(DatabaseName="refined", TableInput=crawled)
    stale = storage | {"Location": f"{LAKE}/refined/people/year=2026/day=001", "NumberOfBuckets": -1}
    entry = {
        "Values": ["2026", "001"],
        "StorageDescriptor": stale,
        "Parameters": {"CrawlerSchemaSerializerVersion": "1.0"},
    }
    glue.create_partition(DatabaseName="refined", TableName="people", PartitionInput=entry)
    catalog().register(state({"id": "bigint"}, days(1, 2)))
    partitions = get_partitions(glue)
    assert {values: columns_of(partition) for values, partition in partitions.items()} == {
        ("2026", "001"): {"id": "bigint"},
        ("2026", "002"): {"id": "bigint"},
    }
    first = partitions["2026", "001"]
    assert first["Parameters"] == {"CrawlerSchemaSerializerVersion": "1.0"}
    assert first["StorageDescriptor"]["NumberOfBuckets"] == -1
    assert first["StorageDescriptor"]["Columns"][0]["Comment"] == "who"


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        pytest.param("create_database", "the catalog refused CreateDatabase of refined: ", id="database"),
        pytest.param("create_table", "the catalog refused CreateTable of refined.people: ", id="table"),
        pytest.param("get_table", "the catalog refused GetTable of refined.people: ", id="read"),
        pytest.param(
            "batch_create_partition", "the catalog refused BatchCreatePartition of refined.people: ", id="partitions"
        ),
    ],
)
@pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidInputException", "OperationTimeoutException"])
def test_errors_name_database_and_table(server: GlueServer, refused: str, message: str, code: str) -> None:
    server.refused[refused] = code
    with pytest.raises(CatalogError) as raised:
        catalog().register(state({"id": "int"}, days(1, 2)))
    assert (
        str(raised.value) == f"{message}{code}: User: arn:aws:iam::1:role/etl is not authorized to perform: {refused}"
    )


def test_the_next_registration_updates_partitions_that_failed(server: GlueServer, glue: Any) -> None:
    catalog().register(state({"id": "int"}, days(1, 9)))
    server.refused["batch_update_partition"] = "OperationTimeoutException"
    with pytest.raises(CatalogError):
        catalog().register(state({"id": "bigint"}, days(1, 9)))
    server.refused.clear()
    catalog().register(state({"id": "bigint"}, days(1, 9)))
    assert {columns_of(entry)["id"] for entry in get_partitions(glue).values()} == {"bigint"}


def test_a_refused_change_of_partition_keys_asks_to_drop_the_table(server: GlueServer, glue: Any) -> None:
    catalog().register(state({"id": "int"}, days(1, 30)))
    server.refused["update_table"] = "InvalidInputException"
    wanted = state({"id": "int"}, ["day=001"])
    with pytest.raises(
        CatalogError, match=r"partitioned by year, day, the files by day, and .* \(InvalidInput.*: drop the"
    ):
        catalog(keys=("day",)).register(wanted)
    assert get_partitions(glue) == {}
    glue.delete_table(DatabaseName="refined", Name="people")
    catalog(keys=("day",)).register(wanted)
    assert list(get_partitions(glue)) == [("001",)]


def test_an_existing_database_is_not_created(server: GlueServer, glue: Any) -> None:
    glue.create_database(DatabaseInput={"Name": "refined"})
    server.refused["create_database"] = "AccessDeniedException"
    assert catalog().register(state({"id": "int"}, days(1, 2))) == "refined.people"


def test_errors_of_single_partitions_are_raised(server: GlueServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from moto.glue.models import GlueBackend

    def refuse(*args: Any) -> list[dict[str, Any]]:
        detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "not now"}
        return [{"PartitionValues": ["2026", "001"], "ErrorDetail": detail}]

    catalog().register(state({"id": "int"}, days(1, 2)))
    for call, wanted in (
        ("batch_create_partition", state({"id": "int"}, days(1, 3))),
        ("batch_update_partition", state({"id": "bigint"}, days(1, 2))),
        ("batch_delete_partition", state({"id": "int"}, days(1, 1))),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(GlueBackend, call, refuse)
            with pytest.raises(
                CatalogError, match=r"refused 1 partitions of refined\.people, first: InternalServiceE.*: not now"
            ):
                catalog().register(wanted)
        catalog().register(wanted)


def test_a_concurrent_change_by_others_is_not_lost(
    server: GlueServer, glue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog().register(state({"id": "int"}, days(1, 2)))
    entry, results = catalog(), []
    create = Catalog._bring_partitions

    def described_meanwhile(self: Catalog, *args: Any, **kwargs: Any) -> bool:
        results.append(create(self, *args, **kwargs))
        if len(results) == 1:
            describe_as_others(glue)
        return results[-1]

    monkeypatch.setattr(Catalog, "_bring_partitions", described_meanwhile)
    entry.register(state({"id": "bigint"}, days(1, 2)))
    table = get_table(glue)
    assert (table["Description"], columns_of(table)) == ("people", {"id": "bigint"})
    assert len(results) == 2


def test_columns_replace_a_schema_registry_reference(server: GlueServer, glue: Any) -> None:
    """Otherwise every later write is refused, as in aws-sdk-pandas #2027."""
    glue.create_database(DatabaseInput={"Name": "refined"})
    schema = {"SchemaId": {"SchemaName": "people", "RegistryName": "r"}, "SchemaVersionNumber": 1}
    storage = {
        "Columns": [{"Name": "id", "Type": "int"}],
        "Location": f"{LAKE}/refined/people/",
        "SchemaReference": schema,
    }
    keys = [{"Name": "year", "Type": "string"}, {"Name": "day", "Type": "string"}]
    table = {"Name": "people", "PartitionKeys": keys, "StorageDescriptor": storage}
    glue.create_table(DatabaseName="refined", TableInput=table)
    catalog().register(state({"id": "bigint"}, days(1, 2)))
    assert "SchemaReference" not in get_table(glue)["StorageDescriptor"]
    assert columns_of(get_table(glue)) == {"id": "bigint"}


def test_names_are_registered_in_lower_case(server: GlueServer, glue: Any) -> None:
    entry = Catalog("Refined", "People", f"{LAKE}/refined/people", ["Country"], owner="people")
    wanted = state({"Id": "int", "Country": "string"}, ["Country=R%26D%2Flab"])
    assert entry.register(wanted) == "refined.people"
    assert get_table(glue)["PartitionKeys"] == [{"Name": "country", "Type": "string"}]
    assert columns_of(get_table(glue)) == {"id": "int"}
    assert list(get_partitions(glue)) == [("R&D/lab",)]
    server.calls.clear()
    entry.register(wanted)
    assert server.writes == []


def test_surplus_spark_parameters_of_a_longer_schema_are_removed(server: GlueServer, glue: Any) -> None:
    prefix = "spark.sql.sources.schema."
    long = {prefix + "numParts": "2", prefix + "part.0": "a", prefix + "part.1": "b"}
    short = {prefix + "numParts": "1", prefix + "part.0": "c"}
    for parameters in (long, short):
        catalog(parameters=parameters).register(state({"id": "int"}, days(1, 2)))
    stored = get_table(glue)["Parameters"]
    assert {name: value for name, value in stored.items() if name.startswith(prefix)} == short


@dataclass
class History:
    """A random history of a table: batches, rebuilds, changes of its entry by others, and failing calls."""

    chance: random.Random
    server: GlueServer
    glue: Any
    path: str = "refined/people"
    keys: tuple[str, ...] = ("year", "day")
    columns: dict[str, str] = field(default_factory=lambda: {"id": "int"})
    partitions: set[str] = field(default_factory=set)
    foreign_parameters: dict[str, str] = field(default_factory=dict)
    foreign_comments: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    is_registered: bool = False

    def batch(self) -> None:
        for _ in range(self.chance.randint(0, 9)):
            values = [
                f"{key}={self.chance.choice(['a b', 'R%26D', '001', '7'])}{self.chance.randint(1, 9)}"
                for key in self.keys
            ]
            self.partitions.add("/".join(values))
        for partition in self.chance.sample(
            sorted(self.partitions), min(len(self.partitions), self.chance.randint(0, 3))
        ):
            self.partitions.discard(partition)
        if self.chance.random() < 0.4:
            self.columns[f"c{len(self.columns)}"] = self.chance.choice(
                ["string", "decimal(10,2)", "array<struct<P:int>>"]
            )

    def rebuild(self) -> None:
        if self.chance.random() < 0.5:
            self.columns = {name: self.chance.choice(["int", "bigint", "string"]) for name in self.columns}
        if self.chance.random() < 0.5:
            self.path = self.chance.choice(["refined/people", "refined/persons", "gold/people"])
        if self.chance.random() < 0.4:
            self.keys = self.chance.choice([("year", "day"), ("year", "month"), ("year", "month", "day"), ("day",), ()])
            self.partitions = set() if self.keys else {""}
        if self.keys:
            self.batch()

    def others(self) -> None:
        """Describe and parametrize the table, comment on columns, drop a partition, or change a location."""
        if not self.is_registered:
            return
        table = get_table(self.glue)
        fields = ("Name", "Parameters", "StorageDescriptor", "PartitionKeys", "TableType", "Description")
        table = {name: table[name] for name in fields if name in table}
        name = f"projection.{self.chance.randint(1, 5)}"
        self.foreign_parameters[name] = table["Parameters"][name] = str(self.chance.random())
        self.description = table["Description"] = str(self.chance.random())
        for column in (*table["StorageDescriptor"]["Columns"], *table["PartitionKeys"]):
            if self.chance.random() < 0.3:
                self.foreign_comments[column["Name"]] = column["Comment"] = str(self.chance.random())
        self.glue.update_table(DatabaseName="refined", TableInput=table)
        for index, (values, partition) in enumerate(list(get_partitions(self.glue).items())[:3]):
            names = {"DatabaseName": "refined", "TableName": "people"}
            if index:
                self.glue.delete_partition(**names, PartitionValues=list(values))
            else:
                storage = partition["StorageDescriptor"] | {"Location": "s3://bucket/elsewhere/"}
                entry = {"Values": list(values), "StorageDescriptor": storage}
                self.glue.update_partition(**names, PartitionValueList=list(values), PartitionInput=entry)

    def register(self) -> None:
        wanted = state(self.columns, sorted(self.partitions), self.path)
        if self.chance.random() < 0.3:
            self.server.good_calls = self.chance.randint(0, 6)
            self.server.fails_after_work = self.chance.random() < 0.5
            try:
                catalog(self.path, self.keys).register(wanted)
            except CatalogError:
                return
            finally:
                self.server.good_calls = None
        else:
            catalog(self.path, self.keys).register(wanted)
        self.is_registered = True
        self.check()

    def check(self) -> None:
        """Compare the catalog with the files, which the history tracks independently."""
        table, root = get_table(self.glue), f"s3://bucket/lake/{self.path}/"
        data = {name: kind.lower() for name, kind in self.columns.items()}
        assert table["StorageDescriptor"]["Location"] == root
        assert columns_of(table) == data
        assert [(key["Name"], key["Type"]) for key in table["PartitionKeys"]] == [(key, "string") for key in self.keys]
        partitions = get_partitions(self.glue) if self.keys else {}
        expected = {root + partition + "/" for partition in self.partitions if self.keys}
        assert {entry["StorageDescriptor"]["Location"] for entry in partitions.values()} == expected
        for values, entry in partitions.items():
            assert columns_of(entry) == data
            folders = entry["StorageDescriptor"]["Location"].removeprefix(root).rstrip("/").replace("%26", "&")
            assert folders == "/".join(f"{key}={value}" for key, value in zip(self.keys, values, strict=True))
        assert table["Parameters"].items() >= self.foreign_parameters.items()
        assert table.get("Description") == self.description
        comments = {
            c["Name"]: c.get("Comment") for c in (*table["StorageDescriptor"]["Columns"], *table["PartitionKeys"])
        }
        self.foreign_comments = {name: text for name, text in self.foreign_comments.items() if name in comments}
        assert {name: text for name, text in comments.items() if text} == self.foreign_comments


@pytest.mark.parametrize("seed", range(8))
def test_after_any_history_the_catalog_agrees_with_the_files(seed: int) -> None:
    chance = random.Random(seed)
    with glue_server() as server:
        history = History(chance, server, boto3.client("glue"))
        for _ in range(12):
            chance.choice([history.batch, history.batch, history.rebuild, history.others])()
            history.register()
        history.server.refused.clear()
        catalog(history.path, history.keys).register(state(history.columns, sorted(history.partitions), history.path))
        history.check()


@pytest.mark.parametrize(
    ("is_only", "moves"),
    [pytest.param(True, True, id="one-table"), pytest.param(False, False, id="one-of-many")],
)
def test_the_only_table_of_a_feed_keeps_its_entry_when_it_moves(glue: Any, *, is_only: bool, moves: bool) -> None:
    def registered(path: str) -> None:
        lake: Any = SimpleNamespace(uri=LAKE)
        target = Target("people", path.rsplit("/", 1)[-1], f"{path}/", is_only=is_only)
        sink = ParquetSink(lake, target, "", catalog_table=("refined", "people"))
        entry = sink.catalog()
        assert entry is not None
        entry.register(state({"id": "bigint"}, [""], path))

    registered("refined/people")
    if moves:
        registered("refined/persons")
        assert get_table(glue)["StorageDescriptor"]["Location"] == f"{LAKE}/refined/persons/"
    else:
        with pytest.raises(CatalogError, match=r"^refined\.people in the catalog is"):
            registered("refined/persons")
