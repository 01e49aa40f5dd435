"""cdc_to_hudi on an S3 server, with the parameter store and the catalog; and through the real spark-submit."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyspark
import pytest
from pyspark.sql import SparkSession

from tests.cdc import STORAGES, CdcBench
from tests.conftest import JARS, ROOT, command
from tests.s3_server import BUCKET

pytestmark = pytest.mark.slow

ANN, BOB, CID = (1, "Ann", "IT"), (2, "Bob", "HR"), (3, "Cid", "R&D/lab")
URI = f"s3://{BUCKET}/lake"


def at(second: int) -> str:
    return f"2026-08-01 10:00:{second:02}.000000"


class S3CdcBench(CdcBench):
    """``CdcBench`` with its lake below a prefix of a bucket; the parameter store configures the tables."""

    def put(self, name: str, *args: Any, table: str = "employees", **kwargs: Any) -> Path:
        path = super().put(name, *args, table=table, **kwargs)
        boto3.client("s3").upload_file(str(path), BUCKET, f"lake/raw/hr/{table}/{name}")
        return path

    def command(self, verb: str, *arguments: str) -> Any:
        return command(verb, "hr", "--lake", URI, "--config", str(self.root / "conf"), *arguments)

    def table(self, name: str = "employees") -> list[tuple[Any, ...]]:
        rows = self.spark.read.format("hudi").load(f"s3a://{BUCKET}/lake/refined/hr/{name}")
        return sorted(tuple(row) for row in rows.select("emp_no", "name", "department").collect())


@pytest.fixture
def cdc(bucket: Any, spark: SparkSession, tmp_path: Path) -> Iterator[S3CdcBench]:
    from lakewright.aws.parameters import _ssm

    _ssm.cache_clear()
    bench = S3CdcBench(tmp_path, spark)
    bench.feed(tables={"named_here": {"key": "emp_no"}}, parameters="lakehouse-table-", target__catalog_database="hr")
    yield bench
    ssm = boto3.client("ssm")
    ssm.delete_parameters(
        Names=[parameter["Name"] for parameter in ssm.describe_parameters()["Parameters"]] or ["none"]
    )


def configure(table: str, value: Any) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    boto3.client("ssm").put_parameter(Name=f"lakehouse-table-hr.{table}", Value=text, Type="String", Overwrite=True)


@pytest.mark.parametrize("storage", STORAGES)
def test_tables_of_the_parameter_store(cdc: S3CdcBench, storage: str) -> None:
    config = {"primaryKey": "emp_no", "partitionKey": "department", "storage": storage}
    configure("employees", config)
    cdc.put("LOAD00000001.parquet", [ANN, BOB])
    answer = cdc.command("run", "--target", "employees", "--json")
    assert answer.exit_code == 0, answer.stderr
    cdc.put("2026/08/01/20260801-101500000.parquet", [("D", at(1), 1, None, None), ("I", at(2), *CID)])
    answer = cdc.command("run", "--target", "employees", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert cdc.table() == [BOB, CID]
    glue = boto3.client("glue")
    names = [table["Name"] for table in glue.get_tables(DatabaseName="hr")["TableList"]]
    if storage == "copy_on_write":
        assert "employees" in names
    else:
        assert {"employees_ro", "employees_rt"} <= set(names)
    entry = glue.get_table(DatabaseName="hr", Name="employees" if storage == "copy_on_write" else "employees_rt")[
        "Table"
    ]
    assert entry["StorageDescriptor"]["Location"] == f"{URI}/refined/hr/employees/"
    assert entry["StorageDescriptor"]["SerdeInfo"]["Parameters"]["hoodie.query.as.ro.table"] == "false"
    assert [(key["Name"], key["Type"]) for key in entry["PartitionKeys"]] == [("department", "string")]
    columns = {column["Name"]: column["Type"] for column in entry["StorageDescriptor"]["Columns"]}
    assert columns["emp_no"] == "int"
    assert columns["_change_order"] == columns["_hoodie_record_key"] == "string"
    partitions = glue.get_partitions(DatabaseName="hr", TableName=entry["Name"])["Partitions"]
    assert sorted(partition["Values"][0] for partition in partitions) == ["HR", "IT", "R&D/lab"]

    wider = pa.schema([("emp_no", pa.int32()), ("name", pa.string()), ("department", pa.string()), ("n", pa.int32())])
    for second, kind in ((3, pa.int32()), (4, pa.int64())):
        wider = wider.set(3, pa.field("n", kind))
        change = ("I", at(second), 10 + second, "Dan", "HR", second)
        cdc.put(f"2026/08/01/20260801-1016{second:02}000.parquet", [change], wider)
        answer = cdc.command("run", "--target", "employees", "--json")
        assert answer.exit_code == 0, answer.stderr
        partitions = glue.get_partitions(DatabaseName="hr", TableName=entry["Name"])["Partitions"]
        table = glue.get_table(DatabaseName="hr", Name=entry["Name"])["Table"]
        types = [
            {column["Name"]: column["Type"] for column in entry["StorageDescriptor"]["Columns"]}["n"]
            for entry in (table, *partitions)
        ]
        assert types == [{3: "int", 4: "bigint"}[second]] * 4


def test_the_catalog_has_the_names_of_the_table_in_lower_case(cdc: S3CdcBench) -> None:
    config = {"primaryKey": "Kunden_Nr", "partitionKey": "Ort", "rename": {"Straße": "Street"}}
    configure("customers", config)
    schema = pa.schema([("Kunden-Nr", pa.int32()), ("Ört", pa.string()), ("Straße", pa.string()), ("1.x", pa.string())])
    cdc.put("LOAD00000001.parquet", [(1, "Köln", "A", "x")], schema, table="customers")
    answer = cdc.command("run", "--target", "customers", "--json")
    assert answer.exit_code == 0, answer.stderr
    (receipt,) = answer.data
    usage, commit = receipt["usage"], receipt["batches"][0]["table_commit"]
    assert usage["uncounted"] == [
        "S3 requests of Spark itself (S3A)",
        "CPU time and memory of Python functions that Spark itself calls",
    ]
    assert (usage["objects_read"], usage["files_written"], usage["bytes_written"]) == (1, 1, commit["bytes"])
    assert commit["files"] == 1
    assert usage["cpu_seconds"] > 0.1, "of the JVM"
    assert usage["driver_peak_memory"] > 300 << 20, "with the JVM"
    assert usage["requests"]["GetObject"] > 0
    entry = boto3.client("glue").get_table(DatabaseName="hr", Name="customers")["Table"]
    columns = [column["Name"] for column in entry["StorageDescriptor"]["Columns"]]
    assert [name for name in columns if not name.startswith("_hoodie")] == [
        "kunden_nr",
        "street",
        "_1_x",
        "_change_order",
    ]
    assert [key["Name"] for key in entry["PartitionKeys"]] == ["ort"]


def test_only_not_found_means_not_configured(cdc: S3CdcBench, monkeypatch: pytest.MonkeyPatch) -> None:
    configure("employees", {"primaryKey": "emp_no"})
    configure("misspelt", {"primarykey": "emp_no"})
    configure("no_json", "emp_no")
    for table in ("employees", "misspelt", "no_json", "absent"):
        cdc.put("LOAD00000001.parquet", [ANN], table=table)
    answer = cdc.command("run", "--json")
    results = {receipt["target"]: (receipt["exit_code"], receipt["error"]) for receipt in answer.data}
    assert results["employees"] == (0, "")
    assert results["misspelt"][1].endswith("unknown key 'primarykey'; did you mean 'primaryKey'?")
    assert results["no_json"][1].startswith("parameter lakehouse-table-hr.no_json is not a JSON object")
    assert "table absent in raw/hr/absent/ is not configured" in results["absent"][1]
    assert results["named_here"][0] == answer.exit_code == 3, "the table has no objects"

    from botocore.exceptions import ClientError

    from lakewright.aws import parameters

    class Throttled:
        def get_parameter(self, Name: str, WithDecryption: bool) -> Any:  # noqa: N803
            code = {"employees": "ThrottlingException", "absent": "AccessDeniedException"}[Name.split(".")[1]]
            raise ClientError({"Error": {"Code": code}}, "GetParameter")

    monkeypatch.setattr(parameters, "_ssm", Throttled)
    cdc.feed(tables={"misspelt": {}, "no_json": {}}, parameters="lakehouse-table-", unconfigured="append")
    answer = cdc.command("run", "--json", "--target", "employees", "--target", "absent")
    assert answer.exit_code == 5
    assert {receipt["exit_code"] for receipt in answer.data} == {5}
    assert "ThrottlingException" in answer.stderr
    assert cdc.table() == [ANN], "a failed lookup does not make a table append-only"


@pytest.mark.needs_hudi
def test_the_job_through_spark_submit(tmp_path: Path, spark: SparkSession) -> None:
    """As on EMR: changes to a table that an earlier run has loaded."""
    bench = CdcBench(tmp_path, spark)
    bench.feed(target__max_file_mb=256, target__small_file_mb=0, target__parallelism=2)
    jars = ",".join(str(path) for path in sorted(Path(JARS).glob("*.jar")))
    from lakewright.engine.spark.jvm import java_home

    environment = os.environ | {
        "JAVA_HOME": java_home() or "",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(ROOT),
    }

    bench.put("LOAD00000001.parquet", [ANN, BOB])
    assert bench.run()["counts"]["written"] == 2
    bench.put("20260801-101500000.parquet", [("D", at(1), 1, None, None), ("I", at(2), *CID)])
    done = subprocess.run(
        [
            f"{Path(pyspark.__file__).parent}/bin/spark-submit",
            *("--master", "local[2]", "--jars", jars, "--conf", "spark.ui.enabled=false"),
            *("--conf", "spark.driver.bindAddress=127.0.0.1", "--conf", "spark.driver.host=127.0.0.1"),
            "jobs/cdc_to_hudi.py",
            *("--feed", "hr", "--lake", str(bench.lake), "--config", str(bench.root / "conf")),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    (receipt,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert json.loads(receipt)["counts"]["deleted"] == 1
    assert bench.rows() == [BOB, CID]
    assert bench.strays() == []
