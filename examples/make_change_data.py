"""Make the change data of the demo: two tables as AWS DMS delivers them, a full load each and what comes after it."""

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
    ]
)
TRANSACTIONS: Final = pa.schema(
    [
        ("tran_id", pa.int32()),
        ("tran_date", pa.string()),
        ("store_id", pa.int32()),
        ("store_city", pa.string()),
        ("store_state", pa.string()),
        ("item_code", pa.string()),
        ("quantity", pa.int32()),
        ("total", pa.float64()),
    ]
)
NAMES: Final = ("Adam", "Celeste", "Mike", "Lisa", "Mary", "Jacob", "Jim", "Olivia", "Noah")
DEPARTMENTS: Final = ("IT", "Sales", "IT", "Sales", "Marketing", "Finance", "Marketing", "Finance", "IT")
CITIES: Final = ("SFO", "LA", "Chicago", "SFO", "NYC", "Denver", "Austin")


def employee(number: int, **changed: Any) -> dict[str, Any]:
    """Give one row of human_resources.employee_details."""
    row = {
        "emp_no": number,
        "name": NAMES[number - 1],
        "department": DEPARTMENTS[number - 1],
        "city": CITIES[number % len(CITIES)],
        "salary": 50_000 + 4_000 * number,
    }
    return row | changed


def transaction(number: int, **changed: Any) -> dict[str, Any]:
    """Give one row of dev.retail_transactions."""
    row = {
        "tran_id": number,
        "tran_date": f"2026-07-{number + 10:02}",
        "store_id": number % 3 + 1,
        "store_city": CITIES[number % len(CITIES)],
        "store_state": "CA",
        "item_code": f"X{number:04}",
        "quantity": number,
        "total": 12.5 * number,
    }
    return row | changed


def write(folder: str, table: str, name: str, schema: pa.Schema, rows: list[dict[str, Any]], time_column: str) -> None:
    """Write a file with the columns that DMS adds: rows that have an Op are changes."""
    added = [("schema_name", pa.string()), ("table_name", pa.string()), (time_column, pa.string())]
    kind = [("Op", pa.string())] if rows and "Op" in rows[0] else []
    schema_name, table_name = table.split("/")
    stamps = {"schema_name": schema_name, "table_name": table_name}
    path = HERE / folder / table / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([row | stamps for row in rows], pa.schema([*kind, *schema, *added])), path)


def main() -> None:
    """Write the files of both tables."""
    at = "2026-07-31 23:00:00.000000"
    load = [employee(number) | {"update_ts_dms": at} for number in range(1, 8)]
    write("raw", "human_resources/employee_details", "LOAD00000001.parquet", EMPLOYEES, load, "update_ts_dms")
    changes = [
        {"Op": "D", "emp_no": 3},
        {"Op": "I"} | employee(8),
        {"Op": "I"} | employee(9),
        {"Op": "U"} | employee(2, department="Finance", city="NYC"),
        {"Op": "U"} | employee(5, salary=85_000),
    ]
    changes = [row | {"update_ts_dms": f"2026-08-01 10:15:0{n}.000000"} for n, row in enumerate(changes)]
    write(
        "later", "human_resources/employee_details", "20260801-101512345.parquet", EMPLOYEES, changes, "update_ts_dms"
    )

    load = [transaction(number) | {"dms_received_ts": at} for number in range(1, 15)]
    write("raw", "dev/retail_transactions", "LOAD00000001.parquet", TRANSACTIONS, load, "dms_received_ts")
    changes = [
        {"Op": "I"} | transaction(15),
        {"Op": "U"} | transaction(12, store_city="SAN JOSE"),
        {"Op": "D"} | transaction(2),
    ]
    changes = [row | {"dms_received_ts": f"2026-08-01 10:20:0{n}.000000"} for n, row in enumerate(changes)]
    write(
        "later",
        "dev/retail_transactions",
        "2026/08/01/20260801-102012345.parquet",
        TRANSACTIONS,
        changes,
        "dms_received_ts",
    )


if __name__ == "__main__":
    main()
