"""The choice of the engine of a batch, and what its workers know of their driver."""

import platform
from collections.abc import Iterator
from typing import Any

import pyspark
import pytest

from jobs.feeds.cdc_to_hudi import CdcToHudiFeed
from jobs.feeds.json_scrub import JsonScrubFeed
from lakewright.aws.buckets import BucketOptions, bucket_options, use_bucket_options
from lakewright.config import AnyEngineFeed, Feed
from lakewright.engine import choice
from lakewright.engine.choice import EngineChoice
from lakewright.engine.local import LocalWorkers, usable_cpus
from lakewright.errors import ConfigError
from lakewright.workers import EngineName
from tests.lakewright.engine.tasks import options_of_buckets, variable


def scrub(**keys: Any) -> AnyEngineFeed:
    source, fields = {"path": "landing/"}, {"fields": ["email"]}
    return JsonScrubFeed.model_validate({"job": "json_scrub", "source": source, "scrub": fields} | keys)


def changes() -> Feed:
    return CdcToHudiFeed.model_validate(
        {"job": "cdc_to_hudi", "source": {"path": "raw/hr/", "time_column": "at"}, "target": {"path": "refined/hr/"}}
    )


@pytest.mark.parametrize(
    ("requested", "feed", "size", "name", "why"),
    [
        pytest.param("auto", scrub(), 5, "local", "5 B of input, within local_up_to (100.0 GB)", id="small-is-local"),
        pytest.param(
            "auto",
            scrub(local_up_to="2kB"),
            2000,
            "local",
            "2.0 kB of input, within local_up_to (2.0 kB)",
            id="the-limit-is-local",
        ),
        pytest.param(
            "auto",
            scrub(local_up_to="2kB"),
            2001,
            "spark",
            "2.0 kB of input, above local_up_to (2.0 kB)",
            id="more-is-on-spark",
        ),
        pytest.param("local", scrub(local_up_to=1), 2, "local", "requested", id="local-is-requested"),
        pytest.param("spark", scrub(), 1, "spark", "requested", id="spark-is-requested"),
        pytest.param("auto", changes(), 1, "spark", "cdc_to_hudi needs it", id="hudi-needs-spark"),
        pytest.param("spark", changes(), 1, "spark", "cdc_to_hudi needs it", id="spark-is-needed-and-requested"),
    ],
)
def test_the_engine_of_a_batch(requested: EngineName, feed: Feed, size: int, name: str, why: str) -> None:
    engines = EngineChoice(requested)
    engines.check(feed)
    engine = engines.choose(feed, size)
    assert (engine.name, engine.why) == (name, why)
    version = f"Python {platform.python_version()}" if name == "local" else f"Spark {pyspark.__version__}"
    assert engine.version == version


def test_glue_and_spark_submit_run_on_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "is_local", lambda: False)
    engine = EngineChoice().choose(scrub(), 1)
    assert (engine.name, engine.why) == ("spark", "started by Glue or spark-submit")
    assert EngineChoice("local").choose(scrub(), 1).name == "local"


def test_without_spark_everything_that_can_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_has_spark", lambda: False)
    engines = EngineChoice()
    engines.check(scrub())
    engine = engines.choose(scrub(local_up_to=1), 2)
    assert (engine.name, engine.why) == ("local", "Spark is not installed")
    for requested, feed in (("auto", changes()), ("spark", scrub())):
        with pytest.raises(ConfigError, match="this needs Spark, which is not installed; install it with: pip install"):
            EngineChoice(requested).check(feed)


def test_a_job_of_spark_is_not_run_locally() -> None:
    with pytest.raises(ConfigError, match="cdc_to_hudi runs on Spark only; leave out --engine local"):
        EngineChoice("local").check(changes())


def test_small_batches_run_in_the_driver() -> None:
    engines = EngineChoice()
    small, large = (engines.choose(scrub(show_values=True), size).open() for size in (1 << 20, 1 + (1 << 20)))
    assert isinstance(small, LocalWorkers)
    assert isinstance(large, LocalWorkers)
    assert (small.is_small, small.shows_values, small.at_once) == (True, True, 1)
    assert (large.is_small, large.at_once) == (False, usable_cpus())
    maintenance = engines.choose(scrub(), 0).open()
    assert isinstance(maintenance, LocalWorkers)
    assert not maintenance.is_small


@pytest.fixture
def buckets() -> Iterator[dict[str, BucketOptions]]:
    before = bucket_options()
    options = {"uploads": BucketOptions(requester_pays=True)}
    use_bucket_options(options)
    yield options
    use_bucket_options(before)


def test_workers_know_the_buckets_and_the_environment(
    buckets: dict[str, BucketOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with EngineChoice() as engines:
        workers = engines.choose(scrub(), 1 << 30).open()
        assert workers.run(options_of_buckets, [0]) == [buckets]
        assert workers.run(variable, ["AWS_ENDPOINT_URL"]) == ["http://127.0.0.1:1"]
