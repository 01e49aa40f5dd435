from unittest import mock

import pytest
from pyspark.sql import SparkSession

from lakewright.engine.spark.session import SERIALIZER
from lakewright.errors import ConfigError
from lakewright.hudi import versions
from lakewright.hudi.versions import HudiVersion, parse_version, stored_partition_fields, with_order_field


@pytest.mark.parametrize(
    ("text", "minor", "table_version"),
    [
        pytest.param("0.15.0", (0, 15), 6, id="Glue 5.0"),
        pytest.param("1.0.2", (1, 0), 8, id="Glue 5.1"),
        pytest.param("1.0.2-amzn-1", (1, 0), 8, id="EMR's build"),
        pytest.param("1.1.1", (1, 1), 9, id="Glue 6.0"),
        pytest.param("1.1.2", (1, 1), 9, id="a patch of a tested version"),
    ],
)
def test_a_tested_version(text: str, minor: tuple[int, int], table_version: int) -> None:
    version = parse_version(text)
    assert (version.minor, version.table_version) == (minor, table_version)


@pytest.mark.parametrize("text", ["0.14.1", "1.2.0", "1.10.0", "2.0.0"])
def test_an_untested_version_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=f"^Hudi {text} is not supported; use Hudi 0.15, 1.0 or 1.1$"):
        parse_version(text)


def test_a_jar_without_a_version_is_refused() -> None:
    with pytest.raises(ConfigError, match="Hudi of an unknown version is not supported"):
        parse_version("")


@pytest.mark.parametrize(
    ("version", "stored", "wanted", "problem"),
    [
        pytest.param(
            HudiVersion("0.15.0", (0, 15)),
            8,
            6,
            "a/ is a Hudi table of version 8, which needs Hudi 1.0 or later, and this is Hudi 0.15.0; use a newer "
            "Hudi, or delete the table's folder and run `rebuild`",
            id="0.15 refuses a table of version 8",
        ),
        pytest.param(
            HudiVersion("1.0.2", (1, 0)),
            9,
            6,
            "a/ is a Hudi table of version 9, which needs Hudi 1.1 or later, and this is Hudi 1.0.2; use a newer "
            "Hudi, or delete the table's folder and run `rebuild`",
            id="1.0 refuses a table of version 9",
        ),
        pytest.param(
            HudiVersion("1.1.1", (1, 1)),
            10,
            6,
            "a/ is a Hudi table of version 10, which needs Hudi later than 1.1, and this is Hudi 1.1.1; use a newer "
            "Hudi, or delete the table's folder and run `rebuild`",
            id="1.1 refuses a table of a later version",
        ),
        pytest.param(
            HudiVersion("0.15.0", (0, 15)),
            0,
            8,
            "target.table_version 8 needs Hudi 1.0 or later, and this is Hudi 0.15.0; set target.table_version: 6",
            id="0.15 refuses a feed with version 8",
        ),
    ],
)
def test_a_table_that_is_too_new(version: HudiVersion, stored: int, wanted: int, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        version.check_table("a/", stored, wanted)
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("version", "stored", "wanted"),
    [
        pytest.param(HudiVersion("0.15.0", (0, 15)), 0, 6, id="no table yet"),
        pytest.param(HudiVersion("0.15.0", (0, 15)), 6, 6, id="0.15 and version 6"),
        pytest.param(HudiVersion("1.1.1", (1, 1)), 6, 6, id="1.1 and version 6"),
        pytest.param(HudiVersion("1.1.1", (1, 1)), 8, 8, id="1.1 and version 8"),
    ],
)
def test_a_table_that_is_not_too_new(version: HudiVersion, stored: int, wanted: int) -> None:
    version.check_table("a/", stored, wanted)


@pytest.mark.parametrize(
    ("table_version", "fields"),
    [
        pytest.param(6, "department,day", id="version 6 stores names"),
        pytest.param(8, "department:SIMPLE,day:SIMPLE", id="version 8 stores their types as well"),
    ],
)
def test_partition_fields(table_version: int, fields: str) -> None:
    assert stored_partition_fields(("department", "day"), table_version) == fields


@pytest.mark.parametrize(
    "properties",
    [
        pytest.param({"hoodie.table.precombine.field": "_change_order"}, id="as 0.15 and 1.0 write it"),
        pytest.param({"hoodie.table.ordering.fields": "_change_order"}, id="as 1.1 writes it"),
    ],
)
def test_the_order_of_a_table_has_one_name(properties: dict[str, str]) -> None:
    assert with_order_field(properties)["hoodie.table.precombine.field"] == "_change_order"


def test_a_table_without_an_order_has_none() -> None:
    assert with_order_field({"hoodie.table.type": "COPY_ON_WRITE"}) == {"hoodie.table.type": "COPY_ON_WRITE"}


@pytest.mark.needs_hudi
def test_a_build_without_a_version_in_its_manifest_is_known_by_its_tables(spark: SparkSession) -> None:
    known = versions.hudi_version(spark)
    assert parse_version(versions._version_by_tables(spark._jvm)).minor == known.minor


@pytest.mark.parametrize(
    ("platform", "remedy"),
    [
        pytest.param(
            {"is_glue_run": True, "is_local": False}, "set the job parameter --datalake-formats hudi", id="glue"
        ),
        pytest.param({"is_glue_run": False, "is_local": True}, "run `make setup`", id="checkout"),
        pytest.param(
            {"is_glue_run": False, "is_local": False},
            "pass it to spark-submit with --jars; on EMR it is /usr/lib/hudi/hudi-spark-bundle.jar",
            id="spark-submit",
        ),
    ],
)
def test_a_missing_jar_is_named_with_its_source(
    monkeypatch: pytest.MonkeyPatch, platform: dict[str, bool], remedy: str
) -> None:
    for name, value in platform.items():
        monkeypatch.setattr(versions, name, lambda value=value: value)
    session = mock.MagicMock()
    session.sparkContext.getConf().get.return_value = SERIALIZER
    session._jvm.java.lang.Class.forName.side_effect = RuntimeError("ClassNotFoundException")
    with pytest.raises(ConfigError) as refused:
        versions.check_session(session)
    assert str(refused.value) == f"Hudi's jar is missing: {remedy}"
