"""The scrub: records that are not lines, and objects without records."""

import gzip
import json
from typing import Any, Final

from tests.hostile.cases import CANARY, Case, Outcome, Scenario, Step


def scrub_feed(path: str = "landing/u/", **options: Any) -> dict[str, Any]:
    records = {"records": options.pop("records")} if "records" in options else {}
    place = options.pop("place", "source")
    built: dict[str, Any] = {
        "job": "json_scrub",
        "source": {"path": path},
        "scrub": {"fields": ["email"], "depth": "any", "verify": True, **options},
    }
    built[place] |= records
    return built


def scrubbed(rule: str, records: str | None, body: bytes, after: bytes | None, *mentions: Any, **options: Any) -> Case:
    """Return a case of one object: it is scrubbed to ``after``, or refused and left unchanged if that is None.

    The job decides whether ``records`` is an option of ``source`` or of ``scrub``.
    """
    name, is_either = options.pop("name", "x.json"), options.pop("or_refused", False)
    path = f"landing/u/{name}"
    feed = scrub_feed(**({"records": records, "place": RECORDS_PLACE} if records else {}), **options)
    scenario = Scenario({"f": feed}, (Step(files={path: body}),))
    outcome = Outcome(0, mentions, files={path: after})
    refused = Outcome(3, (name, *mentions), files={path: body})
    outcomes = (refused,) if after is None else (outcome, refused) if is_either else (outcome,)
    return Case(rule, scenario, outcomes, never=(CANARY,))


def _place_of_records() -> str:
    from jobs.feeds.json_scrub import Scrub

    return "scrub" if "records" in Scrub.model_fields else "source"


RECORDS_PLACE: Final = _place_of_records()
PRETTY: Final = (
    json.dumps({"id": 1, "email": CANARY, "orders": [{"email": CANARY, "n": 1.0}]}, indent=2).encode() + b"\n"
)
GONE: Final = PRETTY.replace(CANARY.encode(), b"")
JOINED: Final = b'{"u":"}{","email":"x"}{"email":"y","n":1e3}\n\n {"email":{"a":["}"]}}'
JOINED_GONE: Final = b'{"u":"}{","email":""}{"email":"","n":1e3}\n\n {"email":""}'
ARRAY: Final = b'[\n {"email":"x","n":1.00},\n{"email":"y"} , {"id":3}]\n'
ARRAY_GONE: Final = b'[\n {"email":"","n":1.00},\n{"email":""} , {"id":3}]\n'

