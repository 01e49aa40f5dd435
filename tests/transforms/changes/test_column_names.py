"""Naming rules for table columns of change data."""

import unicodedata
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.changes.column_names import ColumnNames, ascii_name, problem_with_name
from transforms.errors import SchemaDriftError

NO_RENAME: Mapping[str, str] = {}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        pytest.param("emp_no", "emp_no", id="valid-names-are-unchanged"),
        pytest.param("EMP_No", "EMP_No", id="case-is-kept"),
        pytest.param("first name", "first_name", id="blank-becomes-underscore"),
        pytest.param("a  b", "a__b", id="each-character-is-replaced"),
        pytest.param("a.b`c\"d'e/f", "a_b_c_d_e_f", id="dots-and-quotes"),
        pytest.param("Größe", "Gro_e", id="accents-are-dropped-other-letters-replaced"),
        pytest.param("Tiếng Việt", "Tieng_Viet", id="two-accents-on-a-letter"),
        pytest.param("Gro\u0308", "Gro", id="combining-accent"),
        pytest.param("x\u0302", "x_", id="combining-accent-without-composed-letter"),
        pytest.param("360p", "_360p", id="leading-digit"),
        pytest.param("٣", "_", id="non-ascii-digit"),
        pytest.param("имя", "___", id="other-alphabet"),
        pytest.param("한글", "__", id="decomposable-letters"),
        pytest.param("", "_", id="empty-name"),
    ],
)
def test_names(source: str, name: str) -> None:
    assert ascii_name(source) == name


@given(st.text())
def test_names_are_valid_and_stable(source: str) -> None:
    name = ascii_name(source)
    assert name.isascii()
    assert name.isidentifier()
    assert ascii_name(name) == name
    assert ascii_name(unicodedata.normalize("NFD", source)) == name
    assert ascii_name(unicodedata.normalize("NFC", source)) == name


@pytest.mark.parametrize(
    ("name", "fits"),
    [("a", True), ("_A1", True), ("1a", False), ("a b", False), ("ä", False), ("", False), ("a\n", False)]
    + [
        (name, False)
        for name in ("_hoodie_x", "_Hoodie_x", "_lakewright_x", "_Record_key", "_change_order", "_metadata")
    ]
    + [(name, True) for name in ("_record_keys", "_change_order_2", "_metadata_", "_hoodie")],
)
def test_valid_and_invalid_names(name: str, fits: bool) -> None:
    assert (problem_with_name(name) == "") == fits


def test_renames_take_precedence_in_any_unicode_form() -> None:
    names = ColumnNames({"Gro\u0308ße": "size"})
    assert [names.name_of(source) for source in ("Größe", "größe")] == ["size", "gro_e"]


@pytest.mark.parametrize(
    ("rename", "files", "message"),
    [
        pytest.param(
            NO_RENAME,
            [{"a b": "int", "a_b": "int"}],
            "f0: columns 'a b' and 'a_b' would both be 'a_b' in the table; give one of them another name in rename",
            id="in-one-file",
        ),
        pytest.param(NO_RENAME, [{"A b": "int", "a_B": "int"}], "f0: columns 'A b' and 'a_B' would both", id="by-case"),
        pytest.param(
            NO_RENAME, [{"id": "int", "ID": "int"}], "f0: columns 'id' and 'ID' differ only in case", id="only-case"
        ),
        pytest.param(
            {"x": "a_b"}, [{"x": "int", "a.b": "int"}], "f0: columns 'x' and 'a.b' would both be", id="by-a-rename"
        ),
        pytest.param(
            NO_RENAME,
            [{"a b": "int"}, {"a_b": "int"}],
            "f1: column 'a_b' would be 'a_b' in the table, where that is the source's column 'a b'; nothing was written",
            id="in-two-files",
        ),
        pytest.param(
            NO_RENAME,
            [{"t.x": "int"}],
            "f0: column 't.x' would be 't_x' in the table, where that is the source's column 't_x'",
            id="in-the-table",
        ),
    ],
)
def test_columns_with_the_same_name_are_refused(
    rename: Mapping[str, str], files: list[dict[str, str]], message: str
) -> None:
    named = [(f"f{n}", columns) for n, columns in enumerate(files)]
    with pytest.raises(SchemaDriftError) as refused:
        ColumnNames(rename).map_files(named, sources={"T_x": "t_x"}, setting="rename")
    assert str(refused.value).startswith(message)


def test_columns_of_files_get_table_names() -> None:
    files = [("f", {"a b": "int", "Straße": "string", "ID": "int"}), ("g", {"A B": "int", "straße": "string"})]
    mapped, known = ColumnNames({"Straße": "street"}).map_files(files, sources={"id": "id"}, setting="rename")
    assert mapped == [
        ("f", {"a_b": "int", "street": "string", "ID": "int"}),
        ("g", {"A_B": "int", "stra_e": "string"}),
    ]
    assert known == {"id": "id", "a_b": "a b", "street": "Straße", "stra_e": "straße"}
