"""How answers are laid out on a terminal and elsewhere."""

import io

import pytest

from jobs.cli.layout import print_record, print_table
from jobs.cli.screens.checks import show_check
from jobs.cli.screens.receipts import row_sum, show_receipts
from lakewright.log.records import Counts
from lakewright.runs.receipts import Receipt
from tests.conftest import Terminal

PATH = "raw/people/year=2026/month=08/day=01/people-of-the-first-of-august.csv"


def printed(monkeypatch: pytest.MonkeyPatch, out: io.StringIO, **fields: str) -> list[str]:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout", out)
    print_record("receipt of people → people", fields)
    return out.getvalue().splitlines()


def test_elsewhere_a_line_is_a_line_without_control_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(
        monkeypatch, io.StringIO(), refused=f"{PATH}: {'many words ' * 9}".strip(), status="refused", rows=""
    )
    assert lines == [
        "receipt of people → people",
        f"  refused  {PATH}: {'many words ' * 9}".rstrip(),
        "  status   refused",
    ]


def test_a_dumb_terminal_gets_no_control_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    print_record("receipt", {"status": "committed"})
    print_table("targets", ["feed"], [["people"]], texts=1)
    assert out.getvalue().splitlines() == ["receipt", "  status  committed", "targets", "  feed", "  people"]


def test_a_terminal_wraps_words_and_never_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    lines = printed(monkeypatch, Terminal(), refused=f"{PATH}: the header has no 'name'; it has 'id'")
    plain = [line.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "") for line in lines]
    assert plain == [
        "receipt of people → people",
        f"  refused  {PATH}:",
        "           the header has no 'name'; it",
        "           has 'id'",
    ]


ROWS = [["people", "committed", "1,234"], ["a-feed-with-a-long-name", "refused\n", "7"]]


def test_a_table_has_texts_on_the_left_and_numbers_on_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("targets", ["feed", "last run", "rows"], ROWS, texts=2)
    assert capsys.readouterr().out.splitlines() == [
        "targets",
        "  feed                     last run    rows",
        "  people                   committed  1,234",
        r"  a-feed-with-a-long-name  refused\n      7",
    ]


def test_on_a_narrow_terminal_the_widest_texts_of_a_table_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setenv("COLUMNS", "32")
    monkeypatch.setattr("sys.stdout", out)
    print_table("targets", ["feed", "last run", "rows"], ROWS, texts=2)
    assert out.getvalue().splitlines()[-1].split("\x1b")[0] == r"  a-feed-with…  refused\n      7"


def test_a_table_leaves_out_spare_columns_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setenv("COLUMNS", "34")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stdout", out)
    header = ["feed", "last run", "rows", "cost"]
    print_table("targets", header, [[*row, "$1.00"] for row in ROWS], texts=2, spare=[3, 2])
    assert out.getvalue().splitlines() == [
        "targets",
        "  feed          last run    rows",
        "  people        committed  1,234",
        r"  a-feed-with…  refused\n      7",
        "  … and cost, in a wider terminal",
    ]


def test_brackets_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, io.StringIO(), path="raw/[red]/[/]")[1] == "  path  raw/[red]/[/]"


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        pytest.param(Counts(), "", id="nothing-read"),
        pytest.param(Counts(read=1, written=1), "1 read = 1 written", id="all-written"),
        pytest.param(
            Counts(read=12, written=4, deleted=2, superseded=2, rejected=1, skipped=3),
            "12 read = 4 written + 2 deleted + 2 superseded + 1 rejected + 3 skipped",
            id="every-part",
        ),
        pytest.param(
            Counts(read=1, written=1, rekeyed=1), "1 read = 1 written; 1 old key deleted", id="rekeyed-is-no-part"
        ),
    ],
)
def test_row_sum(counts: Counts, text: str) -> None:
    assert row_sum(Receipt("r", "f", "t", "j", "run", "", counts=counts).dump()["counts"]) == text


def test_a_receipt_without_rows_does_not_count_them(capsys: pytest.CaptureFixture[str]) -> None:
    receipt = Receipt(
        "r", "people", "people", "j", "run", "", status="nothing_new", seconds={"lease": 0.01, "plan": 0.2}
    )
    show_receipts([receipt.dump()])
    assert capsys.readouterr().out == (
        "receipt of people → people\n  run     r\n  status  nothing_new (exit code 0)\n  time    0.2 s: plan 0.2 s\n"
    )


@pytest.mark.parametrize(
    ("feeds", "line"),
    [(["people"], "1 feed is valid: people\n"), (["hr", "people"], "2 feeds are valid: hr, people\n")],
)
def test_check_says_how_many_feeds_are_valid(feeds: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_check({"feeds": feeds, "problems": [], "renamed_columns": {}})
    assert capsys.readouterr().out == line
