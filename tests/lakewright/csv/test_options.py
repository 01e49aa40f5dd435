"""Options of CSV text that no text can have."""

from typing import Any

import pytest
from pydantic import ValidationError

from lakewright.csv.options import CsvOptions


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        pytest.param(
            {"encoding": "ascii", "delimiter": "§"}, "ascii text cannot have the delimiter '§'", id="delimiter"
        ),
        pytest.param({"encoding": "cp437", "comment": "€"}, "cp437 text cannot have the comment '€'", id="comment"),
        pytest.param(
            {"encoding": "shift_jis_2004", "escape": "postgres"},
            "shift_jis_2004 reads the byte of a backslash as another character, so that escape: postgres would never",
            id="escape",
        ),
    ],
)
def test_options_that_the_encoding_lacks_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        CsvOptions.model_validate(options)


@pytest.mark.parametrize("encoding", ["shift_jis", "cp932", "cp037", "UTF-16", "UTF-32BE"])
def test_encodings_with_a_backslash_have_escapes(encoding: str) -> None:
    assert CsvOptions(encoding=encoding, escape="postgres").dialect().escapes_everywhere
