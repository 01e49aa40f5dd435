"""Laws of the scrub: no value of a named key remains in any decoding, and every other byte is unchanged, or the object
is reported. Records are generated together with the expectation, which a plain Python oracle confirms."""

import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lakewright.errors import AccountingError, ObjectRefusedError
from lakewright.in_place.rewrite import ToRewrite, rewrite_objects
from lakewright.json import scrubbed
from lakewright.json.lines import Block, blocks_of_lines
from lakewright.json.scrub import hidden_in, scrub_object
from lakewright.json.scrub_rules import ScrubRules
from lakewright.storage.local_in_place import LocalInPlace
from tests.transforms.json.test_strings import Maker, decodings

OBJECTS, LINES = 12, 12


def compressed(body: bytes, chance: random.Random) -> bytes:
    """Return an object uncompressed, or as one gzip member or two."""
    cut = chance.choice([0, len(body) // 2])
    return chance.choice([body, gzip.compress(body), gzip.compress(body[:cut]) + gzip.compress(body[cut:])])


def uncompressed(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def parsed(text: str) -> Any:
    """Parse a text, preserving duplicate keys and the notation of numbers."""
    keep = {"object_pairs_hook": lambda pairs: ("object", pairs), "parse_int": "number {}".format}
    return json.loads(text, **keep, parse_float="number {}".format)


def documents(text: str) -> list[Any]:
    """Parse the JSON documents of a text by trying every end; empty if it is not a sequence of documents."""
    text = text.strip(" \t\r\n")
    for end in range(1, len(text) + 1):
        try:
            first = parsed(text[:end])
        except ValueError:
            continue
        if end == len(text):
            return [first]
        if others := documents(text[end:]):
            return [first, *others]
    return []


class Oracle:
    """A simple implementation of the scrub: the scrubbed record, and the number of strings that hide the field."""

    def __init__(self, depth: str, inside: Any, field: str) -> None:
        self.depth, self.inside, self.field = depth, inside, field
        self.hiding = 0

    def scrubbed(self, value: Any, *, top: bool = True, opened: bool = False) -> Any:
        if isinstance(value, list):
            return [self.scrubbed(item, top=top, opened=opened) for item in value]
        if isinstance(value, tuple):
            return ("object", [(name, self._of_key(name, inside, top, opened)) for name, inside in value[1]])
        if not isinstance(value, str) or '"' not in value:
            return value
        contained = documents(value)
        if opened or self.inside == "any":
            return [self.scrubbed(document, opened=True) for document in contained] or value
        without, with_all = (Oracle(self.depth, "any", field).scrubbed(contained) for field in (self.field, ""))
        self.hiding += without != with_all
        return value

    def _of_key(self, name: str, value: Any, top: bool, opened: bool) -> Any:
        if name == self.field and (top or self.depth == "any"):
            return ""
        opens = self.inside != "any" and name in self.inside and (top or self.depth == "any")
        return self.scrubbed(value, top=False, opened=opened or opens)


@pytest.mark.slow
@pytest.mark.parametrize("on_hidden", ["warn", "refuse"])
@pytest.mark.parametrize("inside", [(), ("Message",), "any"], ids=str)
@pytest.mark.parametrize("depth", ["top", "any"])
def test_no_value_of_a_named_key_remains_unreported(tmp_path: Path, depth: Any, inside: Any, on_hidden: Any) -> None:
    chance = random.Random(f"{depth} {inside} {on_hidden}")
    before, after, gone, hiding = {}, {}, {}, {}
    for number in range(OBJECTS):
        makers = [Maker(chance.randrange(10**9), depth=depth, inside=inside, replacement='""') for _ in range(LINES)]
        texts = [["".join(pieces) for pieces in zip(*maker.record(), strict=True)] for maker in makers]
        body, scrubbed = ("\n".join(lines).encode() for lines in zip(*texts, strict=True))
        name = f"{number}.json"
        oracle, parser = Oracle(depth, inside, "email"), Oracle(depth, inside, "")
        for line, expected in texts:
            assert oracle.scrubbed(parsed(line)) == parser.scrubbed(parsed(expected)), "the expectations agree"
        before[name], after[name], hiding[name] = compressed(body, chance), scrubbed, oracle.hiding
        gone[name] = [marker for maker in makers for marker in maker.markers]
        (tmp_path / name).write_bytes(before[name])
    rules = ScrubRules(("email",), depth, verify=True, inside_strings=inside, on_hidden=on_hidden)
    tasks = [ToRewrite(name, again=False) for name in before]
    reports = rewrite_objects(str(tmp_path), tasks, work=partial(scrub_object, rules=rules))
    refused = {name for name, count in hiding.items() if count and on_hidden == "refuse"}
    assert {report.path for report in reports if report.status == "refused"} == refused
    for report in reports:
        body = (tmp_path / report.path).read_bytes()
        if report.path in refused:
            assert body == before[report.path]
            assert "hide" in report.reason
            continue
        assert (report.status, hidden_in(report)) == ("rewritten", hiding[report.path])
        assert uncompressed(body) == after[report.path]
        everything = decodings(uncompressed(body).decode())
        assert not [marker for marker in gone[report.path] if marker in everything]
    assert sum(map(len, gone.values())) > OBJECTS
    assert any(hiding.values()) == (inside != "any")


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_lines_lost_before_the_scrub_are_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: Callable[[bytes], bytes]
) -> None:
    def without_the_first(chunks: Iterable[bytes], *, max_record_bytes: int) -> Iterator[Block]:
        for block in blocks_of_lines(chunks, max_record_bytes=max_record_bytes):
            yield replace(block, lines=block.lines[1:])

    monkeypatch.setattr(scrubbed, "blocks_of_lines", without_the_first)
    body = compress(b'{"email": "x"}\n' * 3)
    (tmp_path / "object").write_bytes(body)
    with pytest.raises(AccountingError, match=r"^3 records read, but 2 in its replacement"):
        scrub_object(LocalInPlace(tmp_path), "object", ScrubRules(("email",)))
    assert (tmp_path / "object").read_bytes() == body


def test_an_object_damaged_anywhere_is_refused_as_a_whole(tmp_path: Path) -> None:
    body = b"".join(b'{"id": %d, "file_contents": "secret"}\n' % number for number in range(40))
    sound, chance = gzip.compress(body), random.Random(1)
    flipped = [bytearray(sound) for _ in range(40)]
    for damaged in flipped:
        damaged[chance.randrange(10, len(damaged))] ^= 1 << chance.randrange(8)
    other = [sound + b"garbage", sound + sound[:20], zlib.compress(body), body.decode().encode("utf-16"), body[:-5]]
    path = tmp_path / "object"
    for damaged in [*(sound[:length] for length in range(1, len(sound))), *map(bytes, flipped), *other]:
        path.write_bytes(damaged)
        with pytest.raises(ObjectRefusedError):
            scrub_object(LocalInPlace(tmp_path), "object", ScrubRules(("file_contents",)))
        assert path.read_bytes() == damaged
    assert [file.name for file in tmp_path.iterdir()] == ["object"]
