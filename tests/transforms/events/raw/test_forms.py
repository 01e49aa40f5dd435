"""Records in the form that a feed declares, against plain Python's json."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transforms.events.blocks import flatten_block
from transforms.events.raw.faults import BrokenRecordError, SkippedRecordError, words_of_fault
from transforms.events.raw.forms import RecordForm
from transforms.events.record_shape import RecordShape

CONNECT = RecordForm(unwrap=("connect",))
DEBEZIUM = RecordForm(unwrap=("debezium",))
BOTH = RecordForm(unwrap=("connect", "debezium"))


def outcome(form: RecordForm, text: bytes) -> str:
    """Return the rewritten text, or how it is rejected or skipped."""
    try:
        return form.rewritten(text).decode()
    except BrokenRecordError as broken:
        return f"{broken.column or ''}|{broken.rule}|{broken.words}"
    except SkippedRecordError as skipped:
        return f"skipped {skipped.kind}"


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        pytest.param(CONNECT, '{"schema":null,"payload":{"n":1.10}}', '{"n":1.10}', id="connect"),
        pytest.param(CONNECT, ' {"payload" : {"n":1} , "schema":{}}\r', '{"n":1}', id="connect-with-blanks"),
        pytest.param(CONNECT, '{"schema":{},"payload":null}', "skipped tombstone", id="null-payload"),
        pytest.param(CONNECT, " null\r", "skipped tombstone", id="null-line"),
        pytest.param(CONNECT, "[1]", "|envelope|an array", id="an-array-is-no-envelope"),
        pytest.param(CONNECT, "7", "|envelope|a number", id="a-number-is-no-envelope"),
        pytest.param(CONNECT, "{}", "|envelope|an object without payload and schema", id="an-empty-object"),
        pytest.param(
            CONNECT, '{"schema":1,"payload":{},"x":1}', "|envelope|an object with 3 keys", id="more-than-an-envelope"
        ),
        pytest.param(CONNECT, '{"schema":1,"payload":"x"}', "|envelope|payload is a string", id="a-text-as-payload"),
        pytest.param(CONNECT, '{"schema":{"a":01},"payload":{}}', "|json|", id="an-invalid-schema-is-an-error"),
        pytest.param(CONNECT, '{"schema":1,"schema":2,"payload":{}}', "|doubled_key|", id="repeated-schema"),
        pytest.param(CONNECT, '{"schema":1,"payload":{"a":1}', "|json|", id="cut-off"),
        pytest.param(
            DEBEZIUM,
            '{"before":null,"after":{"id":1},"source":{"lsn":5},"op":"c","ts_ms":7}',
            '{"__source":{"lsn":5},"__op":"c","__ts_ms":7,"id":1}',
            id="debezium-create",
        ),
        pytest.param(DEBEZIUM, '{"before":{"id":1},"after":{},"op":"u"}', '{"__op":"u"}', id="a-row-without-columns"),
        pytest.param(DEBEZIUM, '{"before":{"id":1},"after":null,"op":"d"}', '{"__op":"d","id":1}', id="delete"),
        pytest.param(DEBEZIUM, '{"before":{"id":1},"op":"d"}', '{"__op":"d","id":1}', id="delete-without-after"),
        pytest.param(DEBEZIUM, '{"before":null,"op":"d"}', '{"__op":"d"}', id="delete-without-the-row-before"),
        pytest.param(DEBEZIUM, '{"before":[1],"op":"d"}', "|envelope|before is an array", id="delete-of-an-array"),
        pytest.param(DEBEZIUM, '{"op":"u"}', "|envelope|after is missing", id="update-without-a-row"),
        pytest.param(
            DEBEZIUM,
            '{"after":"{\\"_id\\": {\\"$oid\\": \\"5\\"}}","op":"c"}',
            '{"__op":"c","_id": {"$oid": "5"}}',
            id="mongodb-row-in-a-string",
        ),
        pytest.param(DEBEZIUM, '{"after":"x","op":"c"}', "|envelope|after is a string", id="text-as-row"),
        pytest.param(DEBEZIUM, '{"after":"{","op":"c"}', "|json|", id="no-json-in-a-row"),
        pytest.param(DEBEZIUM, '{"op":"t","source":{}}', "skipped truncate", id="truncate"),
        pytest.param(DEBEZIUM, '{"op":"m","message":{}}', "skipped message", id="logical-message"),
        pytest.param(DEBEZIUM, '{"op":"x"}', "|envelope|op is none of c, r, u, d", id="unknown-operation"),
        pytest.param(DEBEZIUM, '{"op":1}', "|envelope|op is a number", id="operation-of-another-type"),
        pytest.param(DEBEZIUM, '{"id":1}', "|envelope|an object without op", id="a-row-without-an-envelope"),
        pytest.param(
            DEBEZIUM, '{"before":{"a":tru},"after":{"id":1},"op":"u"}', "|json|", id="an-error-in-the-unused-row"
        ),
        pytest.param(
            DEBEZIUM, '{"op":"d","before":null,"after":{"id":1}}', '{"__op":"d","id":1}', id="delete-with-key-in-after"
        ),
        pytest.param(
            BOTH, '{"schema":{},"payload":{"after":{"id":1},"op":"r"}}', '{"__op":"r","id":1}', id="debezium-in-connect"
        ),
        pytest.param(BOTH, '{"schema":{},"payload":null}', "skipped tombstone", id="tombstone-in-connect"),
        pytest.param(RecordForm(parsed=((),)), '"{\\"n\\":1}"', '{"n":1}', id="whole-records-in-strings"),
        pytest.param(RecordForm(parsed=((),)), '{"n":1}', '{"n":1}', id="an-object-that-is-no-string-stays"),
        pytest.param(RecordForm(parsed=((),)), '"x"', "|json|a string without JSON in it", id="a-text-is-no-record"),
        pytest.param(
            RecordForm(parsed=(("a", "b"), ("a",))), '{"a":"{\\"b\\":\\"[1]\\"}"}', '{"a":{"b":[1]}}', id="json-in-json"
        ),
        pytest.param(RecordForm(parsed=(("a",),)), '{"b":1}', '{"b":1}', id="an-absent-attribute"),
        pytest.param(RecordForm(parsed=(("a",),)), '{"a":null}', '{"a":null}', id="a-null-attribute"),
        pytest.param(
            RecordForm(parsed=(("a",),)), '{"a":"}, {"}', "a|json|a string without JSON in it", id="no-json-in-a-text"
        ),
        pytest.param(RecordForm(parsed=(("a", "b"),)), '{"a":["{}"]}', '{"a":["{}"]}', id="not-within-arrays"),
        pytest.param(RecordForm(kept=(("a",),)), '{"a": {"x": 1.0}}', '{"a":"{\\"x\\": 1.0}"}', id="kept-as-it-stands"),
        pytest.param(RecordForm(kept=(("a",),)), '{"a":"x","b":2}', '{"a":"\\"x\\"","b":2}', id="kept-text-is-quoted"),
        pytest.param(
            RecordForm(kept=(("a", "b"),)),
            '{"a":{"b":{"x":1},"c":2}}',
            '{"a":{"b":"{\\"x\\":1}","c":2}}',
            id="kept-below",
        ),
        pytest.param(RecordForm(kept=(("a",),)), '{"a":{"x":tru}}', "|json|", id="what-is-kept-is-json"),
        pytest.param(RecordForm(kept=(("a",),)), '{"a":1,"a":2}', "|doubled_key|", id="repeated-key"),
        pytest.param(
            RecordForm(kept=(("a",),)), '{"a":[1e400]}', '{"a":"[1e400]"}', id="kept-above-the-range-of-doubles"
        ),
        pytest.param(
            RecordForm(parsed=(("a",),)), '{"a":"1e400"}', '{"a":1e400}', id="parsed-above-the-range-of-doubles"
        ),
        pytest.param(
            CONNECT, '{"schema":[1e400],"payload":{"n":1e400}}', '{"n":1e400}', id="connect-above-the-range-of-doubles"
        ),
        pytest.param(
            DEBEZIUM,
            '{"before":{"n":1e400},"after":{"n":-1e400},"op":"u"}',
            '{"__op":"u","n":-1e400}',
            id="debezium-above-the-range-of-doubles",
        ),
        pytest.param(CONNECT, f'{{"schema":{"9" * 4301},"payload":{{}}}}', "|number|", id="integer-of-4301-digits"),
        pytest.param(
            DEBEZIUM, f'{{"before":{{"n":{"9" * 4301}}},"after":{{}},"op":"u"}}', "|number|", id="an-unused-row-is-read"
        ),
        pytest.param(
            RecordForm(parsed=(("a",),)),
            f'{{"a":"{"9" * 4301}"}}',
            "a|number|",
            id="integer-of-4301-digits-in-a-string",
        ),
        pytest.param(RecordForm(kept=(("a",),)), '{"b":{"x":1,"x":2}}', '{"b":{"x":1,"x":2}}', id="other-parts-stay"),
    ],
)
def test_records_are_rewritten_to_plain_ones(form: RecordForm, text: str, expected: str) -> None:
    assert outcome(form, text.encode()) == expected


KEYS = st.sampled_from(["a", "b", "schema", "payload", "op", "é", '"', "\\", "x y"])
SCALARS = st.sampled_from([None, True, 0, -(10**20), 1.5, 1e300, "", "x", "é", '"', "{}", "null"])
JSON: Any = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(KEYS, SCALARS, max_size=2)
RECORDS = st.dictionaries(KEYS, JSON, max_size=3)
LAW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DUMPS = st.fixed_dictionaries(
    {"indent": st.sampled_from([None, 1]), "separators": st.sampled_from([(",", ":"), (" , ", " : ")])},
    optional={"ensure_ascii": st.booleans()},
)


@LAW
@given(RECORDS, JSON, DUMPS)
def test_a_payload_is_the_row(record: dict[str, Any], schema: Any, style: dict[str, Any]) -> None:
    text = json.dumps({"schema": schema, "payload": record}, **style).encode()
    assert json.loads(CONNECT.rewritten(text)) == record


@LAW
@given(RECORDS, RECORDS, RECORDS, st.sampled_from("crud"), DUMPS)
def test_a_change_is_its_row_with_the_other_members(
    before: dict[str, Any], after: dict[str, Any], source: dict[str, Any], op: str, style: dict[str, Any]
) -> None:
    envelope = {"before": before, "after": after, "source": source, "op": op, "ts_ms": 1}
    row = before if op == "d" else after
    expected = {**row, "__source": source, "__op": op, "__ts_ms": 1}
    text = json.dumps({"payload": envelope, "schema": None}, **style).encode()
    assert json.loads(BOTH.rewritten(text)) == expected


@LAW
@given(RECORDS, st.sampled_from(["a", "b"]), st.sampled_from(["a", "b"]), DUMPS)
def test_parts_are_parsed_and_kept(record: dict[str, Any], parsed: str, kept: str, style: dict[str, Any]) -> None:
    form = RecordForm(parsed=((parsed,),), kept=((kept,),))
    expected = dict(record)
    if parsed in record:
        record = record | {parsed: json.dumps(record[parsed], **style)}
    found = json.loads(form.rewritten(json.dumps(record, **style).encode()))
    if expected.get(kept) is not None:
        found[kept] = json.loads(found[kept])
    assert found == expected


@LAW
@given(RECORDS, RECORDS)
def test_a_row_with_a_reserved_name_is_rejected(row: dict[str, Any], source: dict[str, Any]) -> None:
    text = json.dumps({"after": row | {"__source": 1}, "source": source, "op": "c"}).encode()
    flat = flatten_block([text], RecordShape(DEBEZIUM))
    assert [(line.rule, line.text) for line in flat.rejected] == [("doubled_key", text)]


@pytest.mark.parametrize("known", [False, True], ids=["record-by-record", "by-shape"])
def test_numbers_and_texts_of_rewritten_lines_are_those_of_the_object(known: bool) -> None:
    lines = [b'{"schema":0,"payload":{"n":%d}}' % number for number in range(3)]
    shape = RecordShape(CONNECT)
    if known:
        flatten_block(lines, shape)
    text = [lines[0], b"", b"null", lines[1], b"[]", b'{"schema":0,"payload":{"n":1,"n":2}}', lines[2]]
    flat = flatten_block(text, shape, after_line=10, after_record=7)
    assert [(line.number, line.ordinal, line.text) for line in flat.lines] == [
        (11, 8, lines[0]),
        (14, 10, lines[1]),
        (17, 13, lines[2]),
    ]
    assert flat.values == {("n",): [0, 1, 2]}
    assert [(line.number, line.rule, line.text) for line in flat.rejected] == [
        (15, "envelope", b"[]"),
        (16, "doubled_key", text[5]),
    ]
    assert ([tuple(line) for line in flat.skipped], flat.blank) == ([(13, "tombstone")], 1)


def test_the_place_of_a_fault_is_that_in_the_original_record() -> None:
    lines = [b'{"schema":null,"payload":{"a":1}}', b'{"schema":null,"payload":{"a":"\xff"}}']
    flat = flatten_block(lines, RecordShape(CONNECT))
    assert len(flat.lines) == 1
    (line,) = flat.rejected
    assert (line.number, line.rule, words_of_fault(line)) == (2, "encoding", "byte 0xff at 32")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            b'{"a":"\\ud83d"}', "unexpected end of escaped utf-16 surrogate pair at column 13", id="at-the-end"
        ),
        pytest.param(b'{"a":"\\ude00"}', "invalid utf-16 surrogate pair at column 13", id="second-half"),
        pytest.param(b'{"a":1e400,"b":}', "invalid character at column 16", id="after-a-large-number"),
        pytest.param(b'{"a":"x', "truncated", id="truncated"),
    ],
)
def test_the_words_of_a_fault_name_it(text: bytes, words: str) -> None:
    (line,) = flatten_block([text], RecordShape()).rejected
    assert (line.rule, words_of_fault(line)) == ("json", words)
