"""What the charts of one run cost: six charts, each wide, narrow and for print.

`python -m benchmarks charts` takes some seconds. The limit is vl-convert alone, which
turns the same specifications into SVG: what remains is our building of them.
"""

import time
from collections.abc import Callable
from typing import Any

import vl_convert

from analysis import charts
from benchmarks.harness import Figure, figure
from tests.analysis.chart_examples import draw_arrivals, draw_result

TIMES = 3  # each; the best counts


def measure() -> list[Figure]:
    """Measure drawing, in seconds of CPU, beside converting the same specifications.

    Returns:
        The figure.
    """
    specs = _specs()  # and everything is loaded once before the clock runs
    limit, ours = [], []
    for _ in range(TIMES):  # in turn, so that both meet the same machine
        limit.append(_seconds(lambda: [vl_convert.vegalite_to_svg(s) for s in specs]))
        ours.append(_seconds(_draw))
    return [
        figure("charts of one run", min(ours), "s CPU", limit=min(limit), at_most=2)
    ]


def _draw() -> None:
    draw_result()
    draw_arrivals()


def _specs() -> list[dict[str, Any]]:
    seen = []
    drawing = charts.to_svg

    def kept(spec: dict[str, Any], *others: Any) -> str:  # noqa: ANN401  # as to_svg
        seen.append(spec)
        return drawing(spec, *others)

    charts.to_svg = kept
    try:
        _draw()
    finally:
        charts.to_svg = drawing
    return seen


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
