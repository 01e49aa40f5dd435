import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.errors import HistoryExpiredError, OvertakenError, StateError
from lakewright.log import log as module
from lakewright.log.actions.files import AddFiles, RemoveFiles
from lakewright.log.actions.objects import ForgetObjects, TakeObjects
from lakewright.log.actions.tables import OverwriteTable, SetColumns, SetProperties, TableCommit
from lakewright.log.history import changes_since
from lakewright.log.log import FORMAT, Append, Log, Outcome, OverwritePartitions, Plan
from lakewright.log.records import DataFile, SourceObject
from lakewright.log.state import TableState
from lakewright.storage.uris import open_lake
from tests.conftest import examples


def objects(number: int, *paths: str, day: str = "1") -> list[SourceObject]:
    return [SourceObject(path, 1, str(number), {"day": day}) for path in paths]


def plan(number: int, *paths: str, day: str = "1") -> Plan:
    planned = objects(number, *paths, day=day)
    return Plan(FORMAT, number, "r", "job", "2026-08-01", "", planned, OverwritePartitions([f"day={day}"]))


def files(*paths: str) -> list[DataFile]:
    return [DataFile(path, "", "day=1", 1, 1) for path in paths]


def outcome(number: int, *actions: Any, status: str = "committed") -> Outcome:
    return Outcome(FORMAT, number, status, "r", "a", actions=list(actions))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(open_lake(str(tmp_path)), "state/f/t/")


def test_the_state_is_a_fold_over_actions(log: Log) -> None:
    assert log.read() == (TableState(), None)
    log.write_plan(plan(1, "a", "b"))
    assert log.read()[1] == plan(1, "a", "b")
    log.write_outcome(outcome(1, TakeObjects(objects(1, "a", "b")), AddFiles(files("x")), SetColumns({"id": "int"})))
    log.write_plan(plan(2, "a"))
    log.write_outcome(
        outcome(2, ForgetObjects(["b"]), TakeObjects(objects(2, "a")), AddFiles(files("y")), RemoveFiles(["x"]))
    )
    log.write_plan(plan(3, "c"))
    log.write_outcome(outcome(3, status="dropped"))
    state, open_plan = log.read()
    assert (state.number, state.committed, open_plan) == (3, 2, None)
    assert (list(state.objects), list(state.files), state.columns) == (["a"], ["y"], {"id": "int"})
    assert state.has("a", "2")
    assert not state.has("a", "1")


def test_a_batch_has_one_plan_and_one_outcome(log: Log) -> None:
    log.write_plan(plan(1, "a"))
    log.write_plan(plan(1, "a"))
    with pytest.raises(OvertakenError, match=r"another run wrote state/f/t/log/000000001.plan.json first"):
        log.write_plan(plan(1, "b"))
    log.write_outcome(outcome(1, AddFiles(files("x"))))
    with pytest.raises(OvertakenError):
        log.write_outcome(outcome(1, status="dropped"))


def test_overwriting_the_table_resets_objects_columns_and_properties() -> None:
    state = TableState()
    state.apply(outcome(1, TakeObjects(objects(1, "a")), SetColumns({"id": "int"}), SetProperties({"total": 1})))
    state.apply(outcome(2, OverwriteTable(), SetColumns({"key": "int"})))
    assert (state.objects, state.columns, state.published, state.properties) == ({}, {"key": "int"}, {"key": "int"}, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"format": FORMAT + 1}, "was written by a newer version", id="newer-format"),
        pytest.param({"format": None}, "is not a valid log entry: Expected `int`", id="no-format"),
        pytest.param({"colour": "red"}, "unknown field `colour`", id="unknown-field"),
        pytest.param({"actions": [{"kind": "paint"}]}, "Invalid value 'paint'", id="unknown-action"),
        pytest.param(
            {"actions": [{"kind": "set_layout", "layout": "x", "colour": "red"}]},
            "colour",
            id="unknown-field-of-an-action",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["plan", "outcome"])
