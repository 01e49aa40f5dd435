"""Guess where the first record of a byte range begins. No pyspark.

A range that begins within a record does not show whether it begins inside quotes. The guess is verified afterwards: the
previous range, read from a known record on, ends where this one begins, or this one is read again from there.
"""

import numpy as np

from transforms.csv.records.quote_positions import Marks, QuotePositions

_QUOTES_LOOKED_AT = 10_000


def guess_first_record(text: bytes, marks: Marks, *, multiline: bool) -> int | None:
    """Return the offset after the first record end of a text that begins anywhere; None if there is none.

    Of the two assumptions, that the text begins outside or inside quotes, the one with fewer irregular quotes is used.
    """
    if not multiline or b'"' not in text:
        return text.find(bytes([marks.line_end])) + 1 or None
    quotes = QuotePositions(text, marks)
    outside, inside = (int(np.searchsorted(quotes.irregular(first), _QUOTES_LOOKED_AT)) for first in (0, 1))
    ends = quotes.record_ends(int(inside < outside))
    return int(ends[0]) + 1 if len(ends) else None
