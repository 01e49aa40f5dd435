"""conf/prices.yaml: its model, its errors, and the sizes of jobs in the templates."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from deploy.checks.calls import ROOT
from lakewright.config_files import Conf
from lakewright.costs.prices import Prices
from lakewright.errors import ConfigError
from tests.conftest import command
from tests.deploy.templates import CSV, PARENT, SCRUB, read_template, resources_of

SHIPPED = (ROOT / "conf/prices.yaml").read_text()


def load(folder: Path, text: str) -> Prices | None:
    (folder / "feeds").mkdir(exist_ok=True)
    (folder / "prices.yaml").write_text(text)
    return Prices.load(Conf(str(folder)))


def test_the_shipped_prices_are_valid() -> None:
    prices = Prices.load(Conf(str(ROOT / "conf")))
    assert prices is not None
    assert (prices.glue.dpu_hour, prices.glue.minimum_seconds) == (Decimal("0.44"), 60)
    assert prices.lambda_.gb_second == Decimal("0.0000166667")


def test_without_the_file_there_are_no_prices(tmp_path: Path) -> None:
    assert Prices.load(Conf(str(tmp_path))) is None


def test_the_committed_schema_is_that_of_the_model() -> None:
    committed = json.loads((ROOT / "conf/schemas/prices.schema.json").read_text())
    assert committed == Prices.model_json_schema(), "run `make schemas`"
    assert SHIPPED.startswith("# yaml-language-server: $schema=schemas/prices.schema.json\n")


def test_elsewhere_runs_are_priced_at_the_size_of_the_templates() -> None:
    prices = Prices.load(Conf(str(ROOT / "conf")))
    defaults = read_template(PARENT)["Parameters"]
    job = resources_of(SCRUB)["ScrubJob"]["Properties"]
    sizes = {
        (defaults["CsvWorkerType"]["Default"], defaults["CsvWorkers"]["Default"]),
        (job["WorkerType"], job["NumberOfWorkers"]),
    }
    assert prices is not None
    assert sizes == {(prices.glue.job_size.worker_type, prices.glue.job_size.workers)}


def test_jobs_pass_their_own_size() -> None:
    csv, scrub = resources_of(CSV)["Job"]["Properties"], resources_of(SCRUB)["ScrubJob"]["Properties"]
    assert csv["DefaultArguments"]["--worker-type"] == csv["WorkerType"]
    assert csv["DefaultArguments"]["--number-of-workers"] == f"${{{csv['NumberOfWorkers']}}}"
    assert scrub["DefaultArguments"]["--worker-type"] == scrub["WorkerType"]
    assert scrub["DefaultArguments"]["--number-of-workers"] == str(scrub["NumberOfWorkers"])


@pytest.mark.parametrize(
    ("shipped", "changed", "error"),
    [
        pytest.param("0.44", "-0.44", ":13: glue.dpu_hour: input should be greater than or equal to 0", id="negative"),
        pytest.param("0.44", "cheap", ":13: glue.dpu_hour: input should be a valid decimal", id="text"),
        pytest.param("0.44", "true", ":13: glue.dpu_hour: expected a number", id="a-truth-value"),
        pytest.param("0.44", ".nan", ":13: glue.dpu_hour: input should be a finite number", id="not-a-number"),
        pytest.param("0.44", "1e400", ":13: glue.dpu_hour: input should be less than or equal to 1000000", id="huge"),
        pytest.param("dpu_hour", "dpu_huor", ":13: unknown key glue.dpu_huor; did you mean 'dpu_hour'?", id="mistyped"),
        pytest.param("lambda:", "lamda:", ": the key lambda is missing", id="missing-section"),
        pytest.param("seconds: 60", "seconds: 1.5", ":14: glue.minimum_seconds: input should be", id="half-a-second"),
        pytest.param(
            "seconds: 60",
            f"seconds: 1{'0' * 400}",
            ":14: glue.minimum_seconds: input should be less",
            id="huge-minimum",
        ),
        pytest.param(
            "workers: 2", "workers: 1000001", ":16: glue.job_size.workers: input should be less", id="huge-job"
        ),
        pytest.param("0.44", f"1{':59' * 300}.5", ":13: YAML reads 1:59:59", id="a-number-in-base-60-beyond-floats"),
        pytest.param("0.44", '!!int ""', ":13: YAML reads ", id="a-tagged-text-that-is-no-number"),
        pytest.param("0.44", "!!timestamp x", ":13: YAML reads x as", id="a-tagged-text-that-is-no-time"),
        pytest.param("0.44", "!!bool x", ":13: YAML reads x as", id="a-tagged-text-that-is-no-truth-value"),
        pytest.param(SHIPPED, "[" * 3000, ": not readable as YAML: it is nested too deeply", id="nested-too-deeply"),
        pytest.param("0.25", "0", ":15: glue.dpu_per_worker.G.025X: input should be greater than 0", id="no-dpus"),
        pytest.param(
            "worker_type: G.1X",
            "worker_type: G.3X",
            ":12: glue: dpu_per_worker has no 'G.3X', the worker_type of job_size; did you mean 'G.8X'?",
            id="unknown-worker-type",
        ),
        pytest.param(
            "format: 1",
            "format: 2",
            ":3: format: 2 is of a later version of lakewright; this one reads 1",
            id="later-format",
        ),
        pytest.param("format: 1", "format: true", ":3: format: expected a number", id="format-that-is-no-number"),
        pytest.param(
            "2026-11-27", "2026-13-27", ":4: YAML reads 2026-13-27 as a date or a number, which it is", id="no-such-day"
        ),
        pytest.param("USD", "dollars", ":6: currency: string should match pattern", id="no-currency"),
        pytest.param(SHIPPED, "", ": it must be a mapping, starting with format:", id="empty"),
    ],
)
def test_errors_name_line_and_key(tmp_path: Path, shipped: str, changed: str, error: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, SHIPPED.replace(shipped, changed, 1))
    assert f"prices.yaml{error}" in str(refused.value)
    answer = command("check", "--config", str(tmp_path))
    assert (answer.exit_code, error in answer.stderr) == (2, True)
