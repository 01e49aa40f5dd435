"""Damaged objects are refused as a whole and by name, all others are read, and no partition loses rows."""

import gzip
import zlib
from random import Random

import pytest

from tests.conftest import Bench

_RANDOM = Random(8)
#: Large enough that reading its head does not detect damage at its end.
LARGE = b"id,name\n" + b"".join(b"%d,%016x\n" % (n, _RANDOM.getrandbits(64)) for n in range(12_000))
PACKED = gzip.compress(LARGE)
SMALL = gzip.compress(b"id,name\n1,a\n")

TRUNCATED = "it is truncated"
GARBAGE = "bytes that are not gzip follow its end"
DAMAGE = {
    "truncated-in-the-middle": (PACKED[: len(PACKED) // 2], TRUNCATED),
    "truncated-in-the-head": (PACKED[:1000], TRUNCATED),
    "truncated-before-the-checksum": (PACKED[:-8], TRUNCATED),
    "truncated-by-a-byte": (PACKED[:-1], TRUNCATED),
    "truncated-to-nothing": (b"", TRUNCATED),
    "small-and-truncated": (SMALL[:-3], TRUNCATED),
    "second-member-truncated": (PACKED + SMALL[:-5], TRUNCATED),
    "a-bit-flipped": (PACKED[:90_000] + bytes([PACKED[90_000] ^ 1]) + PACKED[90_001:], ""),
    "checksum": (PACKED[:-8] + bytes(4) + PACKED[-4:], "its checksum does not match its content"),
    "length": (PACKED[:-4] + bytes(4), "its length does not match its content"),
    "trailing-garbage": (PACKED + b"and some garbage", GARBAGE),
    "trailing-text": (SMALL + b"2,b\n3,c\n4,d\n", GARBAGE),
    "trailing-zeros": (PACKED + bytes(512), GARBAGE),
    "zlib-without-gzip": (zlib.compress(LARGE), "the name ends in .gz, but it is not gzip"),
    "named-gz-but-plain": (b"id,name\n1,a\n", "the name ends in .gz, but it is not gzip"),
}


@pytest.mark.slow
@pytest.mark.parametrize("multiline", [True, False])
def test_each_kind_of_damage(bench: Bench, multiline: bool) -> None:
    assert len(PACKED) > 2 * 65_536
    bench.feed(source__csv={"multiline": multiline})
    for name, (data, _) in DAMAGE.items():
        bench.put(f"{name}.csv.gz", data)
    bench.put("good.csv.gz", PACKED)
    bench.put("members.csv.gz", SMALL + gzip.compress(b"") + gzip.compress(b"2,b\n"), day="02")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "committed")
    refused = {path.rsplit("/", 1)[-1].removesuffix(".csv.gz"): reason for path, reason in receipt["refused"].items()}
    assert set(refused) == set(DAMAGE)
    for name, (_, reason) in DAMAGE.items():
        assert reason in refused[name], name
    assert receipt["counts"]["written"] == len(bench.rows()) == 12_002
    assert bench.quarantine() == []
    assert bench.run()["exit_code"] == 3
    assert bench.strays() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "damaged",
    [pytest.param(PACKED[:-1], id="deep"), pytest.param(SMALL[:-1], id="in-the-head")],
)
def test_a_partition_keeps_an_object_that_is_damaged_later(bench: Bench, damaged: bytes) -> None:
    bench.put("a.csv.gz", SMALL)
    bench.put("b.csv", "id,name\n2,b\n")
    bench.put("c.csv", "id,name\n3,c\n", day="02")
    assert bench.run()["exit_code"] == 0
    before = bench.rows("id", "name", "day")

    bench.put("a.csv.gz", damaged)
    bench.put("late.csv", "id,name\n4,late\n")
    bench.put("other.csv", "id,name\n5,other\n", day="02")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "committed")
    assert [path[-8:] for path in receipt["refused"]] == ["a.csv.gz"]
    assert bench.rows("id", "name", "day") == sorted([*before, (5, "other", "02")], key=repr)

    for arguments in ((), ("--date", "2026-08-01")):
        assert bench.run(*arguments, verb="rebuild")["exit_code"] == 3
        assert bench.rows("id", "name", "day") == sorted([*before, (5, "other", "02")], key=repr)
    assert bench.run("--date", "2026-08-02", verb="rebuild")["status"] == "committed"
    assert bench.rows("id", "name", "day") == sorted([*before, (5, "other", "02")], key=repr)

    bench.put("a.csv.gz", gzip.compress(b"id,name\n1,repaired\n"))
    assert bench.run()["exit_code"] == 0
    assert bench.rows() == [(1, "repaired"), (2, "b"), (3, "c"), (4, "late"), (5, "other")]
    assert bench.strays() == []


@pytest.mark.slow
def test_append_skips_damaged_objects_and_appends_them_once_repaired(bench: Bench) -> None:
    bench.feed(target__fill="append")
    bench.put("a.csv", "id,name\n1,a\n")
    bench.put("b.csv.gz", PACKED[:-1])
    bench.put("c.csv.gz", SMALL[:-1])
    receipt = bench.run()
    assert (receipt["exit_code"], len(receipt["refused"])) == (3, 2)
    assert bench.rows() == [(1, "a")]
    assert bench.run(verb="rebuild")["exit_code"] == 3
    assert bench.rows() == [(1, "a")]
    bench.put("b.csv.gz", gzip.compress(b"id,name\n2,b\n"))
    bench.put("c.csv.gz", gzip.compress(b"id,name\n3,c\n"))
    assert bench.run()["exit_code"] == 0
    assert bench.rows() == [(1, "a"), (2, "b"), (3, "c")]


@pytest.mark.slow
def test_append_distinguishes_damaged_from_rewritten_objects(bench: Bench) -> None:
    bench.feed(target__fill="append")
    bench.put("a.csv.gz", SMALL)
    bench.run()
    bench.put("a.csv.gz", PACKED[:-1])
    bench.put("b.csv", "id,name\n2,b\n")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "committed")
    assert list(receipt["refused"].values()) == [f"damaged gzip: {TRUNCATED}"]
    assert bench.rows() == [(1, "a"), (2, "b")]
    bench.put("a.csv.gz", PACKED)
    assert "a.csv.gz was rewritten" in bench.run()["error"]


@pytest.mark.slow
@pytest.mark.parametrize("on_refused_file", ["skip", "fail"])
def test_a_batch_of_only_damaged_objects_is_refused(bench: Bench, on_refused_file: str) -> None:
    bench.feed(source__on_refused_file=on_refused_file)
    bench.put("a.csv.gz", PACKED[:-1])
    bench.put("b.csv.gz", PACKED + b"garbage")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
    assert len(receipt["refused"]) == 2
    assert receipt["error"].startswith("refused raw/people/year=2026/month=08/day=01/a.csv.gz: damaged gzip: ")
    assert bench.rows() == bench.quarantine() == []
    assert bench.strays() == []
