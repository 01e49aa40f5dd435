"""Corrections that a refused batch read are withdrawn; otherwise every later run would be refused as well."""

from datetime import datetime
from typing import NamedTuple

from lakewright.corrections.effective import uncommitted_corrections
from lakewright.corrections.manifests import CORRECTS, withdraw
from lakewright.log.actions.tables import JudgeBatch
from lakewright.log.log import Plan
from lakewright.log.state import TableState
from lakewright.storage.lake import Lake


class RefusedCorrections(NamedTuple):
    """The paths of uncommitted corrections of a refused batch.

    Attributes:
        withdrawn: Those that may be why it was refused.
        kept: Those that the next run reads again.
    """

    withdrawn: list[str]
    kept: list[str]


def withdraw_refused(lake: Lake, plan: Plan, state: TableState) -> list[str]:
    """Withdraw the corrections of a batch that was refused, which is the last of the state; return warnings."""
    withdrawn, kept = _refused_corrections(plan, state)
    withdraw(lake, withdrawn)
    return [
        *map(_withdrew, withdrawn),
        *(
            f"the next run reads the correction {path} again; to edit its rows again, delete it and run again"
            for path in kept
        ),
    ]


def complete_withdrawal(lake: Lake, plan: Plan, state: TableState, ended: datetime) -> list[str]:
    """Withdraw corrections that a run did not get to withdraw: some of them might pass without the others.

    Those written after the batch ``ended`` are of another replay, and stay. Return warnings.
    """
    stored = map(lake.stat, _refused_corrections(plan, state).withdrawn)
    left = [each.path for each in stored if each is not None and each.modified <= ended]
    withdraw(lake, left)
    return [*map(_withdrew, left)]


def _refused_corrections(plan: Plan, state: TableState) -> RefusedCorrections:
    """Tell corrections that may be why a batch was refused from others.

    A correction that is read with its original cannot raise the number of rejected rows.
    """
    read = {source.path for source in plan.objects}
    is_judged = state.last is not None and any(isinstance(action, JudgeBatch) for action in state.last.actions)
    corrections = RefusedCorrections([], [])
    for each in uncommitted_corrections(plan.objects, state):
        is_withdrawn = is_judged or each.notes[CORRECTS] not in read
        (corrections.withdrawn if is_withdrawn else corrections.kept).append(each.path)
    return corrections


def _withdrew(path: str) -> str:
    return (
        f"withdrew the correction {path}, because the batch with it was refused; its rows are not corrected: edit and "
        "replay them again"
    )
