"""Write the change data of the worked examples: tables as AWS DMS delivers them, a full load each and the changes."""

import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

HERE: Final = Path(__file__).parent
EMPLOYEES: Final = pa.schema(
    [
        ("emp_no", pa.int32()),
        ("name", pa.string()),
        ("department", pa.string()),
        ("city", pa.string()),
        ("salary", pa.int32()),
        ("schema_name", pa.string()),
        ("table_name", pa.string()),
        ("update_ts_dms", pa.string()),
    ]
)
TRANSACTIONS: Final = pa.schema(
    [
        ("tran_id", pa.int32()),
        ("tran_date", pa.date32()),
        ("store_id", pa.int32()),
        ("store_city", pa.string()),
        ("store_state", pa.string()),
        ("item_code", pa.string()),
        ("quantity", pa.int32()),
        ("total", pa.float64()),
        ("dms_received_ts", pa.string()),
    ]
)
#: The source document prints row 3, the time of its delete, and which rows change; README.md says what was chosen.
LOADED_EMPLOYEES: Final = (
    (1, "Adam", "IT", "SFO", 50000),
    (2, "Celeste", "Sales", "LA", 60000),
    (3, "Jeff", "Finance", "Tokyo", 55000),
    (4, "Lisa", "Sales", "SFO", 62000),
    (5, "Mary", "Marketing", "NYC", 65000),
    (6, "Jacob", "Finance", "Denver", 70000),
    (7, "Jim", "Marketing", "Austin", 58000),
)
CHANGED_EMPLOYEES: Final = (
    ("D", 3, "Jeff", "Finance", "Tokyo", 55000, "2020-10-25 07:57:48.589284"),
    ("I", 8, "Olivia", "Finance", "Chicago", 72000, "2020-10-25 07:57:49.104817"),
    ("I", 9, "Noah", "IT", "LA", 51000, "2020-10-25 07:57:49.612550"),
    ("U", 2, "Celeste", "Sales", "NYC", 60000, "2020-10-25 07:57:50.120093"),
    ("U", 5, "Mary", "Marketing", "NYC", 85000, "2020-10-25 07:57:50.631746"),
    ("U", 9, "Noah", "IT", "LA", 53000, "2020-10-25 07:57:51.140402"),
)
LOADED_TRANSACTIONS: Final = (
    (1, "2019-03-17", 1, "CHICAGO", "IL", "XXXXXX", 5, 106.25),
    (2, "2019-03-16", 2, "NEW YORK", "NY", "XXXXXX", 6, 116.25),
    (3, "2019-03-15", 3, "SPRINGFIELD", "IL", "XXXXXX", 7, 126.25),
    (4, "2019-03-17", 4, "SAN FRANCISCO", "CA", "XXXXXX", 8, 136.25),
    (5, "2019-03-11", 1, "CHICAGO", "IL", "XXXXXX", 9, 146.25),
    (6, "2019-03-18", 1, "CHICAGO", "IL", "XXXXXX", 10, 156.25),
    (7, "2019-03-14", 2, "NEW YORK", "NY", "XXXXXX", 11, 166.25),
    (8, "2019-03-11", 1, "CHICAGO", "IL", "XXXXXX", 12, 176.25),
    (9, "2019-03-10", 4, "SAN FRANCISCO", "CA", "XXXXXX", 13, 186.25),
    (10, "2019-03-13", 1, "CHICAGO", "IL", "XXXXXX", 14, 196.25),
    (11, "2019-03-14", 5, "CHICAGO", "IL", "XXXXXX", 15, 106.25),
    (12, "2019-03-15", 6, "CHICAGO", "IL", "XXXXXX", 16, 116.25),
    (13, "2019-03-16", 7, "CHICAGO", "IL", "XXXXXX", 17, 126.25),
    (14, "2019-03-16", 7, "CHICAGO", "IL", "XXXXXX", 17, 126.25),
)
CHANGED_TRANSACTIONS: Final = (
    ("I", 15, "2019-03-16", 7, "CHICAGO", "IL", "XXXXXX", 17, 126.25, "2019-03-19 10:00:01.000000"),
    ("U", 12, "2019-03-15", 6, "SPRINGFIELD", "IL", "XXXXXX", 16, 116.25, "2019-03-19 10:00:02.000000"),
    ("D", 2, "2019-03-16", 2, "NEW YORK", "NY", "XXXXXX", 6, 116.25, "2019-03-19 10:00:03.000000"),
)


def write(path: str, schema: pa.Schema, rows: list[tuple[Any, ...]]) -> None:
    """Write a file of rows in the order of its columns."""
    names = schema.names
    records = [dict(zip(names, row, strict=True)) for row in rows]
    for record in records:
        if "tran_date" in record:
            record["tran_date"] = datetime.date.fromisoformat(record["tran_date"])
    (HERE / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(records, schema), HERE / path)


def with_kind(schema: pa.Schema) -> pa.Schema:
    """Add the column that DMS writes before those of a change; a full load has none."""
    return pa.schema([("Op", pa.string()), *schema])


def main() -> None:
    """Write the files of both tables."""
    names = ("human_resources", "employee_details")
    write(
        "raw/human_resources/employee_details/LOAD00000001.parquet",
        EMPLOYEES,
        [(*row, *names, "2020-10-25 07:46:15.000000") for row in LOADED_EMPLOYEES],
    )
    write(
        "later/human_resources/employee_details/20201025-075810123.parquet",
        with_kind(EMPLOYEES),
        [(*row[:-1], *names, row[-1]) for row in CHANGED_EMPLOYEES],
    )
    write(
        "dmsdata/dev/retail_transactions/LOAD00000001.parquet",
        TRANSACTIONS,
        [(*row, "2019-03-18 22:00:00.000000") for row in LOADED_TRANSACTIONS],
    )
    write(
        "later/dev/retail_transactions/20190319-100510123.parquet",
        with_kind(TRANSACTIONS),
        list(CHANGED_TRANSACTIONS),
    )


if __name__ == "__main__":
    main()
