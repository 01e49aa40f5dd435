"""What a plan says is what the next run does, and it writes nothing; CSV, events and scrubs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakewright.kafka.blocks import sample
from lakewright.log.log import Log
from tests.conftest import Answer, Bench
from tests.jobs.event_bench import EventBench
from tests.jobs.test_json_scrub import Uploads

WITHOUT_SPARK: Any = None
DAY = "year=2026/month=08/day="
GOOD, REJECTED = "id,name\n1,a\n2,b\n", "id,name\nx,a\n"


class Planned:
    """The plan of a target, and the receipt of the run that follows it at once."""

    def __init__(self, command: Callable[..., Answer], lake: Path) -> None:
        before = contents(lake)
        (self.plan,) = command("plan", "--json").data
        text = command("plan")
        assert contents(lake) == before
        assert text.exit_code == self.plan["exit_code"]
        self.text = text.stdout
        self.title = self.text.splitlines()[0].partition(": ")[2]
        (self.receipt,) = command("run", "--json").data
        self._compare()

    def _compare(self) -> None:
        plan, receipt = self.plan, self.receipt
        assert plan["exit_code"] == receipt["exit_code"]
        if plan["does"] == "refused":
            assert plan["error"] == receipt["error"] or plan.get("refused")
        else:
            assert (plan["refused"], plan["ignored"]) == (receipt["refused"], receipt["ignored"])
        batches = [batch for batch in receipt["batches"] if batch["status"] == "committed"]
        read = [source["path"] for batch in batches for source in batch["inputs"]]
        finished = plan.get("open_batch", {}).get("then", "").startswith("finished first")
        of_open = plan["open_batch"]["objects"] if finished else 0
        assert len(read) - of_open == len(plan.get("objects", ()))
        assert [source["path"] for source in plan.get("objects", ())] == read[of_open:]
        assert (plan["does"] == "batch") == bool(receipt["batches"])
        if not finished and "table" in plan:
            removed = sum(len(batch.get("removed", ())) for batch in batches)
            assert plan["table"]["rewritten"]["files"] == removed
            added = {path.rpartition("/")[0].partition("/year=")[2] for batch in batches for path in batch["outputs"]}
            partitions = plan["table"]["partitions"]
            touched = {*partitions["new"], *partitions["rewritten"], *partitions["extended"]}
            assert not partitions["known"] or {f"year={name}" for name in added if name} <= touched
        if plan["does"] == "batch" and plan["objects"]:
            assert plan["engine"] == receipt["engine"]
            assert plan["schema_changes"] == receipt["schema_changes"]


def contents(lake: Path) -> dict[str, tuple[bytes, float]]:
    """Return every file and folder of a lake, with its content and time."""
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime)
        for path in (lake, *lake.rglob("*"))
    }


@pytest.fixture
def csv(tmp_path: Path) -> Bench:
    (tmp_path / "lake").mkdir()
    bench = Bench(tmp_path, WITHOUT_SPARK)
    bench.feed()
    return bench


@pytest.fixture
def events(tmp_path: Path) -> EventBench:
    (tmp_path / "lake").mkdir()
    bench = EventBench(tmp_path, WITHOUT_SPARK)
    bench.feed()
    return bench


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    uploads = Uploads(tmp_path)
    uploads.path("").mkdir(parents=True)
    uploads.feed()
    return uploads


def planned(bench: Bench | EventBench) -> Planned:
    return Planned(bench.command, bench.lake)


def leave_a_batch_open(bench: Bench | Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run until the outcome would be written."""

    def killed(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(Log, "write_outcome", killed)
        assert bench.command("run").exit_code == 1


def test_an_old_object_that_the_changed_feed_refuses_keeps_its_partition(csv: Bench) -> None:
    csv.put("a.csv", GOOD, "01")
    planned(csv)
    csv.feed(source__columns={"id": "long", "name": "string", "size": "long"})
    csv.put("b.csv", "id,name,size\n3,c,1\n", "01")
    after = planned(csv)
    assert after.plan["exit_code"] == 3
    assert [path.rpartition("/")[2] for path in after.plan["refused"]] == ["a.csv"]
    assert [path.rpartition("/")[2] for path in after.plan["blocked"]] == ["b.csv"]


@pytest.mark.parametrize("other", ["id\n1\n", "id,name\n1," + "x" * 2000 + "\n"], ids=["header", "longest record"])
def test_a_refused_object_of_another_day_does_not_stop_a_run_of_one_day(csv: Bench, other: str) -> None:
    csv.feed(source__max_record_bytes=1024, target__partition_by=["year", "month"])
    csv.put("a.csv", GOOD, "01")
    csv.put("b.csv", other, "02")
    (receipt,) = csv.command("run", "--date", "2026-08-01", "--json").data
    assert (receipt["status"], receipt["exit_code"], receipt["counts"]["written"]) == ("committed", 3, 2)
    assert [path.rpartition("/")[2] for path in receipt["refused"]] == ["b.csv"]


def test_new_changed_repeated_and_gone_objects(csv: Bench) -> None:
    for day in ("01", "02", "03"):
        csv.put("a.csv", GOOD, day)
    csv.put("b.csv", GOOD, "02")
    first = planned(csv)
    assert first.title == "reads 4 objects, 64 B"
    assert first.plan["table"]["partitions"]["new"] == [DAY + "01", DAY + "02", DAY + "03"]
    assert first.plan["config"]["means"] == "new table"

    csv.put("a.csv", REJECTED, "02")
    csv.put("c.csv", GOOD, "02")
    csv.put("a.csv", GOOD, "04")
    csv.put("a.csv", GOOD, "03").unlink()
    second = planned(csv)
    source, table = second.plan["source"], second.plan["table"]
    assert {change: source[change]["objects"] for change in ("new", "changed", "again", "gone")} == {
        "new": 2,
        "changed": 1,
        "again": 1,
        "gone": 1,
    }
    assert source["gone"]["first"] == f"raw/people/{DAY}03/a.csv"
    assert source["largest"][0]["size"] == 16
    assert source["partitions"] == [
        {"partition": DAY + "02", "objects": 3, "bytes": 44},
        {"partition": DAY + "04", "objects": 1, "bytes": 16},
    ]
    assert table["partitions"] == {
        "new": [DAY + "04"],
        "rewritten": [DAY + "02"],
        "extended": [],
        "unchanged": 2,
        "known": True,
    }
    assert table["rewritten"]["rows"] == 4


def test_nothing_to_do_is_one_line(csv: Bench) -> None:
    csv.put("a.csv", GOOD)
    csv.run()
    idle = planned(csv)
    assert idle.text == "plan of people → people: nothing to do (1 object of the source is in the table)\n"
    assert idle.receipt["status"] == "nothing_new"


def test_of_several_targets_those_with_nothing_to_do_share_a_line(events: EventBench) -> None:
    for topic in ("t", "u", "v"):
        events.put_events(0, {"n": 0}, topic=topic)
    assert events.command("run").exit_code == 0
    events.put_events(10, {"n": 1}, topic="u")
    lines = events.command("plan").stdout.splitlines()
    assert lines[0].startswith("plan of events → u: reads 1 object, ")
    assert lines[-1] == "2 of 3 targets have nothing to do: t, v"


def test_objects_that_are_gone_from_a_partition_that_is_rebuilt(csv: Bench) -> None:
    csv.feed(target__on_missing_source="rebuild")
    gone = csv.put("a.csv", GOOD)
    csv.put("b.csv", REJECTED)
    csv.run()
    gone.unlink()
    csv.put("c.csv", GOOD)
    plan = planned(csv)
    assert plan.plan["table"]["removed_objects"] == [f"raw/people/{DAY}01/a.csv"]
    assert plan.plan["table"]["judged_again"] == 1
    assert "removed     the rows of 1 object that is gone, first raw/people/" in plan.text


def test_a_committed_object_that_is_gone_refuses_the_run(csv: Bench) -> None:
    gone = csv.put("a.csv", GOOD)
    csv.run()
    gone.unlink()
    csv.put("b.csv", GOOD)
    plan = planned(csv)
    assert plan.title == "stops with exit code 3"
    assert plan.plan["error"] == plan.receipt["error"]


def test_appended_objects_extend_partitions(csv: Bench) -> None:
    csv.feed(target__fill="append")
    csv.put("a.csv", GOOD)
    csv.run()
    csv.put("b.csv", GOOD)
    csv.put("a.csv", GOOD, "02")
    partitions = planned(csv).plan["table"]["partitions"]
    assert (partitions["new"], partitions["extended"], partitions["rewritten"]) == ([DAY + "02"], [DAY + "01"], [])


def test_an_unpartitioned_table_is_rewritten_as_a_whole(csv: Bench) -> None:
    csv.feed(target__partition_by=[])
    csv.put("a.csv", GOOD)
    csv.run()
    csv.put("b.csv", GOOD)
    assert "partitions  the whole table is rewritten" in planned(csv).text


def test_a_refused_object_stops_the_run(csv: Bench) -> None:
    csv.feed(source__on_refused_file="fail")
    csv.put("a.csv", "id\n1\n")
    csv.put("b.csv", GOOD, "02")
    plan = planned(csv)
    assert (plan.plan["does"], plan.plan["objects"]) == ("refused", [])
    why = f"a refused object stops the run: raw/people/{DAY}01/a.csv"
    assert plan.plan["blocked"] == {f"raw/people/{DAY}02/b.csv": why}


def test_others_are_read_if_refused_objects_are_skipped(csv: Bench) -> None:
    csv.put("a.csv", GOOD)
    csv.run()
    csv.put("a.csv", "id\n1\n")
    csv.put("b.csv", GOOD)
    csv.put("c.csv", GOOD, "02")
    plan = planned(csv)
    assert plan.title == "reads 1 object, 16 B; 1 refused (exit code 3)"
    stays = f"its partition stays unchanged while raw/people/{DAY}01/a.csv is refused"
    assert plan.plan["blocked"] == {f"raw/people/{DAY}01/b.csv": stays}


def test_an_empty_source(csv: Bench) -> None:
    assert planned(csv).plan["does"] == "refused"
    csv.feed(on_empty_source="ok")
    plan = planned(csv)
    assert (plan.plan["does"], plan.plan["warnings"]) == ("nothing", ["no objects found below raw/people/"])


@pytest.mark.parametrize(
    ("change", "differences", "means"),
    [
        pytest.param({"max_rejected": 0.5}, [], "new rows only", id="another-limit"),
        pytest.param({"description": "x"}, [], "nothing", id="a-key-that-does-not-affect-data"),
        pytest.param(
            {"source__columns": {"id": "long", "name": "long"}},
            [{"setting": "type of name", "table": "string", "feed": "bigint"}],
            "rebuild needed",
            id="another-type",
        ),
        pytest.param(
            {"target__partition_by": ["year", "month"]},
            [
                {
                    "setting": "layout",
                    "table": "refined/people/ by year/month/day of the source date, rebuild",
                    "feed": "refined/people/ by year/month of the source date, rebuild",
                }
            ],
            "rebuild needed",
            id="another-partitioning",
        ),
    ],
)
def test_the_config_against_the_table(csv: Bench, change: dict[str, Any], differences: list[Any], means: str) -> None:
    csv.put("a.csv", GOOD)
    csv.run()
    csv.feed(**change)
    csv.put("b.csv", GOOD)
    plan = planned(csv)
    assert (plan.plan["config"]["differences"], plan.plan["config"]["means"]) == (differences, means)
    assert plan.plan["error"] == plan.receipt["error"]
    assert (plan.plan["exit_code"] == 2) == (means == "rebuild needed")


def test_columns_of_csv_are_classified(csv: Bench) -> None:
    csv.put("a.csv", GOOD)
    csv.run()
    csv.feed(source__columns={"id": "long", "more": "double"})
    csv.put("b.csv", "id,more\n1,1.5\n", "02")
    schema = planned(csv).plan["schema"]
    assert (schema["same"], schema["from"], schema["objects"]) == (1, "headers", 1)
    assert [(each["change"], each["column"], each["from"], each["to"]) for each in schema["changes"]] == [
        ("added", "more", "", "double"),
        ("dropped", "name", "string", ""),
    ]


@pytest.mark.parametrize(
    ("then", "change"),
    [
        pytest.param("finished first", lambda csv: csv.put("b.csv", GOOD, "02"), id="an-object-arrived-since"),
        pytest.param("finished first", lambda csv: csv.put("b.csv", GOOD), id="an-object-of-its-partition-arrived"),
        pytest.param("dropped, since its sources changed", lambda csv: csv.put("a.csv", GOOD + "3,c\n"), id="changed"),
        pytest.param(
            "dropped, since the feed has changed since planned",
            lambda csv: csv.feed(max_rejected=0.5),
            id="of-another-config",
        ),
    ],
)
def test_an_open_batch(
    csv: Bench, monkeypatch: pytest.MonkeyPatch, then: str, change: Callable[[Bench], object]
) -> None:
    csv.put("a.csv", GOOD)
    leave_a_batch_open(csv, monkeypatch)
    change(csv)
    plan = planned(csv)
    assert plan.plan["open_batch"]["then"] == then
    assert plan.plan["open_batch"]["failed"].startswith("unexpected RuntimeError")


def test_a_batch_whose_files_are_not_published(csv: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    csv.put("a.csv", GOOD)

    def killed(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("lakewright.runs.lifecycle.publishing.Staging.publish", killed)
        assert csv.command("run").exit_code == 1
    plan = planned(csv)
    assert (plan.plan["does"], plan.plan["unfinished"]) == ("upkeep", ["publish the staged files of batch 1"])


def test_rejected_rows_that_expire(csv: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    csv.feed(quarantine_days=1)
    csv.put("a.csv", REJECTED)
    csv.run()
    plan = csv.command("plan", "--json").data[0]
    assert (plan["does"], plan["table"]["expired_rows"]) == ("nothing", 0)
    monkeypatch.setattr("lakewright.runs.planning.effects.expiry_of", lambda state, **_: _all_of(state))
    plan = csv.command("plan", "--json").data[0]
    assert (plan["does"], plan["table"]["expired_rows"]) == ("upkeep", 1)


def _all_of(state: Any) -> Any:
    from lakewright.log.actions.quarantine import ReleaseRows
    from lakewright.log.state import Outcome

    return Outcome(1, state.number + 1, "expired", "", actions=[ReleaseRows(list(state.quarantine))])


def test_columns_of_events_are_sampled(events: EventBench) -> None:
    events.put_events(0, {"n": 0, "id": "a"})
    first = planned(events)
    assert first.plan["schema"]["from"] == "sample"
    events.put_events(10, {"n": "x", "user": {"id": 1}}, "dirty")
    second = planned(events)
    schema = second.plan["schema"]
    assert (schema["objects"], schema["of_objects"], schema["records"]) == (1, 1, 2)
    assert [(each["change"], each["column"], each["to"]) for each in schema["changes"]] == [
        ("added", "user_id", "bigint"),
        ("added", "n__text", "string"),
    ]
    assert "as far as a sample tells: 2 records of 1 object" in second.text


def test_a_sample_is_bounded(events: EventBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "MOST_RECORDS", 3)
    for start in range(0, 200, 10):
        events.put_events(start, *({"n": number} for number in range(10)))
    (plan,) = events.command("plan", "--json").data
    schema = plan["schema"]
    assert (schema["objects"], schema["of_objects"], schema["records"]) == (8, 20, 24)


def test_an_attribute_behind_the_sample_is_learned_by_the_run(
    events: EventBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_RECORDS", 3)
    events.put_events(0, {"n": 1}, {"n": 2}, {"n": 3}, {"n": 4, "late": True})
    plan = events.command("plan", "--json").data[0]
    assert [change["column"] for change in plan["schema"]["changes"]] == ["n"]
    assert [change.split()[1] for change in events.run()["schema_changes"]] == ["late", "n"]


def test_records_without_a_valid_day_add_no_columns(events: EventBench) -> None:
    events.feed(source__day={"from": "field", "field": "ts"}, source__timestamps={"ts": "epoch_millis"})
    events.put_events(0, {"n": 1, "ts": 1_785_542_400_000}, {"ts": "unknown", "other": 1}, {"none": True})
    events.put_events(10, {"none": False})
    plan = planned(events).plan
    assert [change["column"] for change in plan["schema"]["changes"]] == ["n", "ts"]


def test_a_damaged_receipt_only_costs_the_estimate(csv: Bench) -> None:
    csv.put("a.csv", GOOD)
    csv.run()
    (receipt,) = csv.lake.glob("state/people/people/receipts/*")
    receipt.write_text("{")
    csv.put("b.csv", GOOD)
    assert "no figures: a receipt cannot be read: " in planned(csv).text


def test_names_of_objects_stay_text(csv: Bench) -> None:
    for number in range(2):
        csv.put(f"a\x1b[31m<b>{number}.csv", GOOD)
        csv.put(f"long{'x' * 200}{number}.csv", GOOD)
    text = csv.command("plan").stdout
    assert "\x1b" not in text
    assert "2 refused (exit code 3)" in text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\x1f\x8b\x08\x00broken", id="damaged-gzip"),
        pytest.param(b"\x00\x01", id="neither-gzip-nor-text"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"n": 1}\n{"n":', id="truncated"),
    ],
)
def test_a_sample_leaves_damage_to_the_run(events: EventBench, body: bytes) -> None:
    events.put_object(f"t/{DAY}01/t+0+0000000000.json.gz", body)
    assert events.command("plan").exit_code == 0


def test_events_that_are_read_again_rewrite_their_files(events: EventBench) -> None:
    events.put_events(0, {"n": 0}, {"n": 1})
    events.put_events(10, {"n": 10}, folder=DAY + "02")
    events.run()
    events.put_events(0, {"n": 5}, {"n": 6})
    plan = planned(events).plan
    assert (plan["source"]["changed"]["objects"], plan["table"]["rewritten"]["rows"]) == (1, 2)
    assert plan["table"]["partitions"]["rewritten"] == [DAY + "01"]
    assert plan["table"]["partitions"]["unchanged"] == 1


def test_events_that_determine_their_day(events: EventBench) -> None:
    events.feed(source__day={"from": "field", "field": "at"}, source__timestamps={"at": "epoch_millis"})
    events.put_events(0, {"at": 1_785_542_400_000})
    plan = Planned(events.command, events.lake)
    assert plan.plan["table"]["partitions"]["known"] is False
    assert "partitions  the rows determine them" in plan.text


def test_a_scrub_replaces_objects(uploads: Uploads) -> None:
    uploads.put("a.json", b'{"file_contents": 1}\n')
    uploads.put("b.json", b"")
    first = Planned(uploads.command, uploads.root / "lake")
    assert first.plan["table"]["replaced_objects"] == 1
    assert "replaced  1 object, each under its own key" in first.text
    assert Planned(uploads.command, uploads.root / "lake").plan["does"] == "nothing"
    uploads.feed(fields=["file_contents", "other"])
    third = Planned(uploads.command, uploads.root / "lake")
    assert third.plan["config"]["means"] == "objects again"


def test_an_open_scrub_of_other_rules_scrubs_everything_again(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads.put("a.json", b'{"file_contents": 1}\n')
    assert uploads.run()["exit_code"] == 0
    uploads.put("b.json", b'{"file_contents": 1}\n')
    leave_a_batch_open(uploads, monkeypatch)
    uploads.feed(fields=["other"])
    plan = Planned(uploads.command, uploads.root / "lake").plan
    assert plan["open_batch"]["then"] == "dropped, since the feed has changed since planned"
    assert len(plan["objects"]) == 2


def test_an_open_scrub_is_finished_first(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads.put("a.json", b'{"other": 1}\n')
    leave_a_batch_open(uploads, monkeypatch)
    uploads.put("b.json", b'{"file_contents": 1}\n')
    plan = Planned(uploads.command, uploads.root / "lake").plan
    assert [each["path"] for each in plan["objects"]] == ["landing/uploads/b.json"]


@pytest.mark.parametrize("verb", ["plan", "status", "schema", "quarantine"])
def test_a_damaged_log_is_an_error_of_its_target_alone(events: EventBench, verb: str) -> None:
    for topic in ("t", "u"):
        events.put_events(0, {"id": 1}, topic=topic)
    entry = "state/events/t/log/000000001.plan.json"
    (events.lake / entry).parent.mkdir(parents=True)
    (events.lake / entry).write_text("{")
    damaged, readable = events.command(verb, "--json").data
    assert damaged == {
        "feed": "events",
        "target": "t",
        "exit_code": 1,
        "error": damaged["error"],
        "is_damaged": True,
    }
    assert readable["target"] == "u"
    assert not readable.get("error")
    answer = events.command(verb)
    assert (answer.exit_code, answer.stdout.count(" → ")) == (1, 1)
    assert answer.last_line.startswith(f"error: t: {entry} is not a valid log entry")
