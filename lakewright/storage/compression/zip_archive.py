"""Streaming decompression of the only member of a zip archive."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from lakewright.errors import DamagedStreamError

#: Errors of the library for damaged archives.
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, LookupError, NotImplementedError, OverflowError
)  # fmt: skip
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_ENCRYPTED: Final = 1
#: Folder in which macOS keeps attributes of files.
_ATTRIBUTES: Final = "__MACOSX/"
#: Of members that this module writes: archives of the same content are the same bytes.
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def unzip(file: BinaryIO, *, piece_bytes: int) -> Iterator[bytes]:
    """Decompress the only member of an archive, piece by piece; its directory is at the end of the file.

    Folders, and attributes of files on macOS, do not count as members.

    Raises:
        DamagedStreamError: If it is truncated or damaged, has another number of members, or the member is encrypted or
            compressed with another method than deflate.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _require_nothing_else(file, archive)
            with archive.open(_only_member(archive)) as content:
                while piece := content.read(piece_bytes):
                    yield piece
    except EOFError as error:
        raise DamagedStreamError("zip", is_truncated=True) from error
    except _DAMAGE as error:
        problem = "its checksum does not match its content" if "CRC" in str(error) else "its content is damaged"
        problem = "it is truncated: it has no directory at its end" if "not a zip file" in str(error) else problem
        raise DamagedStreamError("zip", problem) from error


def zip_of(name: str, body: bytes) -> bytes:
    """Return an archive with one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, _EPOCH), body, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _require_nothing_else(file: BinaryIO, archive: zipfile.ZipFile) -> None:
    if min((entry.header_offset for entry in archive.infolist()), default=0):
        raise DamagedStreamError("zip", "its member is not where its directory says")
    file.seek(-_END_BYTES - len(archive.comment), io.SEEK_END)
    if file.read(len(_END)) != _END:
        raise DamagedStreamError("zip", "other bytes follow its end")


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [entry for entry in archive.infolist() if not entry.is_dir()]
    members = [member for member in members if not member.filename.startswith(_ATTRIBUTES)]
    if len(members) != 1:
        raise DamagedStreamError(
            "zip", f"it has {len(members) or 'no'} members; put each CSV into an archive of its own", is_damaged=False
        )
    if members[0].flag_bits & _ENCRYPTED:
        raise DamagedStreamError("zip", "its member is encrypted; decrypt it", is_damaged=False)
    if members[0].compress_type not in _METHODS:
        problem = f"its member is compressed with method {members[0].compress_type}; only deflate is supported"
        raise DamagedStreamError("zip", problem, is_damaged=False)
    return members[0]
