"""Long values of Parquet files are detected by sizes; compared with the values that were written."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakewright.parquet import values as parquet_values
from lakewright.parquet.values import chunks_of, find_long_value, pages_of
from tests.conftest import examples

VALUES = st.lists(
    st.none() | st.builds(lambda text, times: text * times, st.text("ab\u00e9", min_size=1), st.integers(1, 90)),
    min_size=1,
    max_size=40,
)


class Counting(io.BytesIO):
    """A file that counts the bytes read from it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        body = super().read(size)
        self.count += len(body)
        return body


def written(columns: dict[str, Any], **options: Any) -> tuple[Counting, Any]:
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body, **options)
    return Counting(body.getvalue()), pq.read_metadata(io.BytesIO(body.getvalue()))


@given(
    VALUES,
    st.integers(1, 200),
    st.sampled_from(["none", "snappy", "gzip", "zstd"]),
    st.sampled_from(["1.0", "2.0"]),
    st.sampled_from(["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", ""]),
    st.integers(1, 12),
    st.sampled_from([1, 64, 1 << 20]),
    st.booleans(),
)
@settings(max_examples=examples(80), deadline=None)
def test_long_values_are_detected_in_any_encoding(
    values: list[str | None],
    limit: int,
    compression: str,
    version: str,
    encoding: str,
    rows: int,
    page: int,
    is_binary: bool,
) -> None:
    kind = pa.binary() if is_binary else pa.string()
    column = pa.array([None if value is None else value.encode() for value in values], pa.binary()).cast(kind)
    file, metadata = written(
        {"n": pa.array(range(len(values))), "a.b": column},
        compression=compression,
        data_page_version=version,
        use_dictionary=["a.b"] if not encoding else False,
        column_encoding={"a.b": encoding} if encoding else None,
        row_group_size=rows,
        data_page_size=page,
        write_batch_size=3,
    )
    long = [row for row, value in enumerate(values) if value is not None and len(value.encode()) > limit]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_values, "VALUES_OF_A_PAGE", 1 << 20)
        problem = find_long_value(file, metadata, chunks_of(file, metadata), limit)
    if not long:
        assert problem == ""
        return
    first = long[0] // rows * rows + 1
    where = f"rows {first} to {min(first + rows - 1, len(values))}"
    assert problem == (
        f"a value of column 'a.b', {where}, is longer than {limit} bytes; raise source.max_record_bytes if this is intended"
    )


def test_page_headers_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_values, "_longest_value", None)
    monkeypatch.setattr(parquet_values, "_WINDOW", 512)
    file, metadata = written(
        {"x": [f"{n:06}" * 100 for n in range(20_000)]},
        use_dictionary=False,
        data_page_size=1 << 14,
        write_batch_size=16,
        compression="none",
    )
    chunk = metadata.row_group(0).column(0)
    pages = list(pages_of(file, chunk))
    assert len(pages) > 500
    assert sum(page.values for page in pages) == 20_000
    assert chunk.total_uncompressed_size > 12_000_000
    file.count = 0
    assert find_long_value(file, metadata, chunks_of(file, metadata), 1 << 20) == ""
    assert file.count < 2_000_000


@pytest.mark.parametrize(
    ("rows", "problem"), [(7, ""), (9, "a page of column 'x', rows 1 to 9, is longer than 8000 bytes")]
)
def test_a_page_of_many_values_can_be_too_long(rows: int, problem: str) -> None:
    file, metadata = written({"x": [f"{n}" * 1000 for n in range(rows)]}, use_dictionary=False)
    assert find_long_value(file, metadata, chunks_of(file, metadata), 1000).startswith(problem)
    assert bool(find_long_value(file, metadata, chunks_of(file, metadata), 1000)) == bool(problem)


def test_a_long_value_alone_in_its_page_is_not_read() -> None:
    values = [b"x", b"y" * (3 << 20), b"z"]
    file, metadata = written({"x": values}, use_dictionary=False, data_page_size=1, write_batch_size=1)
    file.count = 0
    assert "rows 1 to 3, is longer than 1048576 bytes" in find_long_value(
        file, metadata, chunks_of(file, metadata), 1 << 20
    )
    assert file.count < 300_000


def test_long_values_in_page_statistics_are_detected() -> None:
    file, metadata = written({"x": ["x" * 3000, "y" * 3000]}, use_dictionary=False, write_page_index=False)
    assert find_long_value(file, metadata, chunks_of(file, metadata), 3000) == ""
    assert find_long_value(file, metadata, chunks_of(file, metadata), 2999)


def test_a_dictionary_that_pyarrow_cannot_read_is_read_as_plain_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """As parquet-mr (version 2) writes them, before pages without dictionary encoding."""
    file, metadata = written({"x": ["x" * 3000, "y" * 9] * 50}, data_page_size=1)
    whole = parquet_values._longest_in

    def without_dictionary(*arguments: Any, rows: int, dictionary: bool) -> int:
        if dictionary:
            raise OSError("Not yet implemented")
        return whole(*arguments, rows=rows, dictionary=dictionary)

    monkeypatch.setattr(parquet_values, "_longest_in", without_dictionary)
    assert find_long_value(file, metadata, chunks_of(file, metadata), 2999)
    assert find_long_value(file, metadata, chunks_of(file, metadata), 3000) == ""


@pytest.mark.parametrize("junk", [b"\0" * 4000, b"\xff" * 4000, b"\x15\x00" * 2000], ids=["zeros", "ones", "fields"])
def test_invalid_page_headers_raise_the_readers_error(junk: bytes) -> None:
    whole, metadata = written({"x": ["x" * 3000, "y" * 3000]}, use_dictionary=False)
    body = bytearray(whole.getvalue())
    body[4 : 4 + len(junk)] = junk
    with pytest.raises((pa.ArrowException, OSError)):
        find_long_value(io.BytesIO(bytes(body)), metadata, chunks_of(whole, metadata), 1000)
