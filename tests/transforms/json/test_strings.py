"""Records with JSON in their strings are generated together with their expected scrub, independently of the scrubber;
remaining values are searched for in every decoding."""

import json
import random
import re
from typing import Any

import pytest

from transforms.errors import NotARecordError
from transforms.json.proof import ScrubProof
from transforms.json.strings import MOST_LEVELS, scrubber_inside

NAMES = ("email", "email", "Message", "Message", "body", "a.b", 'say "x"', "Zürich 😀", "n")
SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
LONE = "\ud83d"

#: Pieces of text, each before and after the scrub.
Pieces = list[tuple[str, str]]


class Maker:
    """Generates random records; ``markers`` are the values that must be replaced."""

    def __init__(self, seed: int, *, depth: str, inside: Any, replacement: str) -> None:
        self.random = random.Random(seed)
        self.depth, self.inside, self.replacement = depth, inside, replacement
        self.markers: list[str] = []
        self.replaced = 0

    def record(self) -> Pieces:
        return [
            *self.blank(),
            *self.object(0, 3, replaced=False, top=True, is_open=self.inside == "any"),
            *self.blank(),
        ]

    def blank(self) -> Pieces:
        return [(text := self.random.choice(["", "", "", " ", "\t ", "\r"]), text)]

    def object(self, level: int, room: int, *, replaced: bool, top: bool, is_open: bool) -> Pieces:
        """Generate an object; ``replaced``: part of a replaced value; ``top``: top of a scrubbed document."""
        pieces: Pieces = [("{", "{")]
        for number in range(self.random.randrange(4)):
            name = self.random.choice(NAMES)
            is_field = name == "email" and not replaced and (level == 0 or is_open) and (top or self.depth == "any")
            named = level == 0 and name in self.inside and (top or self.depth == "any")
            value = self.value(level, room - 1, replaced=replaced or is_field, top=False, is_open=is_open or named)
            if is_field:
                written = "".join(before for before, _ in value)
                value = [(written, self.replacement)]
                self.replaced += written != self.replacement
            key = self.string(name)
            pieces += [(("," if number else ""),) * 2, *self.blank(), (key, key), *self.blank(), (":", ":")]
            pieces += [*self.blank(), *value, *self.blank()]
        return [*pieces, ("}", "}")]

    def value(self, level: int, room: int, *, replaced: bool, top: bool, is_open: bool) -> Pieces:
        kind = self.random.randrange(7) if room > 0 else self.random.randrange(3)
        if kind == 0:
            text = self.random.choice(
                ["1.00", "-0", "1e400", "null", "true", '""', "[]", "{}", '"say \\"email\\": it"']
            )
            return [(text, text)]
        if kind in (1, 2):
            marker = f"mark{self.random.randrange(10**12)}"
            if replaced:
                self.markers.append(marker)
            text = self.string(marker + self.random.choice(["", "é😀", "\\", '"', "\n/", LONE]))
            return [(text, text)]
        if kind == 3:
            items = [self.value(level, room - 1, replaced=replaced, top=top, is_open=is_open) for _ in range(2)]
            return [("[", "["), *items[0], (",", ","), *items[1], ("]", "]")]
        if kind == 4:
            return self.object(level, room, replaced=replaced, top=top, is_open=is_open)
        return self.json_in_string(level, room, replaced=replaced, is_open=is_open)

    def json_in_string(self, level: int, room: int, *, replaced: bool, is_open: bool) -> Pieces:
        inner: Pieces = self.blank()
        for _ in range(self.random.choice([1, 1, 2])):
            kind = self.random.randrange(3)
            if kind == 0:
                inner += (
                    self.json_in_string(level + 1, room - 1, replaced=replaced, is_open=is_open)
                    if room > 0
                    else [("1 ",) * 2]
                )
            elif kind == 1:
                inner += [
                    ("[", "["),
                    *self.object(level + 1, room, replaced=replaced, top=True, is_open=is_open),
                    ("]", "]"),
                ]
            else:
                inner += self.object(level + 1, room, replaced=replaced, top=True, is_open=is_open)
            inner += [(text := self.random.choice(["", "\n", " "]), text)]
        written: Pieces = [('"', '"')]
        for before, after in inner:
            escaped = "".join(self.escape(character) for character in before)
            written.append((escaped, escaped if before == after else json.dumps(after, ensure_ascii=False)[1:-1]))
        return [*written, ('"', '"')]

    def string(self, text: str) -> str:
        return '"' + "".join(self.escape(character) for character in text) + '"'

    def escape(self, character: str) -> str:
        units = character.encode("utf-16-be", "surrogatepass")
        escaped = "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
        forms = [escaped] * (self.random.random() < 0.1)
        forms += [SHORT[character]] if character in SHORT else []
        if character not in '"\\' and character >= " " and character != LONE:
            forms += [character]
        return self.random.choice(forms or [escaped])


