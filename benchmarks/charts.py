"""What the charts of one run cost: six charts, each wide, narrow and for print.

`python -m benchmarks charts` takes some seconds. The limit is vl-convert alone, which
turns the same specifications into SVG: what remains is our building of them.
"""

import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import vl_convert

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
    convert = vl_convert.vegalite_to_svg
    with patch.object(vl_convert, "vegalite_to_svg", wraps=convert) as seen:
        _draw()
    return [call.args[0] for call in seen.call_args_list]


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
