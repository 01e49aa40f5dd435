"""Compressed objects: what is read is all there was, or an error."""

import bz2
import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakewright.errors import DamagedStreamError
from lakewright.storage.compression.codecs import (
    COMPRESSIONS,
    ZIP,
    ZSTD,
    compressed_as,
    compression_in,
    compression_of,
)
from lakewright.storage.object_file import open_buffered
from lakewright.storage.uris import open_lake

TEXT = b"".join(b"%d,row %d\n" % (number, number * number) for number in range(3000))


def unpacked(name: str, data: bytes, *, chunk: int = 1000, piece: int = 777) -> bytes:
    compression = compression_of(name)
    assert compression
    chunks = (data[start : start + chunk] for start in range(0, len(data), chunk))
    pieces = list(compression.decompress(chunks, lambda: io.BytesIO(data), piece_bytes=piece))
    assert max(map(len, pieces), default=0) <= piece
    return b"".join(pieces)


def zipped(write: Callable[[zipfile.ZipFile], object], file: Any = None) -> bytes:
    file = file or io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        write(archive)
    return bytes(file.getvalue())


class Unseekable(io.BytesIO):
    """A stream, to which archives are written with data descriptors."""

    def seek(self, *_: Any) -> int:
        raise OSError

    def tell(self) -> int:
        raise OSError


def streamed(write: Callable[[zipfile.ZipFile], object]) -> bytes:
    return zipped(write, Unseekable())


def write_zip64(archive: zipfile.ZipFile, text: bytes) -> None:
    with archive.open("a.csv", "w", force_zip64=True) as member:
        member.write(text)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.bz2", "a.csv.zst", "a.csv.zip"])
@pytest.mark.parametrize("chunk", [1, 1000, 1 << 20])
def test_what_was_compressed_is_decompressed(name: str, chunk: int) -> None:
    data = compressed_as(name, TEXT)
    assert compressed_as(name, TEXT) == data
    assert compression_in(data) is compression_of(name)
    assert unpacked(name, data, chunk=chunk) == TEXT
    assert unpacked(name, compressed_as(name, b"")) == b""


