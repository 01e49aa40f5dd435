"""The closed union of all actions.

It is discriminated by ``kind``, as PyIceberg's ``TableUpdate`` and the actions of Delta's log are. A run knows no kind
by name. State of a single job is a property (``SetProperties``). A release that adds a kind or a field raises
``log.FORMAT``.
"""

from lakewright.log.actions.files import AddFiles, AddTombstones, CompactFiles, RemoveFiles, RemoveTombstones
from lakewright.log.actions.objects import CountPerObject, ForgetObjects, RewriteObjects, TakeObjects
from lakewright.log.actions.quarantine import QuarantineRows, ReleaseRows, ReplaceQuarantine
from lakewright.log.actions.tables import (
    JudgeBatch,
    LearnSchema,
    OverwriteTable,
    RaiseWatermark,
    SetAside,
    SetColumns,
    SetLayout,
    SetProperties,
    TableCommit,
)

AnyAction = (
    TakeObjects
    | ForgetObjects
    | RewriteObjects
    | CountPerObject
    | AddFiles
    | RemoveFiles
    | CompactFiles
    | QuarantineRows
    | ReleaseRows
    | ReplaceQuarantine
    | OverwriteTable
    | SetColumns
    | LearnSchema
    | SetLayout
    | SetAside
    | JudgeBatch
    | RaiseWatermark
    | AddTombstones
    | RemoveTombstones
    | TableCommit
    | SetProperties
)
