"""Glue's own arguments are removed, all others are kept."""

import pytest

from lakewright.engine.glue import without_glue_arguments
from lakewright.errors import ConfigError


@pytest.mark.parametrize(
    ("arguments", "ours"),
    [
        pytest.param(["--feed", "f", "--JOB_NAME", "j", "--lake=l"], ["--feed", "f", "--lake=l"], id="with-a-value"),
        pytest.param(["--enable-metrics", "--feed", "f"], ["--feed", "f"], id="without-a-value"),
        pytest.param(["--enable-metrics", "", "--feed", "f"], ["--feed", "f"], id="with-an-empty-value"),
        pytest.param(["--enable-metrics=true", "--feed", "f"], ["--feed", "f"], id="with-an-equals-sign"),
        pytest.param(["--feed", "f", "--enable-spark-ui"], ["--feed", "f"], id="at-the-end"),
        pytest.param(["--python-modules-installer-option", "--upgrade"], [], id="options-of-pip"),
        pytest.param(["--conf", "spark.a=1 --conf spark.b=2", "--conf=spark.c=3"], [], id="settings-of-spark"),
        pytest.param(["--worker-type", "G.1X", "--number-of-workers=2"], [], id="size-of-the-job"),
        pytest.param(["--WORKFLOW_NAME", "w", "--WORKFLOW_RUN_ID", "r"], [], id="in-a-workflow"),
        pytest.param(["--enable-of-tomorrow", "x", "--JOB_OF_TOMORROW", "x"], [], id="prefixes-of-future-arguments"),
        pytest.param(
            ["--python-modules-installer-option", "-r", "--feed", "f"], ["--feed", "f"], id="an-option-of-pip"
        ),
        pytest.param(
            [
                "--conf",
                "spark.dynamicAllocation.enabled=true",
                "--conf",
                "spark.executor.memory=10g",
                "--enable-glue-datacatalog",
                "true",
                "--job-bookmark-option",
                "job-bookmark-enable",
                "--TempDir",
                "s3://b/temp/",
                "--extra-jars",
                "s3://b/a.jar,s3://b/b.jar",
                "--class",
                "GlueApp",
                "--JOB_ID",
                "j_1",
                "--feed",
                "f",
                "--enable-metrics",
                "true",
                "--spark-event-logs-path",
                "s3://b/logs/",
                "--JOB_RUN_ID",
                "jr_1",
                "--scriptLocation",
                "s3://b/job.py",
                "--job-language",
                "python",
                "--JOB_NAME",
                "j",
            ],
            ["--feed", "f"],
            id="as-glue-starts-a-job",
        ),
        pytest.param(["--tempdir", "x"], ["--tempdir", "x"], id="names-are-case-sensitive"),
        pytest.param(["--job-bookmark", "x"], ["--job-bookmark", "x"], id="no-abbreviations"),
        pytest.param(["--confs", "x", "--team=x"], ["--confs", "x", "--team=x"], id="all-others-are-kept"),
    ],
)
def test_glues_arguments_are_removed(arguments: list[str], ours: list[str]) -> None:
    assert without_glue_arguments(arguments) == ours


@pytest.mark.parametrize("arguments", [["--conf", "s3://b/conf"], ["--conf=conf"], ["--conf"], ["--conf", "--feed"]])
def test_a_config_folder_is_not_a_spark_setting(arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"^--conf is Glue's argument for Spark settings, not "):
        without_glue_arguments(arguments)


def test_arguments_reserved_by_awsglue_are_removed() -> None:
    from awsglue.job import Job

    reserved = [
        *Job.id_params(),
        Job.job_bookmark_options()[0],
        *Job.job_bookmark_range_options(),
        Job.continuation_options()[0],
        Job.encryption_type_options()[0],
        *Job.data_lineage_options(),
    ]
    assert without_glue_arguments([word for name in reserved for word in (name, "x")]) == []
