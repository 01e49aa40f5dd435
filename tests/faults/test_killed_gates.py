"""A run with a gate is killed while it judges, and after its commit, and run again."""

import json
import signal

import pytest

from tests.conftest import Bench
from tests.faults.test_killed_runs import killed
from tests.suites import REJECT, gxe, write_suite

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("stage", "nth", "by_restoring"),
    [
        pytest.param("gate", 2, False, id="while-the-gate-judges"),
        pytest.param("committed", 1, True, id="after-the-outcome"),
    ],
)
def test_the_verdict_is_that_of_an_undisturbed_run(bench: Bench, stage: str, nth: int, by_restoring: bool) -> None:
    bench.feed(gates={"suite": "people"})
    write_suite(
        bench.root,
        "people",
        gxe.ExpectColumnValuesToBeUnique(column="id"),
        gxe.ExpectColumnValuesToNotBeNull(column="name", meta=REJECT),
        gxe.ExpectColumnMaxToBeBetween(column="id", max_value=2),
    )
    bench.put("a.csv", "id,name\n1,a\n2,b\n3,\n")
    where = ("--lake", str(bench.lake), "--config", str(bench.root / "conf"))
    assert killed("SIGKILL", stage, nth, "run", "people", *where).wait(120) == -signal.SIGKILL
    assert bench.rows() == []
    receipt = bench.run()
    assert (receipt["exit_code"], receipt["status"]) == (0, "nothing_new" if by_restoring else "committed")
    receipts = [json.loads(path.read_text()) for path in bench.lake.glob("state/people/people/receipts/*.json")]
    ((batch,),) = [receipt["batches"] for receipt in receipts if receipt["batches"]]
    assert (batch["counts"]["written"], batch["rules"]) == (2, {"name: column_values_to_not_be_null": 1})
    assert batch["gates"]["verdict"] == "passed"
    assert [result["success"] for result in batch["gates"]["results"]] == [True, False, True]
    assert bench.rows() == [(1, "a"), (2, "b")]
    assert bench.strays() == []
