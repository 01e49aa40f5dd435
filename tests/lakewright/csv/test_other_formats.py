"""Detection of objects that are named like CSV but have another format."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from lakewright.csv.head.other_formats import describe_other_format
from lakewright.csv.heads import read_heads
from lakewright.csv.options import CsvOptions
from lakewright.storage.uris import open_lake

CSV = b"id,name\n1,Ann\n2,Bob\n"
TABLE = pa.table({"id": [1, 2], "name": ["Ann", "Bob"]})
DECOMPRESS = "decompress it, or compress the CSV with gzip, bzip2, zstd or zip"
DOWNLOAD_AGAIN = "it may be the error or sign-in page of a failed download: download it again"


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, CSV)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("a.csv")
        entry.size = len(CSV)
        archive.addfile(entry, io.BytesIO(CSV))
    return file.getvalue()


def compressed(codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(CSV)
    return bytes(sink.getvalue())


def written_by(writer: object) -> bytes:
    sink = pa.BufferOutputStream()
    writer.write_table(TABLE, sink)  # type: ignore[attr-defined]
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(
            zipped("[Content_Types].xml", "xl/workbook.xml"),
            "an Excel workbook (xlsx), not CSV; export its sheet as CSV",
            id="xlsx",
        ),
        pytest.param(
            zipped("mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
            "an OpenDocument spreadsheet (ods), not CSV; export its sheet as CSV",
            id="ods",
        ),
        pytest.param(
            bytes.fromhex("d0cf11e0a1b11ae1") + bytes(100),
            "an Excel workbook (xls), not CSV; export its sheet as CSV",
            id="xls",
        ),
        pytest.param(lzma.compress(CSV), f"compressed with xz, not CSV; {DECOMPRESS}", id="xz"),
        pytest.param(compressed("lz4"), f"compressed with lz4, not CSV; {DECOMPRESS}", id="lz4"),
        pytest.param(tarred(), f"a tar archive, not CSV; {DECOMPRESS}", id="tar"),
        pytest.param(written_by(pq), "a Parquet file, not CSV; write it as CSV", id="parquet"),
        pytest.param(written_by(orc), "an ORC file, not CSV; write it as CSV", id="orc"),
        pytest.param(b"<!DOCTYPE html>\n<html><body>403", f"an HTML page, not CSV; {DOWNLOAD_AGAIN}", id="html"),
        pytest.param(b"\xef\xbb\xbf\r\n <HTML lang=de>", f"an HTML page, not CSV; {DOWNLOAD_AGAIN}", id="html-and-bom"),
        pytest.param(b"<table ><tr>", f"an HTML page, not CSV; {DOWNLOAD_AGAIN}", id="html-table"),
        pytest.param(
            b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>',
            "XML, not CSV; it may be the error message of a failed download: download it again, or write it as CSV",
            id="error-response-of-s3",
        ),
        pytest.param(
            CSV.decode().encode("utf-16"),
            "UTF-16 text, not UTF-8; set source.csv.encoding: UTF-16, or save it as UTF-8",
            id="utf-16",
        ),
        pytest.param(
            CSV.decode().encode("utf-16-be"),
            "UTF-16BE text, not UTF-8; set source.csv.encoding: UTF-16BE, or save it as UTF-8",
            id="utf-16-without-a-mark",
        ),
        pytest.param(
            CSV.decode().encode("utf-32"),
            "UTF-32 text, not UTF-8; set source.csv.encoding: UTF-32, or save it as UTF-8",
            id="utf-32",
        ),
    ],
)
def test_other_formats_are_detected(data: bytes, message: str) -> None:
    assert describe_other_format(data, "UTF-8") == message


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param("id,name\n", "UTF-8", id="plain"),
        pytest.param("\ufeffid,name\n", "UTF-8", id="byte-order-mark"),
        pytest.param("PAR1,PKs,ORCID\n", "UTF-8", id="names-that-begin-like-a-format"),
        pytest.param("ORCID,name\n1,Müller\n", "UTF-8", id="text-with-the-magic-of-orc"),
        pytest.param("PAR1,größe\n1,ä\n", "windows-1252", id="text-with-the-magic-of-parquet-in-another-encoding"),
        pytest.param("id,name\n" + "x" * 249 + "ustar,\n", "UTF-8", id="text-with-the-magic-of-tar"),
        pytest.param("BZh9,x\n", "UTF-8", id="text-with-the-magic-of-bzip2"),
        pytest.param("<id>,<html>\n", "UTF-8", id="angle-brackets"),
        pytest.param("id,a\x00b\n", "UTF-8", id="nul"),
        pytest.param("größe,id\n", "windows-1252", id="windows"),
        pytest.param("id,name\n", "UTF-16", id="utf-16-as-declared"),
        pytest.param("id,name\n", "UTF-16LE", id="utf-16-without-a-mark-as-declared"),
        pytest.param("", "UTF-8", id="empty"),
    ],
)
def test_csv_is_not_another_format(text: str, encoding: str) -> None:
    assert describe_other_format(text.encode(encoding), encoding) == ""


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(CSV), id="gzip"),
        pytest.param(bz2.compress(CSV), id="bzip2"),
        pytest.param(compressed("zstd"), id="zstd"),
        pytest.param(zipped("a.csv"), id="zip"),
    ],
)
def test_known_compressions_are_not_other_formats(data: bytes) -> None:
    assert describe_other_format(data, "UTF-8") == ""


def test_text_without_the_mark_that_its_encoding_needs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(CSV)
    heads = read_heads(open_lake(str(tmp_path)), [("x.csv", len(CSV))], CsvOptions(encoding="UTF-16"))
    assert heads.refused == {
        "x.csv": "no byte order mark, which UTF-16 needs; set source.csv.encoding to what it is, such as UTF-8 or UTF-16LE"
    }
