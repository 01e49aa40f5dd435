"""Damaged objects are refused whole and named, the others go on, and no partition loses what it holds."""

import gzip
import zlib
from random import Random

import pytest

from tests.conftest import Bench

_RANDOM = Random(8)
#: So much that its head alone shows no damage further on.
LARGE = b"id,name\n" + b"".join(b"%d,%016x\n" % (n, _RANDOM.getrandbits(64)) for n in range(12_000))
PACKED = gzip.compress(LARGE)
SMALL = gzip.compress(b"id,name\n1,a\n")

CUT_OFF = "it is truncated"
GARBAGE = "bytes that are not gzip follow its end"
DAMAGE = {
    "cut-in-the-middle": (PACKED[: len(PACKED) // 2], CUT_OFF),
    "cut-in-the-head": (PACKED[:1000], CUT_OFF),
    "cut-before-the-checksum": (PACKED[:-8], CUT_OFF),
    "cut-by-a-byte": (PACKED[:-1], CUT_OFF),
    "cut-to-nothing": (b"", CUT_OFF),
    "small-and-cut": (SMALL[:-3], CUT_OFF),
    "second-member-cut": (PACKED + SMALL[:-5], CUT_OFF),
    "a-bit-turned": (PACKED[:90_000] + bytes([PACKED[90_000] ^ 1]) + PACKED[90_001:], ""),
    "checksum": (PACKED[:-8] + bytes(4) + PACKED[-4:], "its checksum does not match its content"),
    "length": (PACKED[:-4] + bytes(4), "its length does not match its content"),
    "garbage-after-it": (PACKED + b"and some garbage", GARBAGE),
    "text-after-a-small-one": (SMALL + b"2,b\n3,c\n4,d\n", GARBAGE),
    "zeros-after-it": (PACKED + bytes(512), GARBAGE),
    "zlib-without-gzip": (zlib.compress(LARGE), "the name ends in .gz, but it is no gzip"),
    "named-gz-but-plain": (b"id,name\n1,a\n", "the name ends in .gz, but it is no gzip"),
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
    refused = {path.rsplit("/", 1)[-1].removesuffix(".csv.gz"): why for path, why in receipt["refused"].items()}
    assert set(refused) == set(DAMAGE)
    for name, (_, why) in DAMAGE.items():
        assert why in refused[name], name
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

    bench.put("a.csv.gz", gzip.compress(b"id,name\n1,mended\n"))
    assert bench.run()["exit_code"] == 0
    assert bench.rows() == [(1, "mended"), (2, "b"), (3, "c"), (4, "late"), (5, "other")]
    assert bench.strays() == []


@pytest.mark.slow
def test_append_takes_the_others_and_the_mended_one_later(bench: Bench) -> None:
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
def test_append_tells_damage_from_an_object_that_was_written_again(bench: Bench) -> None:
    bench.feed(target__fill="append")
    bench.put("a.csv.gz", SMALL)
    bench.run()
    bench.put("a.csv.gz", PACKED[:-1])
    bench.put("b.csv", "id,name\n2,b\n")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "committed")
    assert list(receipt["refused"].values()) == [f"damaged gzip: {CUT_OFF}"]
    assert bench.rows() == [(1, "a"), (2, "b")]
    bench.put("a.csv.gz", PACKED)
    assert "a.csv.gz was rewritten" in bench.run()["error"]


@pytest.mark.slow
@pytest.mark.parametrize("on_refused_file", ["skip", "fail"])
def test_all_damaged(bench: Bench, on_refused_file: str) -> None:
    bench.feed(source__on_refused_file=on_refused_file)
    bench.put("a.csv.gz", PACKED[:-1])
    bench.put("b.csv.gz", PACKED + b"garbage")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (3, "refused")
    assert len(receipt["refused"]) == 2
    assert receipt["error"].startswith("refused raw/people/year=2026/month=08/day=01/a.csv.gz: damaged gzip: ")
    assert bench.rows() == bench.quarantine() == []
    assert bench.strays() == []
