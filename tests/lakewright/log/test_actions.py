"""Later releases read these logs, so the JSON of actions must not change."""

from typing import Any, get_args

import msgspec
import pytest

from lakewright.log.actions.action import Action
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
from lakewright.log.actions.union import AnyAction
from lakewright.log.records import Counts, DataFile, MergedFile, SchemaVersion, SourceObject
from lakewright.log.state import Outcome, TableState

OBJECTS = [SourceObject("a", 1, "e", {"day": "1"})]
FILES = [DataFile("t/p", "s", "day=1", 1, 2)]
OBJECT = '{"path":"a","size":1,"etag":"e","values":{"day":"1"}}'
FILE = '{"path":"t/p","staged":"s","partition":"day=1","rows":1,"size":2}'
VERSION = SchemaVersion(1, 2, "r", "2026-08-01", ".", False, [{"name": "x"}])

#: One action of each kind, and its JSON without braces.
WRITTEN: list[tuple[Action, str]] = [
    (TakeObjects(OBJECTS), f'"kind":"take_objects","objects":[{OBJECT}]'),
    (ForgetObjects(["a"]), '"kind":"forget_objects","paths":["a"]'),
    (
        RewriteObjects(OBJECTS, {"a": {"read": 1}}),
        f'"kind":"rewrite_objects","objects":[{OBJECT}],"numbers":{{"a":{{"read":1}}}}',
    ),
    (CountPerObject({"a": {"read": 1}}), '"kind":"count_per_object","numbers":{"a":{"read":1}}'),
    (AddFiles(FILES), f'"kind":"add_files","files":[{FILE}]'),
    (RemoveFiles(["t/p"]), '"kind":"remove_files","paths":["t/p"]'),
    (
        CompactFiles([MergedFile(FILES[0], {"t/x": 1}, is_sorted=True)]),
        f'"kind":"compact_files","merged":[{{"file":{FILE},"inputs":{{"t/x":1}},"is_sorted":true}}]',
    ),
    (QuarantineRows(FILES), f'"kind":"quarantine_rows","files":[{FILE}]'),
    (ReleaseRows(["q/p"]), '"kind":"release_rows","paths":["q/p"]'),
    (ReplaceQuarantine(FILES, ["q/p"]), f'"kind":"replace_quarantine","files":[{FILE}],"paths":["q/p"]'),
    (OverwriteTable(), '"kind":"overwrite_table"'),
    (SetColumns({"id": "int"}), '"kind":"set_columns","columns":{"id":"int"}'),
    (
        LearnSchema(VERSION),
        '"kind":"learn_schema","version":{"number":1,"batch":2,"run":"r","day":"2026-08-01","separator":".",'
        '"anew":false,"columns":[{"name":"x"}]}',
    ),
    (SetLayout("l"), '"kind":"set_layout","layout":"l"'),
    (SetAside({"v_text": 3}), '"kind":"set_aside","values":{"v_text":3}'),
    (JudgeBatch({"passed": True}), '"kind":"judge_batch","verdict":{"passed":true}'),
    (RaiseWatermark("9"), '"kind":"raise_watermark","high_watermark":"9"'),
    (AddTombstones(FILES), f'"kind":"add_tombstones","files":[{FILE}]'),
    (RemoveTombstones(["t"]), '"kind":"remove_tombstones","paths":["t"]'),
    (TableCommit({"instant": "2"}), '"kind":"table_commit","details":{"instant":"2"}'),
    (SetProperties({"k": [1]}), '"kind":"set_properties","properties":{"k":[1]}'),
]


def test_each_kind_of_action_is_in_the_union_and_below() -> None:
    kinds = {type(action) for action, _ in WRITTEN}
    assert kinds == set(get_args(AnyAction)) == set(Action.__subclasses__())


@pytest.mark.parametrize(("action", "text"), [pytest.param(*each, id=type(each[0]).__name__) for each in WRITTEN])
def test_the_json_of_an_action_is_unchanged_and_can_be_read_back(action: Any, text: str) -> None:
    body = f"{{{text}}}".encode()
    assert msgspec.json.encode(action) == body
    assert msgspec.json.decode(body, type=AnyAction) == action


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param(b'{"kind":"move_table"}', "Invalid value 'move_table'", id="an-unknown-kind"),
        pytest.param(b'{"paths":[]}', "missing required field `kind`", id="no-kind"),
        pytest.param(b'{"kind":"remove_files","paths":[],"x":1}', "unknown field `x`", id="an-unknown-field"),
    ],
)
def test_what_is_no_action_is_refused(body: bytes, problem: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=problem):
        msgspec.json.decode(body, type=AnyAction)


def test_the_json_of_outcomes_and_states_is_unchanged() -> None:
    counts = '{"read":2,"written":1,"deleted":0,"superseded":0,"rejected":1,"skipped":0,"withheld":0,"rekeyed":0}'
    texts = ",".join(f"{{{text}}}" for _, text in WRITTEN)
    outcome = Outcome(
        1,
        3,
        "committed",
        "r",
        "a",
        "c",
        "",
        Counts(2, 1, rejected=1),
        {"type": 1},
        {"footer": 1},
        [action for action, _ in WRITTEN],
    )
    body = (
        '{"format":1,"number":3,"status":"committed","run":"r","attempt":"a","config_hash":"c",'
        f'"counts":{counts},"rules":{{"type":1}},"skipped":{{"footer":1}},"actions":[{texts}]}}'
    )
    assert msgspec.json.encode(outcome).decode() == body
    state = TableState()
    state.apply(outcome)
    state.objects["a"] = OBJECTS[0]
    assert msgspec.json.encode(state).decode() == (
        f'{{"number":3,"committed":3,"objects":{{"a":{OBJECT}}},"files":{{"t/p":{FILE}}},"quarantine":{{"t/p":{FILE}}},'
        '"columns":{"id":"int"},"published":{"id":"int"},'
        '"schema_versions":[{"number":1,"batch":2,"run":"r","day":"2026-08-01","separator":".","anew":false,'
        '"columns":[{"name":"x"}]}],"layout":"l","high_watermark":"9",'
        f'"tombstone_files":{{"t/p":{FILE}}},"properties":{{"instant":"2","k":[1]}},"last":{body}}}'
    )
    assert msgspec.json.decode(msgspec.json.encode(state), type=TableState) == state
