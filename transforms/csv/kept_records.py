"""Leave records out of a block of CSV text by their positions. No pyspark."""

from dataclasses import replace

import pyarrow as pa

from transforms.csv.text_layout import TextBlock


def without_records(block: TextBlock, positions: frozenset[int]) -> TextBlock:
    """Leave out the records that begin at some positions."""
    begins = block.positions(range(block.columns.num_rows))
    kept = [row for row, begin in enumerate(begins) if begin not in positions]
    faults = [fault for fault in block.faults if fault.position not in positions]
    if len(kept) == len(begins):
        return replace(block, faults=faults)
    return replace(
        block,
        columns=block.columns.take(pa.array(kept, pa.int64())).combine_chunks(),
        faults=faults,
        texts=lambda rows: block.texts([kept[row] for row in rows]),
        positions=lambda rows: [begins[kept[row]] for row in rows],
    )
