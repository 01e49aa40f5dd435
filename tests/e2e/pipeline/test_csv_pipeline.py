from tests.conftest import ROOT
from tests.e2e.pipeline.stack import Stack

WORKED_EXAMPLE = ROOT / "examples/raw/customers/year=2019/month=08/day=21/customers_20190821.csv"


def test_the_worked_example_goes_from_landing_to_the_table_and_the_archive(stack: Stack) -> None:
    stack.upload("landing/customers_20190821.csv", WORKED_EXAMPLE.read_bytes())
    stack.run()
    (execution,) = stack.executions("landing/customers_20190821.csv")
    assert execution["status"] == "SUCCEEDED", execution
    assert stack.rows("2019-08-21") == []
