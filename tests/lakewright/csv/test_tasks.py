"""How objects are distributed over tasks."""

from lakewright.csv.heads import Header
from lakewright.csv.objects import CsvObject, CsvPart
from lakewright.csv.tasks import plan_tasks
from transforms.csv.text_layout import ByteRange

MB = 1 << 20


def objects(*sizes: int, days: int = 1, end: str = ".csv") -> list[CsvObject]:
    return [
        CsvObject(f"{number:05}{end}", size, "", Header(("id",), "\n"), {"day": f"{number % days:02}"})
        for number, size in enumerate(sizes)
    ]


def plan(objects: list[CsvObject], at_once: int, *, can_split: bool = True) -> list[list[CsvPart]]:
    return plan_tasks(objects, at_once, can_split=can_split)


def sizes_of(tasks: list[list[CsvPart]]) -> list[int]:
    return [sum(part.source.size for part in task) // MB for task in tasks]


def test_small_objects_are_gathered() -> None:
    tasks = plan(objects(*[10_000] * 1_000), at_once=2)
    assert 1 < len(tasks) <= 4
    assert sum(map(len, tasks)) == 1_000


def test_a_small_batch_is_one_task() -> None:
    assert len(plan(objects(MB, MB), at_once=64)) == 1


def test_a_task_has_objects_of_few_partitions() -> None:
    tasks = plan(objects(*[4 * MB] * 64, days=8), at_once=4)
    assert len(tasks) == 8
    assert [len({part.source.values["day"] for part in task}) for task in tasks] == [1] * 8


def test_cores_get_tasks_of_equal_size() -> None:
    assert sizes_of(plan(objects(*[24 * MB] * 16), at_once=2)) == [96, 96, 96, 96]


def test_a_large_batch_has_more_tasks_than_cores_need() -> None:
    assert sizes_of(plan(objects(*[100 * MB] * 100), at_once=2)) == [200, 300, 200, 300] * 10


def test_a_large_object_is_split_into_ranges_of_their_own_tasks() -> None:
    tasks = plan([*objects(380 * MB), *objects(MB)], at_once=2)
    ranges = [part.within for task in tasks for part in task if part.is_range]
    quarter = 95 * MB
    assert ranges == [
        ByteRange(0, quarter),
        ByteRange(quarter, 2 * quarter, begins_at_record=False),
        ByteRange(2 * quarter, 3 * quarter, begins_at_record=False),
        ByteRange(3 * quarter, None, begins_at_record=False),
    ]
    assert [len(task) for task in tasks] == [1] * 5


def test_gzip_and_encodings_of_several_bytes_are_not_split() -> None:
    for tasks in (plan(objects(400 * MB, end=".csv.gz"), 2), plan(objects(400 * MB), 2, can_split=False)):
        assert [part.is_range for task in tasks for part in task] == [False]


def test_no_objects_are_no_tasks() -> None:
    assert plan([], at_once=2) == []
