"""What needs attention, merged and sorted."""

from lakewright.report.needs import Need, in_order

FEED = "orders --target eu"


def need(target: str) -> Need:
    return Need(
        "failing", FEED, [target], "no rights", "fix the cause", f"lakewright run '{FEED}'", f" --target {target}"
    )


def test_a_command_names_its_target_only_if_it_is_for_one() -> None:
    assert [each.report()["command"] for each in in_order([need("a")])] == [f"lakewright run '{FEED}' --target a"]
    (merged,) = in_order([need("a"), need("b")])
    assert merged.report()["command"] == f"lakewright run '{FEED}'"
    assert merged.targets == ["a", "b"]


def test_a_need_without_a_command_has_no_option_either() -> None:
    assert Need("unreadable", "orders", ["a"], "damaged", "fix it", option=" --target a").report()["command"] == ""
