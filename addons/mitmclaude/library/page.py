"""Totals → one HTML page that needs nothing else: tables, and plots as SVG."""

from collections.abc import Sequence
from html import escape
from typing import Final, NamedTuple

WIDTH, HEIGHT = 860, 220
LEFT, BOTTOM, TOP = 64, 28, 12
COLOURS: Final = ("#3b6fb6", "#d9772b", "#4f9d5d", "#b0413e", "#7a5aa6", "#8a7f4c", "#4aa3a8", "#777777")

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th.text, td.text { text-align: left; }
tfoot td { font-weight: 600; border-top: 2px solid #888; }
svg { max-width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
.grid { stroke: #8884; } .legend span { margin-right: 1rem; } .legend i { display: inline-block; width: .8em;
height: .8em; margin-right: .3em; border-radius: 2px; }
"""


class Table(NamedTuple):
    """Cells as texts; the first `texts` columns are aligned to the left."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int
    foot: Sequence[str] = ()


class Series(NamedTuple):
    """Values along the days of a plot; None where there is none."""

    name: str
    values: Sequence[float | None]


class Plot(NamedTuple):
    """Series over the same days: bars that stand on one another, or lines."""

    title: str
    days: Sequence[str]
    series: Sequence[Series]
    unit: str
    """How a value is written, with ``{}`` for the number."""
    bars: bool = True


def page(title: str, note: str, plots: Sequence[Plot], tables: Sequence[tuple[str, Table]]) -> str:
    """The page; no text of it can become a part of its markup, and it loads nothing."""
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    body = [f"<h1>{escape(title)}</h1><p>{escape(note)}</p>"]
    body += [f"<h2>{escape(plot.title)}</h2>{_svg(plot)}{_legend(plot)}" for plot in plots if plot.days]
    body += [f"<h2>{escape(name)}</h2>{_table(table)}" for name, table in tables]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{policy}"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style>{''.join(body)}</html>\n"
    )


def _svg(plot: Plot) -> str:
    sums = [sum(value or 0 for value in at) for at in zip(*(one.values for one in plot.series), strict=True)]
    known = [value for one in plot.series for value in one.values if value is not None]
    top = _round_up(max(sums if plot.bars else known, default=0) or 1)
    inner = HEIGHT - TOP - BOTTOM
    step = (WIDTH - LEFT) / len(plot.days)
    parts = []
    for tick in range(5):
        y = TOP + inner * tick / 4
        label = plot.unit.format(_number(top * (4 - tick) / 4))
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>')
    every = max(1, len(plot.days) // 10)
    for number, day in enumerate(plot.days):
        if number % every == 0:
            x = LEFT + step * (number + 0.5)
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(day[5:])}</text>')
    draw = _bars if plot.bars else _lines
    parts += draw(plot, step, inner / top)
    label = escape(plot.title, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def _bars(plot: Plot, step: float, scale: float) -> list[str]:
    parts, stands = [], [0.0] * len(plot.days)
    for one, colour in zip(plot.series, _colours(plot), strict=True):
        for number, value in enumerate(one.values):
            if not value:
                continue
            height = value * scale
            x, y = LEFT + step * (number + 0.1), HEIGHT - BOTTOM - stands[number] - height
            told = escape(f"{plot.days[number]}  {one.name}: {plot.unit.format(_number(value))}")
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{step * 0.8:.1f}" height="{height:.2f}" fill="{colour}">'
                f"<title>{told}</title></rect>"
            )
            stands[number] += height
    return parts


def _lines(plot: Plot, step: float, scale: float) -> list[str]:
    parts = []
    for one, colour in zip(plot.series, _colours(plot), strict=True):
        at = [
            (LEFT + step * (number + 0.5), HEIGHT - BOTTOM - value * scale, number, value)
            for number, value in enumerate(one.values)
            if value is not None
        ]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in at)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y, number, value in at:
            told = escape(f"{plot.days[number]}  {one.name}: {plot.unit.format(_number(value))}")
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"><title>{told}</title></circle>')
    return parts


def _legend(plot: Plot) -> str:
    names = zip(plot.series, _colours(plot), strict=True)
    shown = "".join(f'<span><i style="background:{colour}"></i>{escape(one.name)}</span>' for one, colour in names)
    return f'<p class="legend">{shown}</p>'


def _colours(plot: Plot) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in range(len(plot.series))]


def _table(table: Table) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=text' if number < table.texts else ''}>{escape(cell)}</{tag}>"
            for number, cell in enumerate(cells)
        )

    rows = "".join(f"<tr>{line(cells, 'td')}</tr>" for cells in table.rows)
    foot = f"<tfoot><tr>{line(table.foot, 'td')}</tr></tfoot>" if table.foot else ""
    return f"<table><thead><tr>{line(table.head, 'th')}</tr></thead><tbody>{rows}</tbody>{foot}</table>"


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 8, 10 times a power of ten."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next((step * power for step in (1, 2, 4, 5, 8) if step * power >= value), 10 * power)


def _number(value: float) -> str:
    for divisor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= divisor:
            return f"{value / divisor:.3g}{unit}"
    return f"{value:.3g}"
