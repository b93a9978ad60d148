"""A drawn chart with its sentence and table, and how one is made in all its media."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from altair.utils.schemapi import debug_mode

from analysis.chart_style import (
    HALF,
    HALF_PRINT,
    NARROW,
    PRINT,
    WIDE,
    Medium,
    to_svg,
)

Draw = Callable[[Medium], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DrawnChart:
    """One chart, ready to be stored.

    Attributes:
        name: "enrolment", "primary_outcome", "difference:{metric}", "forest",
            "forest:{variant}", "segments:{variant}",
            "retention:{metric}" (every curve over time), "csat:{metric}",
            "funnel:{metric}", "looks:{variant}", "segment_size" or "detectable".
        title: what it is of.
        description: the sentence that says what is to be seen.
        web_svg: two SVG elements, wide and narrow; the page shows one of them.
        print_svg: one SVG element with literal colours.
        table: {"columns": [...], "rows": [[...]], "sentence": description}.
    """

    name: str
    title: str
    description: str
    web_svg: str
    print_svg: str
    table: dict[str, Any]


def drawn(
    name: str,
    title: str,
    description: str,
    table: tuple[list[str], list[list[Any]]],
    spec: Draw,
    *,
    half: bool = False,
) -> DrawnChart:
    """Draw a chart for the page, wide and narrow, and for print.

    Args:
        name: as `DrawnChart.name`.
        title: what it is of.
        description: the sentence that says what is to be seen.
        table: names of columns, and rows.
        spec: makes the specification for a medium.
        half: whether two such charts stand beside each other.

    Returns:
        The chart.
    """
    # Altair checks each part against its schema as it is made: most of the time that
    # drawing takes. The tests do it once for all charts.
    with debug_mode(arg=False):
        web, narrow, paper = (
            to_svg(spec(medium), medium, name, title, description)
            for medium in (
                HALF if half else WIDE,
                NARROW,
                HALF_PRINT if half else PRINT,
            )
        )
    columns, rows = table
    return DrawnChart(
        name=name,
        title=title,
        description=description,
        web_svg=web + narrow,
        print_svg=paper,
        table={"columns": columns, "rows": rows, "sentence": description},
    )
