"""Arguments have one form on the command line and on Glue, and invalid ones are never ignored."""

from pathlib import Path
from unittest import mock

import pytest

from jobs.cli import entrypoint
from jobs.cli.entrypoint import run_as_script
from jobs.cli.options import SourceOptions, read_names
from lakewright.errors import ConfigError
from lakewright.runs.job.request import Request
from tests.conftest import ROOT, command

WRONG = (
    pytest.param(["--dates", "2026-08-01"], "unknown option --dates; did you mean '--date'?", id="a-misspelt-option"),
    pytest.param(["--dates=2026-08-01"], "unknown option --dates; did you mean '--date'?", id="with-an-equals-sign"),
    pytest.param(["--dat", "2026-08-01"], "unknown option --dat; did you mean '--date'?", id="an-abbreviation"),
    pytest.param(["--Date", "2026-08-01"], "unknown option --Date; did you mean '--date'?", id="a-capital"),
    pytest.param(["--drop_open"], "unknown option --drop_open; did you mean '--drop-open'?", id="an-underscore"),
    pytest.param(["--team=x"], "unknown option --team; known are --config, --set, ", id="an-unknown-option"),
    pytest.param(["--date", ""], "option --date needs a value", id="an-empty-value"),
    pytest.param(["--lake= "], "option --lake needs a value", id="a-blank-value"),
    pytest.param(["--date", "2026-08-01", "--date=2026-08-02"], "option --date is given twice", id="a-repeated-value"),
    pytest.param(
        ["--date", "--lake", "x"],
        "option --date needs a value; if the value is --lake, write --date=--lake",
        id="an-option-in-place-of-a-value",
    ),
    pytest.param(["--target", "a,,b"], "--target needs NAME[,NAME…], and 'a,,b' has an empty name", id="an-empty-name"),
    pytest.param(["surplus"], "Got unexpected extra argument(s) (surplus)", id="an-extra-argument"),
    pytest.param(
        ["--date", "2026-08-01", "--partition", "day=02"],
        "day is both 01 and 02; name it once, in --date or --partition",
        id="two-days",
    ),
)


@pytest.mark.parametrize(("arguments", "line"), WRONG)
def test_invalid_arguments_are_reported_on_one_line(tmp_path: Path, arguments: list[str], line: str) -> None:
    lake = [] if any("--lake" in word for word in arguments) else ["--lake", str(tmp_path)]
    answer = command("run", "customers", "--config", str(ROOT / "conf"), "--json", *lake, *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.last_line.startswith(f"error: {line}")


@pytest.mark.parametrize(("arguments", "line"), WRONG)
def test_scripts_report_invalid_arguments_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    ours = ["--feed", "customers", "--config", str(ROOT / "conf"), "--JOB_NAME", "j", "--enable-metrics"]
    lake = [] if any("--lake" in word for word in arguments) else ["--lake", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        run_as_script("csv_to_parquet", [*ours, *lake, *arguments])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines()[-1].startswith(f"error: {line}")


@pytest.mark.parametrize(
    ("words", "drops"),
    [
        pytest.param(["--drop-open"], True, id="alone"),
        pytest.param(["--drop-open", ""], True, id="nothing"),
        pytest.param(["--drop-open", "true"], True, id="true"),
        pytest.param(["--drop-open=True"], True, id="with-an-equals-sign"),
        pytest.param(["--drop-open", "false"], False, id="false"),
        pytest.param([], False, id="absent"),
    ],
)
def test_a_flag_has_a_value_on_glue(words: list[str], drops: bool) -> None:
    with mock.patch.object(entrypoint, "_run") as run:
        run_as_script("csv_to_parquet", ["--feed", "people", *words])
        run_as_script("csv_to_parquet", [*words, "--feed", "people"])
    assert [call.args[2] for call in run.call_args_list] == 2 * [Request("run", {}, drop_open=drops)]


@pytest.mark.parametrize("words", [["--drop-open=no"], ["--drop-open", "no"]])
def test_a_flag_must_be_true_or_false(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_as_script("csv_to_parquet", ["--feed", "people", *words])
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == "error: option --drop-open must be true or false, not 'no'"


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        pytest.param([], [], id="none"),
        pytest.param(["a"], ["a"], id="one"),
        pytest.param(["a, b"], ["a", "b"], id="several"),
        pytest.param(["a", "b,c"], ["a", "b", "c"], id="in-several-arguments"),
        pytest.param([r"a\,b,c"], ["a,b", "c"], id="a-comma-in-a-name"),
    ],
)
def test_names_of_targets(arguments: list[str], names: list[str]) -> None:
    assert read_names(arguments) == names


def test_a_partition_names_a_key_once() -> None:
    assert SourceOptions(date="2026-08-01", partition="year=2026,day=01").wanted() == {
        "year": "2026",
        "month": "08",
        "day": "01",
    }
    with pytest.raises(ConfigError, match="year is both 2026 and 2027"):
        SourceOptions(partition="year=2026,year=2027").wanted()


def test_the_config_folder_can_be_set_by_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKEWRIGHT_CONFIG", str(tmp_path / "nowhere"))
    assert command("check").last_line == f"error: no such config folder: {tmp_path}/nowhere"
    assert command("check", "--config", str(ROOT / "conf")).exit_code == 0
    with mock.patch.object(entrypoint, "_run") as run:
        run_as_script("csv_to_parquet", ["--feed", "people"])
    assert run.call_args.args[1].config == str(tmp_path / "nowhere")


@pytest.mark.parametrize("words", [["--conf", str(ROOT / "conf")], [f"--conf={ROOT}/conf"]])
def test_the_deprecated_option_conf_works_on_the_command_line(words: list[str]) -> None:
    answer = command("check", "--json", *words)
    assert (answer.exit_code, answer.data["problems"]) == (0, [])
    assert answer.stderr == "warning: --conf is deprecated; use --config\n"
    assert "--conf " not in command("check", "--help").stdout


def test_a_script_ignores_conf_only_for_spark_settings(capsys: pytest.CaptureFixture[str]) -> None:
    with mock.patch.object(entrypoint, "_run") as run:
        run_as_script("csv_to_parquet", ["--feed", "people", "--config", "c", "--conf", "spark.a=b"])
    assert run.call_args.args[1].config == "c"
    with pytest.raises(SystemExit):
        run_as_script("csv_to_parquet", ["--feed", "people", "--conf", "s3://b/conf"])
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: --conf is Glue's argument for Spark settings, not 's3://b/conf'; name the config folder with --config"
    )