def decodings(text: str) -> str:
    """Return a text and all texts that result from removing its escapes level by level."""
    texts = [text]
    while "\\" in text:
        text = re.sub(
            r"\\(?:u([0-9a-fA-F]{4})|(.))",
            lambda escape: chr(int(escape[1], 16)) if escape[1] else escape[2],
            text,
            flags=re.DOTALL,
        )
        texts.append(text)
    return "\n".join(texts)


@pytest.mark.parametrize("replacement", ['""', "null", '"é \\"gone\\" \\\\"'])
@pytest.mark.parametrize("inside", ["any", ("Message", "body"), ("Message",)])
@pytest.mark.parametrize("depth", ["top", "any"])
def test_only_values_of_the_fields_change_at_every_level(depth: Any, inside: Any, replacement: str) -> None:
    scrubber = scrubber_inside(("email",), depth, replacement.encode(), inside)
    proof = ScrubProof(("email",), depth, replacement.encode(), inside)
    deep = 0
    for seed in range(300):
        maker = Maker(seed, depth=depth, inside=inside, replacement=replacement)
        pieces = maker.record()
        line, expected = ("".join(texts).encode("utf-8", "surrogatepass") for texts in zip(*pieces, strict=True))
        scrubbed, changed = scrubber.scrub(line)
        assert scrubbed == expected, seed
        assert changed == maker.replaced, seed
        assert scrubber.scrub(expected) == (expected, 0), seed
        everything = decodings(scrubbed.decode())
        assert not [marker for marker in maker.markers if marker in everything], seed
        assert not proof.check(scrubbed.decode()).unscrubbed, seed
        assert proof.check(line.decode()).unscrubbed == (maker.replaced > 0), seed
        deep += line.count(b"\\\\") > 0 and changed > 1
    assert deep > 10


def dump(value: Any, levels: int = 1) -> str:
    for _ in range(levels):
        value = json.dumps(value)
    return str(value)


