import pytest

from transforms.header_names import appearance, describe_difference, name_key, trimmed


@pytest.mark.parametrize(
    ("name", "key"),
    [
        pytest.param("  E-Mail\t", "e-mail", id="case-and-blanks"),
        pytest.param("\ufeff\u00a0id\u202f\u3000", "id", id="marks-and-blanks-of-any-width"),
        pytest.param("a\u00a0b", "a\u00a0b", id="blanks-within-a-name-count"),
        pytest.param("Gro\u0308\u00dfe", "gr\u00f6sse", id="decomposed-characters"),
        pytest.param("\u200bid", "\u200bid", id="characters-of-no-width-are-no-blanks"),
    ],
)
def test_name_key(name: str, key: str) -> None:
    assert name_key(name) == key
    assert name_key(trimmed(name)) == key


@pytest.mark.parametrize(
    ("name", "difference"),
    [
        pytest.param("n\u0430me", "has '\u0430' U+0430 instead of 'a' U+0061", id="cyrillic"),
        pytest.param("N\u0391ME", "has '\u03b1' U+03B1 instead of 'a' U+0061", id="greek-capitals"),
        pytest.param("na\u00adme", "also has U+00AD", id="a-soft-hyphen"),
        pytest.param(
            "\uff4e\uff41me", "has '\uff4e' U+FF4E '\uff41' U+FF41 instead of 'n' U+006E 'a' U+0061", id="wide"
        ),
        pytest.param(
            "n\u0430m\u0435\u200b",
            "has '\u0430' U+0430 instead of 'a' U+0061 and has '\u0435' U+0435 U+200B instead of 'e' U+0065",
            id="several",
        ),
    ],
)
def test_names_that_look_alike(name: str, difference: str) -> None:
    assert appearance(name) == appearance("name")
    assert name_key(name) != name_key("name")
    assert describe_difference(name, "name") == difference


def test_what_the_name_lacks_is_described() -> None:
    assert describe_difference("id", "i\u200bd") == "lacks U+200B"
