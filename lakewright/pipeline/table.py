"""Whether the rows of an execution's objects are in the table; if not, why, and whether another run may help."""

from collections.abc import Sequence
from typing import Any, Final

from lakewright.errors import ConfigError, InterruptedRunError, LeaseHeldError, UnreachableError
from lakewright.log.log import Log
from lakewright.pipeline.execution import Execution
from lakewright.pipeline.raw import raw_copies
from lakewright.runs.receipts import last_receipt_of
from transforms.errors import LakewrightError
from transforms.object_names import one_line

#: Exit codes after which the same run may succeed.
_PASSING: Final = (LakewrightError.exit_code, UnreachableError.exit_code, InterruptedRunError.exit_code)


def check_table(execution: Execution, source: str, target: str) -> dict[str, Any]:
    """Look the objects up in the table's log, in the versions that raw has; the last receipt explains missing ones.

    Returns:
        ``in_table``: all are in the table, except those that newer uploads, which have executions of their own, have
        replaced. ``held``: another run held or overtook the target. ``rerun``: another run may help. ``reason``: why
        objects are missing, in one sentence. The rest are numbers of objects.
    """
    state, _ = Log(execution.lake, f"state/{execution.input.feed}/{target}/").read()
    doubtful = [each for each in execution.objects if not state.has(execution.path_in(source, each), each.etag)]
    missing: list[str] = []
    replaced = 0
    for copy in raw_copies(execution, source, doubtful):
        path = execution.path_in(source, copy.landed)
        if copy.status == "replaced":
            replaced += 1
        elif copy.status == "missing" or copy.version is None or not state.has(path, copy.version.etag):
            missing.append(path)
    answer = {
        "in_table": not missing,
        "held": False,
        "rerun": False,
        "objects": len(execution.objects) - replaced - len(missing),
        "replaced": replaced,
        "missing": len(missing),
        "reason": "",
    }
    return answer | _explain(execution, missing) if missing else answer


def _explain(execution: Execution, missing: Sequence[str]) -> dict[str, Any]:
    name = execution.input.execution
    if not name:
        raise ConfigError("the input has no name of the execution, by which the receipt is found")
    receipt = last_receipt_of(execution.lake, execution.input.feed, name, since=execution.landed_at)
    if receipt is None:
        return {"rerun": True, "reason": "no run of this execution has written a receipt"}
    reasons = receipt.refused | receipt.ignored
    own = next((f"{path}: {reasons[path]}" for path in missing if path in reasons), "")
    reason = own or receipt.error or f"the run ended as {receipt.status}, and did not read {missing[0]}"
    return {
        "held": receipt.exit_code == LeaseHeldError.exit_code,
        "rerun": receipt.exit_code in _PASSING,
        "reason": one_line(reason),
    }