@pytest.mark.parametrize(
    ("fields", "depth", "inside", "line", "scrubbed"),
    [
        pytest.param(
            ["email"],
            "top",
            ["Message"],
            r'{"Message": "{\"email\": \"x\", \"n\":1.00}", "b": "{\"email\": 1}"}',
            r'{"Message": "{\"email\": \"\", \"n\":1.00}", "b": "{\"email\": 1}"}',
            id="only-the-named-string",
        ),
        pytest.param(
            ["email"],
            "top",
            "any",
            r'{"Message": "\u007b\u0022em\\u0061il\u0022:\u005B1]\/\u007D"}',
            r'{"Message": "\u007b\u0022em\\u0061il\u0022:\u005B1]\/\u007D"}',
            id="escaped-invalid-JSON",
        ),
        pytest.param(
            ["email"],
            "top",
            "any",
            r'{"Message": "\u007b\u0022em\\u0061il\u0022:\u005B1\u005d\u007D"}',
            r'{"Message": "\u007b\u0022em\\u0061il\u0022:\"\"\u007D"}',
            id="escaped-JSON",
        ),
        pytest.param(
            ["email"],
            "top",
            "any",
            r'{"a": "{\"deep\": {\"email\": 1}}", "b": "[{\"email\": 1}]"}',
            r'{"a": "{\"deep\": {\"email\": 1}}", "b": "[{\"email\": \"\"}]"}',
            id="top-of-the-document-in-the-string",
        ),
        pytest.param(
            ["Message.user.email"],
            "top",
            ["Message"],
            r'{"Message": ["{\"user\": \"{\\\"email\\\": 1}\", \"email\": 2}"]}',
            r'{"Message": ["{\"user\": \"{\\\"email\\\": \\\"\\\"}\", \"email\": 2}"]}',
            id="a-path-continues-inside-strings",
        ),
        pytest.param(
            ["email"],
            "top",
            ["Message"],
            r'{"Message": {"default": "{\"email\": 1}"}}',
            r'{"Message": {"default": "{\"email\": \"\"}"}}',
            id="all-strings-in-the-named-value",
        ),
        pytest.param(
            ["email"],
            "top",
            ["Records.body"],
            r'{"Records": [{"body": "{\"Message\": \"{\\\"email\\\": {}}\"}"}, {"attributes": "{\"email\": 1}"}]}',
            r'{"Records": [{"body": "{\"Message\": \"{\\\"email\\\": \\\"\\\"}\"}"}, {"attributes": "{\"email\": 1}"}]}',
            id="SNS-in-SQS",
        ),
        pytest.param(
            ["email"],
            "any",
            ["body"],
            r'{"x": {"body": "{\"email\": 1}\n{\"m\": {\"email\": 2}}\r\n"}}',
            r'{"x": {"body": "{\"email\": \"\"}\n{\"m\": {\"email\": \"\"}}\r\n"}}',
            id="JSON-lines-in-a-string",
        ),
        pytest.param(
            ["email"],
            "top",
            "any",
            r'{"a": "\ufeff {\"email\": NaN, \"x\": \"a\nb\"}{}"}',
            r'{"a": "\ufeff {\"email\": \"\", \"x\": \"a\nb\"}{}"}',
            id="BOM-NaN-and-line-feeds-in-strings",
        ),
        pytest.param(
            ["email"],
            "top",
            "any",
            r'{"a": "\"{\\\"email\\\": 1}\""}',
            r'{"a": "\"{\\\"email\\\": \\\"\\\"}\""}',
            id="serialized-twice",
        ),
        pytest.param(
            ["a"],
            "top",
            "any",
            r'{"a": "{\"a\": 1}", "b": "say \"a\": 1"}',
            r'{"a": "", "b": "say \"a\": 1"}',
            id="the-string-of-a-field-is-replaced",
        ),
        pytest.param(
            ["email"],
            "top",
            "any",
            '\ufeff{"Grüße 😀": "{\\"email\\": \\"é😀\\", \\"ü\\": \\"😀\\"}"}\r',
            '\ufeff{"Grüße 😀": "{\\"email\\": \\"\\", \\"ü\\": \\"😀\\"}"}\r',
            id="multibyte-characters",
        ),
    ],
)
def test_strings_that_are_scrubbed_inside(fields: list[str], depth: Any, inside: Any, line: str, scrubbed: str) -> None:
    scrubber = scrubber_inside(tuple(fields), depth, b'""', inside if inside == "any" else tuple(inside))
    assert scrubber.scrub(line.encode())[0].decode() == scrubbed
    assert scrubber.scrub(scrubbed.encode()) == (scrubbed.encode(), 0)


def test_levels_are_limited() -> None:
    scrubber = scrubber_inside(("email",), "top", b'""', "any")
    line = dump({"a": dump({"email": "x"}, 8)}).encode()
    assert scrubber.scrub(line)[0] == dump({"a": dump({"email": ""}, 8)}).encode()
    deep = '{"email": 1}'
    for _ in range(MOST_LEVELS + 1):  # escapes that do not double per level
        escaped = (f"\\u{ord(character):04x}" if character in '"\\' else character for character in deep)
        deep = f'"{"".join(escaped)}"'
    with pytest.raises(NotARecordError, match="nested more than 16 levels deep"):
        scrubber.scrub(f'{{"a": {deep}}}'.encode())
    assert ScrubProof(("email",), "top", b'""').check(f'{{"a": {deep}}}').hidden == 1
    with pytest.raises(NotARecordError, match="nested too deeply"):
        scrubber.scrub(dump({"a": "[" * 5000 + '""' + "]" * 5000}).encode())


