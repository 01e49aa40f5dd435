"""The instants that timestamps may have, in microseconds since 1970 (UTC): those of the years 1 to 9999."""

from typing import Final

FIRST_MICROS: Final = -62_135_596_800_000_000
LAST_MICROS: Final = 253_402_300_799_999_999
