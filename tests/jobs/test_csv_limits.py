"""CSV with long records, wide rows and many columns."""

import os
import subprocess
import sys

import pytest

from tests.conftest import JARS, ROOT, Bench

pytestmark = pytest.mark.slow


def test_a_field_of_200_mb_is_refused_with_its_object(bench: Bench) -> None:
    """Runs in a separate process, since its JVM may end."""
    large = bench.put("a.csv", "id,name\n1,a\n2,")
    with large.open("ab") as out:
        for _ in range(200):
            out.write(b"x" * (1 << 20))
        out.write(b"\n3,c\n")
    bench.put("b.csv", "id,name\n4,d\n", day="02")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "jobs", "run", "people", "--lake", str(bench.lake)),
            *("--config", str(bench.root / "conf")),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "LAKEWRIGHT_JARS": JARS},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 3
    assert "a.csv" in done.stderr.splitlines()[-1]
    assert bench.rows() == [(4, "d")]


def test_only_the_row_with_too_many_fields_is_rejected(bench: Bench) -> None:
    bench.put("a.csv", "id,name\n1,a\n2" + "," * 20_480 + "\n3,c\n")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["counts"]["rejected"]) == (0, 1)
    assert bench.rows() == [(1, "a"), (3, "c")]


def test_5000_declared_columns(bench: Bench) -> None:
    names = [f"c{n}" for n in range(5_000)]
    bench.feed(source__columns=dict.fromkeys(names, "long"))
    bench.put("a.csv", ",".join(names) + "\n" + ",".join(map(str, range(5_000))) + "\n")
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["counts"]["written"]) == (0, 1)
    assert bench.rows("c0", "c4999") == [(0, 4_999)]