def test_unknown_formats_fields_and_actions_are_refused(
    tmp_path: Path, change: dict[str, Any], message: str, kind: str
) -> None:
    log = Log(open_lake(str(tmp_path)), "state/f/t/")
    log.write_plan(plan(1, "a"))
    log.write_outcome(outcome(1, AddFiles(files("x"))))
    log.write_plan(plan(2, "b"))
    path = tmp_path / (
        "state/f/t/log/000000002.plan.json" if kind == "plan" else "state/f/t/log/000000001.outcome.json"
    )
    if kind == "plan" and "actions" in change:
        change = (
            {"scope": {"kind": "paint"}}
            if len(change["actions"][0]) == 1
            else {"scope": {"kind": "append", "colour": 1}}
        )
        message = "paint" if "paint" in str(change) else "colour"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(StateError) as refused:
        log.read()
    assert str(refused.value).startswith(f"{path.relative_to(tmp_path)} ")
    assert message in str(refused.value)
    assert refused.value.exit_code == 1


def test_actions_survive_a_round_trip() -> None:
    kinds = {cls.__struct_config__.tag for cls in module.Outcome.__annotations__["actions"].__args__[0].__args__}
    assert {"take_objects", "add_files", "remove_files", "quarantine_rows", "table_commit", "rewrite_objects"} <= kinds
    written = outcome(1, TableCommit({"instant": "1", "inserted": 2}), SetProperties({"seen": [1, {"a": None}]}))
    assert msgspec.json.decode(msgspec.json.encode(written), type=Outcome) == written


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=12))
def test_a_snapshot_does_not_change_the_state(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[str, bool]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SNAPSHOT_EVERY", 2)
        patch.setattr(module, "KEPT_BATCHES", 3)
        lake = open_lake(str(tmp_path_factory.mktemp("log")))
        log, expected = Log(lake, "s/"), TableState()
        for number, (path, dropped) in enumerate(batches, start=1):
            log.write_plan(plan(number, path))
            actions = [TakeObjects(objects(number, path)), AddFiles(files(str(number))), RemoveFiles([str(number - 1)])]
            written = outcome(number, status="dropped") if dropped else outcome(number, *actions)
            log.write_outcome(written)
            expected.apply(written)
            log.write_snapshot(expected)
        assert log.read() == (expected, None)
        entries = [each.path for each in lake.list("s/log/")]
        assert len([path for path in entries if "snapshots" in path]) == min(1, len(batches) // 2)
        assert len([path for path in entries if "outcome" in path]) <= 3 + 1


def test_a_run_paused_until_its_entries_were_deleted_is_overtaken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SNAPSHOT_EVERY", 2)
    monkeypatch.setattr(module, "KEPT_BATCHES", 1)
    log, state = Log(open_lake(str(tmp_path)), "s/"), TableState()
    for number in range(1, 7):
        log.write_plan(plan(number, "a"))
        written = outcome(number, AddFiles(files(str(number))))
        log.write_outcome(written)
        state.apply(written)
        log.write_snapshot(state)
    with pytest.raises(OvertakenError):
        log.write_outcome(outcome(2, AddFiles(files("late"))))
    with pytest.raises(OvertakenError):
        log.write_outcome(outcome(5, AddFiles(files("late"))))
    assert list(log.read()[0].files) == ["1", "2", "3", "4", "5", "6"]
    with pytest.raises(HistoryExpiredError):  # the late outcome is not part of the history
        changes_since(log, 4)


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(["log/000000002.plan.json", "log/000000002.outcome.json"], id="batch"),
        pytest.param(["log/000000002.outcome.json"], id="outcome"),
        pytest.param(["log/000000003.outcome.json"], id="outcome-before-an-open-plan"),
        pytest.param(["log/000000001.plan.json", "log/000000001.outcome.json"], id="first-batch"),
    ],
)
def test_a_log_with_a_gap_is_refused(tmp_path: Path, lost: list[str]) -> None:
    log = Log(open_lake(str(tmp_path)), "s/")
    for number in (1, 2, 3):
        log.write_plan(plan(number, str(number)))
        log.write_outcome(outcome(number, TakeObjects(objects(number, str(number)))))
    log.write_plan(plan(4, "4"))
    for path in lost:
        (tmp_path / "s" / path).unlink()
    with pytest.raises(StateError, match=rf"missing: s/log/00000000{lost[0][12]}.outcome.json; restore it"):
        log.read()


