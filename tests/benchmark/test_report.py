"""Values of rounds become a table with aims."""

import pytest
from scripts.benchmark.report import Result, as_json, markdown
from scripts.benchmark.rows import PEER_ROWS, ROWS, Aim, Row

FACTS = dict.fromkeys(("date", "cpu", "system", "storage", "python", "mitmproxy", "mitmclaude", "run"), "x")


def row(aim: Aim | None) -> Row:
    return Row("end", "ms", lambda bench: {}, "last", aim)


def line(aim: Aim | None, bare: list[float], ours: list[float]) -> str:
    result = Result.of(row(aim), {"last": {"direct": [0.5], "bare": bare, "ours": ours}})
    return markdown([result], FACTS).splitlines()[2]


def test_ratio_round_by_round() -> None:
    """The ratio is the median of the rounds' ratios, with the least and the greatest."""
    shown = line(Aim(1.2), [1.0, 2.0, 4.0], [1.1, 2.6, 4.0])
    assert shown == "| end [ms] | 0.5 | 2 | 2.6 | **1.10** (1.00 to 1.30) | ≤ 1.20 | yes |"


@pytest.mark.parametrize(
    ("aim", "met"),
    [
        (Aim(1.5), "yes"),
        (Aim(1.49), "**no**"),
        (Aim(1.5, least=True), "yes"),
        (Aim(1.51, least=True), "**no**"),
        (Aim(1.0, "difference"), "yes"),
        (Aim(0.9, "difference"), "**no**"),
        (Aim(3.0, "ours"), "yes"),
        (Aim(2.9, "ours"), "**no**"),
        (None, ""),
    ],
)
def test_met(aim: Aim | None, met: str) -> None:
    """An aim bounds the ratio, the difference or ours alone, from above or below; a row may have none."""
    assert line(aim, [2.0], [3.0]).endswith(f"| {met} |")


def test_met_as_printed() -> None:
    """What is printed as the bound meets it."""
    assert "**1.00**" in (shown := line(Aim(1.0), [1.0], [1.004])) and shown.endswith("| yes |")


def test_not_measured() -> None:
    """A row that could not be measured stands in the table, neither met nor missed."""
    shown = markdown([Result.of(row(Aim(1.0)), None)], FACTS).splitlines()[2]
    assert shown == "| end [ms] |  |  |  | not measured | ≤ 1.00 |  |"


def test_peers() -> None:
    """Each tool has a row of its own, the best of them is what ours is compared with."""
    values = {"direct": [9.0], "bare": [5.0], "ours": [6.0], "one 1.0": [4.0], "best peer": [4.0]}
    results = [Result.of(each, {each.part: values}) for each in PEER_ROWS]
    table = markdown(results, FACTS)
    assert "| 9 | 4 | 6 | **1.50** (1.50 to 1.50) | ≥ 1.00 | yes |" in table
    assert "| one 1.0 | 4 | 4 | 4 |" in table and "| best peer |" not in table


def test_json() -> None:
    """Every round's values are in the JSON, with what came of them."""
    values = {"bare": [1.0, 1.0], "ours": [1.0, 2.0]}
    (made,) = as_json([Result.of(row(Aim(1.0)), {"last": values})], FACTS)["rows"]
    assert made["values"] == values and made["figures"] == [1.0, 2.0] and made["met"] is False


def test_names() -> None:
    """No two rows have the same name."""
    names = [each.name for each in (*ROWS, *PEER_ROWS)]
    assert len(set(names)) == len(names)