@pytest.mark.parametrize(
    ("text", "at_top", "anywhere"),
    [
        pytest.param('{"email": "x"}', True, True, id="object"),
        pytest.param(' \ufeff[{"email": {}}] ', True, True, id="array-with-whitespace"),
        pytest.param('{"email": ""}', False, False, id="replaced"),
        pytest.param('{"email": "", "email": null}', True, True, id="duplicate-key"),
        pytest.param('{"a": {"email": "x"}}', False, True, id="nested-key"),
        pytest.param('{"em\\u0061il": "x"}', True, True, id="escaped-key"),
        pytest.param('{"a": 1}\n{"email": "x"}\n', True, True, id="JSON-lines"),
        pytest.param('{"a": 1}{"email": "x"}', True, True, id="concatenated"),
        pytest.param('{"b": "{\\"email\\": 1}"}', True, True, id="string-in-the-string"),
        pytest.param(json.dumps('{"email": "x"}'), True, True, id="serialized-twice"),
        pytest.param('{"{\\"email\\": 1}": 2}', True, True, id="JSON-in-a-key"),
        pytest.param('INFO got {"email": "x"} from SQS', True, True, id="JSON-in-a-text"),
        pytest.param('INFO {"m": "{\\"email\\": \\"x\\"}"} got', True, True, id="string-in-JSON-in-a-text"),
        pytest.param('{"email": "x", "trunc', True, True, id="truncated-at-the-end"),
        pytest.param('"email": "x", "b": 1}', True, True, id="truncated-at-the-beginning"),
        pytest.param('got {"email" : ""} here', False, False, id="replaced-in-a-text"),
        pytest.param('write "email": "x" to set it', False, False, id="text-about-JSON"),
        pytest.param('say "email"', False, False, id="quoted-word"),
        pytest.param("{'email': 1}", False, False, id="single-quotes"),
        pytest.param('["email", "x"]', False, False, id="value-like-the-name"),
        pytest.param('{"a": NaN, "t": "a\nb", "email": 1}', True, True, id="JSON-by-Python-only"),
        pytest.param('{"email": ' + "[" * 3000 + "]" * 3000 + "}", True, True, id="deeply-nested"),
        pytest.param(json.dumps('"' * 2**14), False, False, id="many-quotes"),
    ],
)
def test_strings_that_hide_a_field(text: str, at_top: bool, anywhere: bool) -> None:
    for depth, hides in (("top", at_top), ("any", anywhere)):
        proof = ScrubProof(("email",), depth, b'""')  # type: ignore[arg-type]
        for record in ({"Message": text}, {"a": [{"b": text}], "email": ""}):
            remains = proof.check(json.dumps(record))
            assert (remains.unscrubbed, remains.hidden) == (False, int(hides)), depth


def test_strings_that_are_scrubbed_inside_hide_nothing() -> None:
    line = json.dumps({"Message": '{"email": "x"}', "log": '{"email": "x"}', "cut": '{"email": "x"'})
    proof = ScrubProof(("email",), "top", b'""', ("Message", "cut"))
    remains = proof.check(line)
    assert (remains.unscrubbed, remains.hidden) == (True, 2)
    scrubbed = scrubber_inside(("email",), "top", b'""', ("Message", "cut")).scrub(line.encode())[0]
    remains = proof.check(scrubbed.decode())
    assert (remains.unscrubbed, remains.hidden) == (False, 2)
    path = ScrubProof(("Message.email",), "top", b'""')
    assert path.check(json.dumps({"Message": '{"email": "x"}', "log": '{"email": "x"}'})).hidden == 1
