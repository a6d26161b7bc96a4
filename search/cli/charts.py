"""Bars: in letters for a terminal, as SVG, and as PNG through matplotlib where it is installed.

Labels come from articles: they are cleaned here, escaped in XML, and never taken for markup by matplotlib.
"""

from __future__ import annotations

import io
import math
import re
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from xml.sax.saxutils import escape

from search.cli.options import styled
from search.cli.text import cut, isolated, line, width
from search.errors import MissingExtraError, UsageError

_EIGHTHS = " ▏▎▍▌▋▊▉"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

WIDTH, FONT = 960, 13
INK, FAINT, BAR = "#222", "#ccc", "#4472a8"
ROW, LABEL = 20, 260  # of lying bars: height of each, room for labels
PLOT = 260  # height of standing bars
COLORS = ("#4472a8", "#c0504d", "#6a9a3a", "#8064a2", "#d08a2e", "#2f9aa0", "#7f7f7f", "#a5478a")
NARROW = 6  # columns of a bar that stands beside others
MARGIN = 16
LABELS = 12  # under standing bars
TITLE = 100  # characters
SEPARATE = 500  # standing bars that a picture shows one by one
TALLEST = 60_000  # pixels that PNG can have in one direction, with room to spare


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars under a heading. ``standing`` ones run from left to right as time does; others lie below each other."""

    heading: str
    labels: Sequence[str]
    values: Sequence[int]
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines from left to right, each with a name, over the same periods. ``percent``: their values are shares, 0 to
    1."""

    heading: str
    labels: Sequence[str]
    series: Sequence[tuple[str, Sequence[float]]]
    percent: bool = False

    @property
    def most(self) -> float:
        """The largest value; of shares in per cent."""
        return max((self.scale(value) for _, values in self.series for value in values), default=0.0)

    def scale(self, value: float) -> float:
        """A value as the axis has it."""
        return value * 100 if self.percent else value

    def shown(self, value: float) -> str:
        """A value in words."""
        return f"{value:.1%}" if self.percent else f"{value:,.0f}"


def xml(text: str) -> str:
    """Cleaned text for XML, element or attribute: nothing in it is markup, nothing is a character that XML forbids."""
    return escape(_NOT_XML.sub("", line(text)), {'"': "&quot;"})


