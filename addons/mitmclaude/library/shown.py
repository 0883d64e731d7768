"""Numbers, times and ids → short texts for a table that a person reads."""

from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

NONE: Final = "–"  # noqa: RUF001
BOUND: Final = "≥"
"""Before what is a lower bound: an answer ended before its usage was final."""


def count(number: int | None) -> str:
    """``812``, ``9.0k``, ``120k``, ``3.4M``."""
    if number is None:
        return NONE
    for limit, divisor, unit in ((1_000, 1, ""), (999_500, 1_000, "k"), (999_500_000, 1_000_000, "M")):
        if number < limit:
            value = number / divisor
            return f"{value:.1f}{unit}" if unit and value < 99.95 else f"{value:.0f}{unit}"
    return f"{number / 1_000_000_000:.1f}G"


def money(dollars: Decimal | None, *, partial: bool = False) -> str:
    """``$0.0243``, ``$12.40``, ``$1,204.11``; four decimals below a dollar."""
    if dollars is None:
        return NONE
    places = Decimal("0.01") if dollars >= 1 else Decimal("0.0001")
    return f"{BOUND if partial else ''}${dollars.quantize(places, ROUND_HALF_EVEN):,}"


def seconds(duration: float | None) -> str:
    """``0.81s``, ``9.4s``, ``2m 05s``, ``3h 20m``, ``2d 4h``."""
    if duration is None:
        return NONE
    if duration < 9.95:
        return f"{duration:.2f}s" if duration < 0.995 else f"{duration:.1f}s"
    whole = round(duration)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600}h"


def percent(part: float | None) -> str:
    """``93%``; never 100% of what is not all, nor 0% of what is something."""
    if part is None:
        return NONE
    if 0 < part < 0.01:
        return "<1%"
    return f"{min(99, round(part * 100)) if part < 1 else 100}%"


def when(at: datetime, zone: tzinfo | None) -> str:
    """``2026-11-24 14:02``, in `zone`."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def model(name: str | None) -> str:
    """``opus-5-5``: without what all names share, and without a date."""
    if not name:
        return NONE
    short = name.removeprefix("claude-")
    head, _, tail = short.rpartition("-")
    return head if len(tail) == 8 and tail.isdecimal() and head else short


def models(names: list[str]) -> str:
    """The first of them, and how many others there are."""
    return NONE if not names else model(names[0]) + (f" +{len(names) - 1}" if len(names) > 1 else "")


def short(id_: str | None) -> str:
    """The first 8 characters of an id."""
    return id_[:8] if id_ else NONE