CASES: Final = (
    scrubbed(
        "lines are scrubbed by default",
        None,
        b'{"email":"x"}\n{"email":"y"}',
        b'{"email":""}\n{"email":""}',
    ),
    scrubbed("lines may be named", "lines", b'{"email":"x"}\n', b'{"email":""}\n'),
    scrubbed("joined records are refused as lines and the choice is named", None, JOINED, None, "records"),
    scrubbed("a pretty-printed document is refused as lines and the choice is named", None, PRETTY, None, "records"),
    scrubbed("an array is refused as lines and the choice is named", None, ARRAY, None, "records"),
    scrubbed("joined records are scrubbed and every other byte stays", "concatenated", JOINED, JOINED_GONE),
    scrubbed(
        "joined records may be lines",
        "concatenated",
        b'{"email":"x"}\n{"email":"y"}\n',
        b'{"email":""}\n{"email":""}\n',
    ),
    scrubbed("joined pretty-printed records are scrubbed", "concatenated", PRETTY * 3, GONE * 3),
    scrubbed(
        "compressed joined records stay compressed",
        "concatenated",
        gzip.compress(b'{"email":"x"}{"email":"y"}', mtime=0),
        gzip.compress(b'{"email":""}{"email":""}', mtime=0),
        name="g.json.gz",
    ),
    scrubbed("truncated joined records are refused and left unchanged", "concatenated", JOINED[:-3], None),
    scrubbed(
        "joined records with text between them are refused and left unchanged",
        "concatenated",
        b'{"email":"x"} , {"email":"y"}',
        None,
    ),
    scrubbed(
        "joined records with a record separator are scrubbed or refused",
        "concatenated",
        b'\x1e{"email":"x"}\n',
        b'\x1e{"email":""}\n',
        or_refused=True,
    ),
    scrubbed(
        "a number between joined records is refused and left unchanged",
        "concatenated",
        b'{"email":"x"}17{"email":"y"}',
        None,
    ),
    scrubbed(
        "a joined record that is not JSON shows no value",
        "concatenated",
        b'{"email":"x"}{"a":' + CANARY.encode() + b"}",
        None,
    ),
    scrubbed("an array is scrubbed and every other byte stays", "array", ARRAY, ARRAY_GONE),
    scrubbed("an empty array stays", "array", b" [ ]\n", b" [ ]\n"),
    scrubbed(
        "nested arrays of one array are scrubbed", "array", b'[{"a":[{"email":[1,[2]]}]}]', b'[{"a":[{"email":""}]}]'
    ),
    scrubbed("a truncated array is refused and left unchanged", "array", ARRAY[:-3], None),
    scrubbed("an array with a comma too many is refused and left unchanged", "array", b'[{"email":"x"},]', None),
    scrubbed("an array with something behind it is refused and left unchanged", "array", ARRAY + b"{}", None),
    scrubbed("two arrays are refused and left unchanged", "array", b'[{"email":"x"}][{"email":"y"}]', None),
    scrubbed(
        "values of an array that are not objects are kept or the array is refused",
        "array",
        b'[{"email":"x"},"email",3]',
        b'[{"email":""},"email",3]',
        or_refused=True,
    ),
    scrubbed("lines where an array is declared are refused and left unchanged", "array", b'{"email":"x"}\n', None),
    scrubbed("a document is scrubbed and every other byte stays", "document", PRETTY, GONE),
    scrubbed(
        "a document with a byte order mark is scrubbed", "document", b"\xef\xbb\xbf" + PRETTY, b"\xef\xbb\xbf" + GONE
    ),
    scrubbed("two documents are refused and left unchanged", "document", PRETTY * 2, None),
    scrubbed("a truncated document is refused and left unchanged", "document", PRETTY[:-4], None),
    scrubbed("a document in UTF-16 is refused and left unchanged", "document", PRETTY.decode().encode("utf-16"), None),
    scrubbed(
        "repeated and escaped keys of a document are scrubbed",
        "document",
        b'{"email": "a",\n "email" : 1.0, "em\\u0061il":\n"b"}',
        b'{"email": "",\n "email" : "", "em\\u0061il":\n""}',
    ),
    scrubbed(
        "a document above max_record_bytes is refused and left unchanged",
        "document",
        PRETTY.replace(b"{", b"{" + b" " * 5000, 1),
        None,
        "max_record_bytes",
        max_record_bytes=2000,
    ),
    scrubbed(
        "a value above max_record_bytes is refused in joined records",
        "concatenated",
        b'{"email":"' + b"x" * 5000 + b'"}',
        None,
        "max_record_bytes",
        max_record_bytes=2000,
    ),
    scrubbed(
        "JSON inside strings is scrubbed in a document",
        "document",
        b'{\n"m":"{\\"email\\":\\"x\\"}"}',
        b'{\n"m":"{\\"email\\":\\"\\"}"}',
        inside_strings=["m"],
    ),
    Case(
        "an unknown kind of records is refused and the known kinds are listed",
        Scenario({"f": scrub_feed(records="line", place=RECORDS_PLACE)}, (Step(files={"landing/u/x.json": b"{}"}),)),
        (Outcome(2, ("records", "lines", "concatenated", "document")),),
    ),
    scrubbed(
        "a line that is not JSON shows no value",
        None,
        b'{"email":"x"}\n{"a":"' + CANARY.encode() + b"\n",
        None,
        "line 2",
    ),
    scrubbed(
        "a truncated gzip is refused and left unchanged",
        None,
        gzip.compress(b'{"email":"x"}\n' * 9999)[:-9],
        None,
    ),
    Case(
        "an empty object next to another is ignored",
        Scenario({"f": scrub_feed()}, (Step(files={"landing/u/e.json": b"", "landing/u/x.json": b'{"email":"x"}'}),)),
        (Outcome(0, files={"landing/u/x.json": b'{"email":""}', "landing/u/e.json": b""}),),
    ),
    Case(
        "an object that changes between plan and run is scrubbed in its new version",
        Scenario(
            {"f": scrub_feed()},
            (
                Step(("plan", "f"), {"landing/u/x.json": b'{"email":"x"}\n'}),
                Step(("run", "f"), {"landing/u/x.json": b'{"email":"newer","id":1}\n'}),
            ),
        ),
        (Outcome(0, files={"landing/u/x.json": b'{"email":"","id":1}\n'}),),
    ),
)
