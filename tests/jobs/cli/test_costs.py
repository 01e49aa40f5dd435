"""The cost of runs, in receipts and on the screen. By hand: 2 workers, 1 DPU each, for at least 60 s, are 120 DPU-seconds."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.cli.entrypoint import run_as_script
from jobs.cli.screens.costs import cost_text
from tests.conftest import ROOT, Answer, command

MINUTE = 120 * 0.44 / 3600


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """Write a config folder with the shipped prices and a feed with one object."""
    folder = tmp_path / "conf"
    feed = {
        "job": "csv_to_parquet",
        "source": {"path": "raw/people/", "columns": {"id": "long"}},
        "target": {"path": "refined/people/", "fill": "append"},
        "compact_above": 2,
    }
    (folder / "feeds").mkdir(parents=True)
    (folder / "feeds/people.yaml").write_text(yaml.safe_dump(feed))
    shutil.copy(ROOT / "conf/prices.yaml", folder)
    put(tmp_path, "a.csv")
    return folder


def put(root: Path, name: str) -> None:
    (root / "lake/raw/people").mkdir(parents=True, exist_ok=True)
    (root / "lake/raw/people" / name).write_text("id\n1\n")


def run(conf: Path, *options: str, feed: str = "people", verb: str = "run") -> Answer:
    lake = str(conf.parent / "lake")
    return command(verb, feed, "--lake", lake, "--config", str(conf), "--engine", "local", *options)


def test_the_receipt_of_a_run_has_its_cost(conf: Path) -> None:
    (receipt,) = run(conf, "--json").data
    assert receipt["cost"]["total"] == pytest.approx(MINUTE)
    assert receipt["cost"]["assumed"] == "what it would have cost on Glue with 2 G.1X workers, without requests to S3"
    assert receipt["runtime"]["platform"] == "local"
    shown = command("receipt", "people", "--lake", str(conf.parent / "lake"), "--config", str(conf)).stdout
    assert "$0.0147 (Glue $0.0147): what it would have cost on Glue with 2 G.1X workers, without" in shown


def test_an_idle_run_costs_as_much_as_the_minimum(conf: Path) -> None:
    run(conf)
    assert "$0.0147 (Glue $0.0147)" in run(conf).stdout


def test_compactions_have_their_cost(conf: Path) -> None:
    for name in ("a.csv", "b.csv", "c.csv", "d.csv"):
        put(conf.parent, name)
        run(conf)
    receipts = sorted((conf.parent / "lake/state/people/people/receipts").glob("*.json"))
    found = [yaml.safe_load(path.read_text()) for path in receipts]
    assert {receipt["verb"] for receipt in found} == {"run", "compact"}
    assert [receipt["cost"]["total"] for receipt in found] == [pytest.approx(MINUTE)] * len(found)


def test_without_prices_a_run_has_no_cost(conf: Path) -> None:
    (conf / "prices.yaml").unlink()
    answer = run(conf)
    assert (answer.exit_code, "cost" in answer.stdout) == (0, False)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("format: 2\n", "prices.yaml:1: format: 2 is of a later version of lakewright", id="later-format"),
        pytest.param("glue: {dpu_hour: cheap}\n", "prices.yaml:1: glue.dpu_hour: input should be", id="text"),
        pytest.param("- x\n", "prices.yaml: it must be a mapping, starting with format:", id="not-a-mapping"),
    ],
)
def test_unusable_prices_are_a_warning_of_runs(
    conf: Path, caplog: pytest.LogCaptureFixture, text: str, why: str
) -> None:
    (conf / "prices.yaml").write_text(text)
    (receipt,) = run(conf, "--json").data
    assert (receipt["status"], receipt["cost"]) == ("committed", None)
    assert "runs have no cost: " in caplog.text
    assert why in caplog.text


def test_targets_of_one_command_are_billed_once(conf: Path) -> None:
    feed = yaml.safe_load((ROOT / "conf/feeds/events.yaml").read_text())
    (conf / "feeds/events.yaml").write_text(yaml.safe_dump({**feed, "gates": None}))
    for topic in ("quakes", "tremors"):
        folder = conf.parent / f"lake/raw/topics/{topic}/partition=0"
        folder.mkdir(parents=True)
        (folder / f"{topic}+0+0000000000.json").write_text('{"id": "a", "ts": 1754000000000}\n')
    answer = run(conf, feed="events")
    assert answer.stdout.count("$0.0147 (Glue $0.0147)") == 2
    assert answer.stdout.splitlines()[-1] == "cost of the 2 targets, which ran in one process: $0.0147"


def test_a_glue_job_passes_its_size(
    conf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = ["--JOB_NAME", "people", "--worker-type", "G.2X", "--number-of-workers", "5"]
    ours = ["--feed", "people", "--lake", str(conf.parent / "lake"), "--config", str(conf), "--engine", "local"]
    monkeypatch.setattr(sys, "argv", ["csv_to_parquet.py", *job, *ours])
    run_as_script("csv_to_parquet")
    receipt = yaml.safe_load(capsys.readouterr().out)
    runtime = receipt["runtime"]
    assert (runtime["platform"], runtime["worker_type"], runtime["workers"]) == ("glue", "G.2X", 5)
    assert receipt["cost"]["total"] == pytest.approx(60 * 5 * 2 * 0.44 / 3600)  # five workers of two DPUs
    assert receipt["cost"]["assumed"] == ""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param(
            {"assumed": "", "excluded": ["EMR, whose price depends on the cluster"], "items": [], "total": 0.0},
            "no price\nwithout EMR, whose price depends on the cluster",
            id="no-price",
        ),
        pytest.param({"currency": "EUR"}, "0.50 EUR (Glue 0.50 EUR): a guess\nwithout requests", id="another-currency"),
    ],
)
def test_what_a_cost_assumes_and_lacks_is_shown(changes: dict[str, Any], text: str) -> None:
    cost = {
        "currency": "USD",
        "total": 0.5,
        "items": [{"what": "Glue", "amount": 0.5}],
        "assumed": "a guess",
        "excluded": ["requests"],
    }
    assert cost_text(cost | changes) == text
    assert cost_text(None) == ""