def test_a_log_without_its_snapshot_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SNAPSHOT_EVERY", 2)
    monkeypatch.setattr(module, "KEPT_BATCHES", 1)
    log, state = Log(open_lake(str(tmp_path)), "s/"), TableState()
    for number in (1, 2, 3):
        log.write_plan(plan(number, str(number)))
        written = outcome(number, TakeObjects(objects(number, str(number))))
        log.write_outcome(written)
        state.apply(written)
        log.write_snapshot(state)
    (tmp_path / "s/log/snapshots/000000002.json.gz").unlink()
    with pytest.raises(StateError, match=r"missing: s/log/000000001.outcome.json"):
        log.read()


@pytest.mark.parametrize(
    ("clock", "here", "listings"),
    [
        pytest.param([0.0, 59.0], 59.0, 0, id="too-short-a-time-for-a-thousand-batches"),
        pytest.param([0.0, 60.0], 60.0, 1, id="long-enough"),
        pytest.param([0.0, 60.0], 0.0, 1, id="this-machine-was-suspended"),
        pytest.param([9.0, 9.0], 60.0, 1, id="the-next-server-s-clock-is-behind"),
        pytest.param([None, 1.0], 1.0, 1, id="no-clock-when-the-log-was-read"),
        pytest.param([0.0, None], 1.0, 1, id="no-clock"),
    ],
)
def test_a_storage_with_a_clock_is_searched_for_snapshots_only_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: list[float | None], here: float, listings: int
) -> None:
    lake = open_lake(str(tmp_path))
    log, times, times_here = Log(lake, "s/"), iter(clock), iter([0.0, here])
    log.write_plan(plan(1, "a"))
    monkeypatch.setattr(lake, "clock", lambda: next(times), raising=False)
    monkeypatch.setattr(module, "monotonic", lambda: next(times_here))
    log.read()
    listed, list_lake = list[str](), lake.list
    monkeypatch.setattr(lake, "list", lambda prefix, **of: listed.append(prefix) or list_lake(prefix, **of))
    log.write_outcome(outcome(1, AddFiles(files("x"))))
    assert listed == ["s/log/snapshots/"] * listings