def bar(value: int, most: int, columns: int) -> str:
    """A bar of at most ``columns``; whatever is not nothing can be seen."""
    if value <= 0 or most <= 0:
        return ""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    eighths = max(round(value / most * columns * 8), 1)
    try:
        _EIGHTHS.encode(encoding)
        "█".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return "#" * max(eighths // 8, 1)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def rows(labels: Sequence[str], values: Sequence[int], notes: Sequence[str], columns: int) -> list[str]:
    """Lying bars in letters: label, bar, number and a note in each row."""
    if not labels:
        return []
    numbers = [f"{value:,}" for value in values]
    room = columns - max(map(len, numbers)) - max(map(len, notes)) - 4
    labels = [cut(label, max(room // 2, 8)) for label in labels]
    names = max(map(width, labels))
    most, space = max(values), max(room - names, 4)
    found = []
    for label, value, number, note in zip(labels, values, numbers, notes, strict=True):
        drawn = bar(value, most, space)
        text = (
            (isolated(label) if styled() else label)
            + " " * (names - width(label))
            + "  "
            + drawn
            + " " * (space - len(drawn))
        )
        found.append(f"{text} {number:>{max(map(len, numbers))}} {note}".rstrip())
    return found


def svg(title: str, panels: Sequence[Panel | Lines]) -> str:
    """The panels as an SVG document."""
    body: list[str] = [_text(MARGIN, MARGIN + FONT, cut(title, TITLE), size=FONT + 3)]
    top = 2 * MARGIN + FONT + 6
    for panel in panels:
        if isinstance(panel, Lines):
            drawn, height = _lines(panel, top)
        else:
            drawn, height = (_standing if panel.standing else _lying)(panel, top)
        body += drawn
        top += height + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}" '
        f'font-family="sans-serif" font-size="{FONT}">'
    )
    ground = f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>'
    return "\n".join([head, f"<title>{xml(title)}</title>", ground, *body, "</svg>"])


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = FONT) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{INK}">{xml(text)}</text>'


def _lying(panel: Panel, top: int) -> tuple[list[str], int]:
    most = max(panel.values, default=0)
    found = [_text(MARGIN, top + FONT, panel.heading)]
    space = WIDTH - LABEL - 2 * MARGIN - 80
    for place, (label, value) in enumerate(zip(panel.labels, panel.values, strict=True)):
        y = top + ROW * (place + 1) + 6
        long = value / most * space if most else 0
        found.append(_text(MARGIN + LABEL - 8, y + FONT, cut(label, 36), anchor="end"))
        found.append(
            f'<rect x="{MARGIN + LABEL}" y="{y + 1}" width="{long:.1f}" height="{ROW - 4}" fill="{BAR}">'
            f"<title>{xml(label)}: {value:,}</title></rect>"
        )
        found.append(_text(MARGIN + LABEL + long + 6, y + FONT, f"{value:,}"))
    return found, ROW * (len(panel.labels) + 1) + 6


def _standing(panel: Panel, top: int) -> tuple[list[str], int]:
    found = [_text(MARGIN, top + FONT, panel.heading)]
    left, floor = MARGIN + 60, top + ROW + PLOT
    space = WIDTH - left - MARGIN
    most = max(panel.values, default=0)
    for value in ticks(most):
        y = floor - (value / most * PLOT if most else 0)
        found.append(f'<line x1="{left}" x2="{WIDTH - MARGIN}" y1="{y:.1f}" y2="{y:.1f}" stroke="{FAINT}"/>')
        found.append(_text(left - 6, y + 4, f"{value:,}", anchor="end"))
    step = space / max(len(panel.values), 1)
    for place, (label, value) in enumerate(zip(panel.labels, panel.values, strict=True)):
        high = value / most * PLOT if most else 0
        found.append(
            f'<rect x="{left + place * step:.2f}" y="{floor - high:.1f}" width="{max(step * 0.85, 0.3):.2f}" '
            f'height="{high:.1f}" fill="{BAR}"><title>{xml(label)}: {value:,}</title></rect>'
        )
    for place in named(len(panel.labels)):
        found.append(_text(left + (place + 0.425) * step, floor + ROW, panel.labels[place], anchor="middle", size=11))
    return found, ROW * 2 + PLOT + 6


def _lines(panel: Lines, top: int) -> tuple[list[str], int]:
    found = [_text(MARGIN, top + FONT, panel.heading)]
    legend = top + ROW
    for place, (name, _) in enumerate(panel.series):
        row, color = legend + ROW * place, COLORS[place % len(COLORS)]
        found.append(f'<rect x="{MARGIN + 60}" y="{row}" width="12" height="12" fill="{color}"/>')
        found.append(_text(MARGIN + 78, row + FONT - 2, cut(name, TITLE)))
    left, floor = MARGIN + 60, legend + ROW * (len(panel.series) + 1) + PLOT
    space, most = WIDTH - left - MARGIN, panel.most
    for tick in ticks(math.ceil(most)):
        high = floor - (tick / most * PLOT if most else 0)
        if high >= floor - PLOT - 1:
            found.append(f'<line x1="{left}" x2="{WIDTH - MARGIN}" y1="{high:.1f}" y2="{high:.1f}" stroke="{FAINT}"/>')
            found.append(_text(left - 6, high + 4, f"{tick:,}{'%' * panel.percent}", anchor="end"))
    step = space / max(len(panel.labels), 1)
    for number, (name, values) in enumerate(panel.series):
        color = COLORS[number % len(COLORS)]
        dots = [
            (left + (at + 0.425) * step, floor - (panel.scale(value) / most * PLOT if most else 0))
            for at, value in enumerate(values)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        found.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for (x, y), label, value in zip(dots, panel.labels, values, strict=True):
            told = f"<title>{xml(f'{name}, {label}')}: {panel.shown(value)}</title>"
            found.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}">{told}</circle>')
    for place in named(len(panel.labels)):
        found.append(_text(left + (place + 0.425) * step, floor + ROW, panel.labels[place], anchor="middle", size=11))
    return found, floor + ROW * 2 - top


def table(names: Sequence[str], panel: Lines, columns: int) -> list[str]:
    """Lines in letters: a row for each period, a value and a bar in it for each name; below each other where there is
    no room for that."""
    if not panel.labels:
        return []
    values = [[panel.shown(value) for value in values] for _, values in panel.series]
    digits = [max(map(len, own)) for own in values]
    label = max(map(width, panel.labels))
    room = (columns - label) // len(names) - 3
    if room - max(digits) < NARROW:
        blocks = []
        for name, (_, own), told in zip(names, panel.series, values, strict=True):
            scaled = [panel.scale(value) for value in own]
            bars = [bar(round(value * 8), round(panel.most * 8), columns - label - max(digits) - 4) for value in scaled]
            wide = max(map(width, bars))
            lines = zip(panel.labels, bars, told, strict=True)
            blocks += [cut(name, columns)] + [
                f"{one}{' ' * (label - width(one))}  {drawn}{' ' * (wide - width(drawn))} {text}"
                for one, drawn, text in lines
            ]
        return blocks
    head = " " * label + "".join(f"   {cut(name, room):<{room}}" for name in names)
    found = [head.rstrip()]
    for place, one in enumerate(panel.labels):
        cells = []
        for (_, own), told, size in zip(panel.series, values, digits, strict=True):
            space = room - size - 1
            drawn = bar(round(panel.scale(own[place]) * 8), round(panel.most * 8), space)
            cells.append(f"   {told[place]:>{size}} {drawn}{' ' * (space - width(drawn))}")
        found.append((one + " " * (label - width(one)) + "".join(cells)).rstrip())
    return found


def ticks(most: int) -> list[int]:
    """Round whole numbers for an axis from 0 to ``most``, six at most."""
    step, place = 1, 0
    while most / step > 5:
        step = (1, 2, 5)[place % 3] * 10 ** (place // 3)
        place += 1
    return list(range(0, most + 1, step))


def named(count: int) -> range:
    """Which of many periods get their names printed."""
    return range(0, count, max(-(-count // LABELS), 1))


def png(title: str, panels: Sequence[Panel | Lines]) -> bytes:
    """The panels as a PNG picture. Raises MissingExtraError without matplotlib, UsageError for too tall a picture."""
    try:
        figures: Any = import_module("matplotlib.figure")
    except ImportError:
        raise MissingExtraError("matplotlib", "charts") from None
    heights = [
        PLOT + 2 * ROW if isinstance(panel, Lines) or panel.standing else ROW * (len(panel.labels) + 1) + 6
        for panel in panels
    ]
    total = sum(heights) + 2 * MARGIN + ROW * len(panels) * 2
    if total > TALLEST:
        raise UsageError("this picture would be too tall for PNG; show fewer values with --limit, or use svg")
    figure = figures.Figure(figsize=(WIDTH / 100, total / 100), dpi=100, layout="constrained")
    figure.suptitle(cut(title, TITLE), fontsize=12, parse_math=False)
    if panels:
        axes = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
        for panel, own in zip(panels, axes, strict=True):
            if isinstance(panel, Lines):
                _plot_lines(panel, own)
            else:
                _plot(panel, own)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a script that the font lacks shows as boxes
        figure.savefig(out, format="png")
    return out.getvalue()


def _plot_lines(panel: Lines, axes: Any) -> None:
    for number, (_, values) in enumerate(panel.series):
        scaled = [panel.scale(value) for value in values]
        axes.plot(range(len(scaled)), scaled, color=COLORS[number % len(COLORS)], marker=".")
    names = [cut(name, 60) for name, _ in panel.series]
    shown = list(named(len(panel.labels)))
    axes.set_xticks(shown, [cut(panel.labels[place], 36) for place in shown], fontsize=8, parse_math=False)
    for text in axes.legend(names, fontsize=8, frameon=False).get_texts():
        text.set_parse_math(False)
    axes.set_title(line(panel.heading), fontsize=10, loc="left", parse_math=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _plot(panel: Panel, axes: Any) -> None:
    places = range(len(panel.values))
    shown = named(len(panel.labels)) if panel.standing else places
    labels = [cut(panel.labels[place], 36) for place in shown]
    if panel.standing:
        if len(places) <= SEPARATE:
            axes.bar(places, panel.values, color=BAR)
        else:
            axes.fill_between(places, panel.values, step="mid", color=BAR)
        axes.set_xticks(list(shown), labels, fontsize=8, parse_math=False)
        axes.set_yticks(ticks(max(panel.values, default=0)))
    else:
        axes.barh(places, panel.values, color=BAR)
        axes.set_yticks(list(shown), labels, fontsize=8, parse_math=False)
        axes.invert_yaxis()
    axes.set_title(line(panel.heading), fontsize=10, loc="left", parse_math=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