@pytest.mark.parametrize(
    ("name", "compress"),
    [
        pytest.param("a.gz", gzip.compress, id="gzip"),
        pytest.param("a.bz2", bz2.compress, id="bzip2"),
        pytest.param("a.zst", lambda body: compressed_as("a.zst", body), id="zstd"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_streams_that_follow_each_other_are_one(name: str, compress: Callable[[bytes], bytes], chunk: int) -> None:
    streams = compress(TEXT[:999]) + compress(b"") + compress(TEXT[999:])
    assert unpacked(name, streams, chunk=chunk) == TEXT


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=lambda each: each.name)
def test_every_truncation_is_an_error(compression: Any) -> None:
    data = compressed_as(f"a{compression.ending}", TEXT[:2000])
    for length in range(len(data)):
        with pytest.raises(DamagedStreamError, match=f"^damaged {compression.name}: it is truncated"):
            unpacked(f"a{compression.ending}", data[:length])


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=lambda each: each.name)
@pytest.mark.parametrize("rest", [b"\0", b"x", b"id,name\n" * 4])
def test_bytes_after_the_end_are_an_error(compression: Any, rest: bytes) -> None:
    with pytest.raises(DamagedStreamError):
        unpacked(f"a{compression.ending}", compressed_as(f"a{compression.ending}", TEXT) + rest)


@pytest.mark.parametrize("compression", [each for each in COMPRESSIONS if each is not ZSTD], ids=lambda each: each.name)
def test_a_changed_byte_never_changes_the_text(compression: Any) -> None:
    name, text = f"a{compression.ending}", TEXT[:300]
    data = compressed_as(name, text)
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        with suppress(DamagedStreamError):
            assert unpacked(name, changed) == text


def test_a_changed_byte_of_zstd_with_a_checksum_is_an_error() -> None:
    # "1,a\n2,b\n" by `zstd -c`, which appends a checksum.
    data = bytes.fromhex("28b52ffd0458410000312c610a322c620ac4149a93")
    assert unpacked("a.zst", data) == b"1,a\n2,b\n"
    with pytest.raises(DamagedStreamError, match="damaged zstd: its checksum does not match its content"):
        unpacked("a.zst", data.replace(b"a", b"b"))


@pytest.mark.parametrize(
    "archive",
    [
        pytest.param(zipped(lambda archive: archive.writestr("a.csv", TEXT)), id="one member"),
        pytest.param(streamed(lambda archive: archive.writestr("a.csv", TEXT)), id="with a data descriptor"),
        pytest.param(
            zipped(lambda archive: [archive.mkdir("x"), archive.writestr("x/a.csv", TEXT)]), id="beside its folder"
        ),
        pytest.param(
            zipped(lambda archive: [archive.writestr("a.csv", TEXT), archive.writestr("__MACOSX/._a.csv", b"x")]),
            id="beside attributes of macOS",
        ),
        pytest.param(
            zipped(lambda archive: archive.writestr("a.csv", TEXT, zipfile.ZIP_STORED)), id="stored"
        ),
        pytest.param(zipped(lambda archive: write_zip64(archive, TEXT)), id="zip64"),
        pytest.param(
            zipped(lambda archive: [archive.writestr("a.csv", TEXT), setattr(archive, "comment", b"by hand")]),
            id="with a comment",
        ),
    ],
)  # fmt: skip
def test_an_archive_of_one_member_is_read(archive: bytes) -> None:
    assert unpacked("a.zip", archive) == TEXT


@pytest.mark.parametrize(
    ("archive", "problem"),
    [
        pytest.param(zipped(lambda archive: None), "zip: it has no members; put each CSV", id="empty"),
        pytest.param(
            zipped(lambda archive: [archive.writestr(name, TEXT) for name in ("a.csv", "b.csv")]),
            "zip: it has 2 members; put each CSV into an archive of its own",
            id="several members",
        ),
        pytest.param(
            zipped(lambda archive: archive.writestr("a.csv", TEXT, zipfile.ZIP_BZIP2)),
            "zip: its member is compressed with method 12; only deflate is supported",
            id="another method",
        ),
        pytest.param(
            b"x" + zipped(lambda archive: archive.writestr("a.csv", TEXT)),
            "its member is not where its directory says",
            id="bytes before",
        ),
        pytest.param(
            2 * zipped(lambda archive: archive.writestr("a.csv", TEXT)),
            "its member is not where its directory says",
            id="two archives",
        ),
    ],
)
def test_other_archives_are_refused(archive: bytes, problem: str) -> None:
    with pytest.raises(DamagedStreamError, match=problem):
        unpacked("a.zip", archive)


def test_an_encrypted_member_is_refused() -> None:
    archive = bytearray(zipped(lambda archive: archive.writestr("a.csv", TEXT)))
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        archive[archive.index(header) + flags] |= 1
    with pytest.raises(DamagedStreamError, match="zip: its member is encrypted"):
        unpacked("a.zip", bytes(archive))


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=lambda each: each.name)
def test_memory_is_bounded_however_much_is_compressed(compression: Any) -> None:
    name, size = f"a{compression.ending}", 64 << 20
    data = compressed_as(name, bytes(size))
    tracemalloc.start()
    pieces = compression.decompress([data], lambda: io.BytesIO(data), piece_bytes=1 << 20)
    assert sum(map(len, pieces)) == size
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_an_error_of_the_source_is_not_damage() -> None:
    def chunks() -> Iterator[bytes]:
        yield compressed_as("a.zst", TEXT)[:50]
        raise FileNotFoundError("a.zst")

    with pytest.raises(FileNotFoundError):
        list(ZSTD.decompress(chunks(), io.BytesIO, piece_bytes=10))


def test_archives_are_read_by_ranges_of_an_object(tmp_path: Path) -> None:
    data = compressed_as("a.zip", TEXT)
    (tmp_path / "a.zip").write_bytes(data)
    lake = open_lake(str(tmp_path))
    with open_buffered(lake, "a.zip", len(data), buffer_bytes=512) as file:
        assert b"".join(ZIP.decompress([], lambda: file, piece_bytes=100)) == TEXT
    for length in (0, 3, 21, 23, len(data) - 30, len(data) - 1):
        with open_buffered(lake, "a.zip", length, buffer_bytes=512) as file, pytest.raises(DamagedStreamError):
            list(ZIP.decompress([], lambda file=file: file, piece_bytes=100))


def test_zstd_with_a_skippable_frame_is_read() -> None:
    skippable = bytes.fromhex("502a4d1804000000") + b"abcd"
    data = skippable + bytes(pa.compress(TEXT, codec="zstd", asbytes=True))
    assert compression_in(data) is ZSTD
    assert unpacked("a.zst", data) == TEXT