def test_the_outcome_of_a_run_paused_while_others_wrote_a_snapshot_stays(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only an outcome that had been deleted is written twice; readers need all others."""
    monkeypatch.setattr(module, "SNAPSHOT_EVERY", 2)
    paused, lake = Log(open_lake(str(tmp_path)), "state/f/t/"), open_lake(str(tmp_path))
    create = lake.create

    def create_and_pause(path: str, body: bytes) -> str:
        etag, (state, _) = create(path, body), log.read()
        log.write_plan(plan(2, "b"))
        second = outcome(2, AddFiles(files("b")))
        log.write_outcome(second)
        state.apply(second)
        log.write_snapshot(state)
        return etag

    log.write_plan(plan(1, "a"))
    monkeypatch.setattr(paused, "_lake", lake)
    monkeypatch.setattr(lake, "create", create_and_pause)
    assert paused.write_outcome(outcome(1, AddFiles(files("a"))))
    assert list(changes_since(log, 0).added) == ["a", "b"]


def test_a_reader_paused_between_two_listings_lists_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SNAPSHOT_EVERY", 2)
    monkeypatch.setattr(module, "KEPT_BATCHES", 1)
    log, state, reader = Log(open_lake(str(tmp_path)), "s/"), TableState(), Log(open_lake(str(tmp_path)), "s/")
    listed = reader._entries.listed

    def write(numbers: range) -> None:
        for number in numbers:
            log.write_plan(plan(number, str(number)))
            written = outcome(number, AddFiles(files(str(number))))
            log.write_outcome(written)
            state.apply(written)
            log.write_snapshot(state)

    def listed_late(after: int) -> dict[str, str]:
        if after == 2:
            write(range(3, 8))
        return listed(after=after)

    write(range(1, 3))
    monkeypatch.setattr(reader._entries, "listed", listed_late)
    assert list(reader.read()[0].files) == ["1", "2", "3", "4", "5", "6", "7"]


def test_a_damaged_snapshot_is_reported_by_path(tmp_path: Path) -> None:
    folder = tmp_path / "s/log/snapshots"
    folder.mkdir(parents=True)
    (folder / "000000050.json.gz").write_bytes(gzip.compress(b'{"format": 1, "state": {')[:-9])
    with pytest.raises(StateError, match=r"s/log/snapshots/000000050.json.gz is not a valid log entry"):
        Log(open_lake(str(tmp_path)), "s/").read()


def test_changes_since_a_batch(log: Log) -> None:
    for number, actions in enumerate(
        (
            [AddFiles(files("a"))],
            [AddFiles(files("b")), RemoveFiles(["a"])],
            [AddFiles(files("c", "d")), RemoveFiles(["b"])],
            [TableCommit({"instant": "7"}), RemoveFiles(["c"])],
        ),
        start=1,
    ):
        log.write_plan(Plan(FORMAT, number, "r", "job", "2026-08-01", "", [], Append()))
        log.write_outcome(outcome(number, *actions))
    changes = changes_since(log, 1)
    assert (changes.since, changes.until) == (1, 4)
    assert (list(changes.added), changes.removed, changes.commits) == (["d"], ["a"], [{"instant": "7"}])
    nothing = changes_since(log, 4)
    assert (nothing.until, nothing.added, nothing.removed) == (4, {}, [])


def test_outcomes_are_read_a_few_at_a_time(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 101):
        log.write_outcome(outcome(number, AddFiles(files(str(number)))))
    read, entry = [], log._entries.read

    def counted(model: Any, path: str) -> Any:
        read.append(path)
        return entry(model, path)

    monkeypatch.setattr(log._entries, "read", counted)
    outcomes = log.outcomes(after=0)
    assert next(outcomes).number == 1
    assert len(read) <= 32
    assert [each.number for each in outcomes] == list(range(2, 101))


def test_changes_before_the_first_entry_are_refused(tmp_path: Path, log: Log) -> None:
    for number in (1, 2, 3):
        log.write_plan(plan(number, "a"))
        log.write_outcome(outcome(number, AddFiles(files(str(number)))))
    (tmp_path / "state/f/t/log/000000001.outcome.json").unlink()
    assert list(changes_since(log, 1).added) == ["2", "3"]
    with pytest.raises(
        HistoryExpiredError, match="no longer contains the changes since batch 0: it begins with batch 2"
    ):
        changes_since(log, 0)


def test_entries_deleted_while_they_are_read_count_as_expired(
    tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        log.write_outcome(outcome(number, AddFiles(files(str(number)))))
    listed = log._entries.listed

    def deleted_afterwards(after: int) -> dict[str, str]:
        entries = listed(after=after)
        (tmp_path / "state/f/t/log/000000001.outcome.json").unlink(missing_ok=True)
        return entries

    monkeypatch.setattr(log._entries, "listed", deleted_afterwards)
    with pytest.raises(HistoryExpiredError):
        changes_since(log, 0)


def written_batches(log: Log, count: int) -> tuple[TableState, str]:
    """Write batches with a file each; return the state after them, and the ETag of the last outcome."""
    state, etag = TableState(), ""
    for number in range(1, count + 1):
        log.write_plan(plan(number, str(number)))
        written = outcome(number, TakeObjects(objects(number, str(number))), AddFiles(files(str(number))))
        etag = log.write_outcome(written)
        state.apply(written)
    return state, etag


def test_the_head_says_that_its_batch_is_settled(log: Log) -> None:
    assert not log.content().is_settled
    state, etag = written_batches(log, 2)
    assert not log.content().is_settled
    log.write_head(state, etag=etag, instead_of="")
    content = log.content()
    assert (content.state, content.open_plan, content.is_settled, content.etag) == (state, None, True, etag)
    log.write_plan(plan(3, "3"))
    assert (log.content().is_settled, log.content().open_plan) == (True, plan(3, "3"))
    log.write_outcome(outcome(3, AddFiles(files("3"))))
    content = log.content()
    assert (list(content.state.files), content.is_settled) == (["1", "2", "3"], False)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda head: head.write_bytes(b"damaged"), id="damaged"),
        pytest.param(lambda head: head.unlink(), id="deleted"),
        pytest.param(
            lambda head: head.write_bytes(gzip.compress(b'{"format":%d,"x":1}' % (FORMAT + 1))), id="of-a-newer-version"
        ),
        pytest.param(lambda head: rewrite(head, etag="other"), id="of-another-outcome"),
    ],
)
def test_a_head_that_does_not_fit_the_log_does_not_count(tmp_path: Path, change: Any) -> None:
    log = Log(open_lake(str(tmp_path)), "s/")
    state, etag = written_batches(log, 2)
    log.write_head(state, etag=etag, instead_of="")
    change(tmp_path / "s/log/head.json.gz")
    content = log.content()
    assert (content.state, content.is_settled) == (state, False)


@pytest.mark.parametrize("kinds", [("outcome",), ("plan", "outcome")])
def test_the_head_shows_that_the_last_outcome_was_deleted(tmp_path: Path, kinds: tuple[str, ...]) -> None:
    """Processed again, the batch would leave the files of its first commit in the table's folder."""
    log = Log(open_lake(str(tmp_path)), "s/")
    state, etag = written_batches(log, 2)
    log.write_head(state, etag=etag, instead_of="")
    for kind in kinds:
        (tmp_path / f"s/log/000000002.{kind}.json").unlink()
    with pytest.raises(StateError, match=r"is missing: s/log/000000002\.outcome\.json; restore it"):
        log.content()


def rewrite(head: Path, **changes: Any) -> None:
    head.write_bytes(gzip.compress(json.dumps(json.loads(gzip.decompress(head.read_bytes())) | changes).encode()))


def test_a_suspended_run_does_not_overwrite_a_later_head(log: Log) -> None:
    former, etag = written_batches(log, 1)
    log.write_head(former, etag=etag, instead_of="")
    read = log.content().head_etag
    later = outcome(2, AddFiles(files("2")))
    log.write_plan(plan(2, "2"))
    etag = log.write_outcome(later)
    state = log.read()[0]
    log.write_head(state, etag=etag, instead_of=read)
    log.write_head(former, etag="stale", instead_of=read)
    log.write_head(former, etag="stale", instead_of="")
    assert (log.content().state, log.content().is_settled) == (state, True)


def test_the_head_of_a_large_state_is_written_less_often(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SMALL_STATE", 3)
    monkeypatch.setattr(module, "HEAD_EVERY", 5)
    settled = []
    for number in range(1, 8):
        log.write_plan(plan(number, str(number)))
        content = log.content()
        written = outcome(number, AddFiles(files(str(number))))
        etag = log.write_outcome(written)
        content.state.apply(written)
        log.write_head(content.state, etag=etag, instead_of=content.head_etag)
        settled.append(log.content().is_settled)
    assert settled == [True, True, True, False, True, False, False]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="not-compressed"),
        pytest.param(gzip.compress(b'{"format": 1')[:-9], id="truncated"),
        pytest.param(gzip.compress(b'{"format": 1, "etag": "\xff", "state": {}}'), id="not-utf-8"),
        pytest.param(gzip.compress(b"[" * 100_000), id="nested-too-deeply"),
        pytest.param(gzip.compress(b'{"format": 99}'), id="of-a-newer-version"),
        pytest.param(gzip.compress(b'{"format": 1, "etag": "of another outcome", "state": {"number": 1}}'), id="stale"),
    ],
)
def test_a_head_that_does_not_fit_the_entries_is_replaced(log: Log, tmp_path: Path, body: bytes) -> None:
    log.write_plan(plan(1, "a"))
    written = outcome(1, AddFiles(files("x")))
    etag = log.write_outcome(written)
    path = tmp_path / "state/f/t/log/head.json.gz"
    path.write_bytes(body)
    content = log.content()
    assert (list(content.state.files), content.is_settled, content.etag) == (["x"], False, etag)
    log.write_head(content.state, etag=etag, instead_of=content.head_etag)
    assert log.content().is_settled


@pytest.mark.parametrize("body", [b'{"format": 1, "reason": "\xff"}', b"[" * 100_000], ids=["not-utf-8", "nested"])
def test_a_damaged_entry_is_reported_by_path(log: Log, tmp_path: Path, body: bytes) -> None:
    log.write_plan(plan(1, "a"))
    (tmp_path / "state/f/t/log/000000001.outcome.json").write_bytes(body)
    with pytest.raises(StateError, match=r"000000001.outcome.json is not a valid log entry: .*; restore it"):
        log.read()
