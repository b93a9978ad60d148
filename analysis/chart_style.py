"""The look of charts, and how a specification becomes an SVG that a page may hold.

Each chart is drawn three times from one specification: wide and narrow for the page,
with colours as CSS custom properties so that dark mode works, and once for print with
literal colours. No style attribute and no script survive: the content policy of the
pages would refuse them.
"""

import re
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import altair as alt
import vl_convert

FONT = "Liberation Sans"
# Arial has the same widths, so text that was laid out here fits elsewhere.
FONT_STACK = "Liberation Sans, Arial, Helvetica, sans-serif"
LABEL_SIZE = 12
TEXT_SIZE = 14
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
DASHES = ([1, 0], [8, 3], [2, 3], [8, 3, 2, 3], [4, 4], [12, 4])
ANSWER_STEPS = 5


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours by meaning."""

    ink: str
    muted: str
    grid: str
    axis: str
    paper: str
    better: str
    worse: str
    undecided: str
    groups: tuple[str, ...]  # control first
    answers: tuple[str, ...]  # from the lowest to the highest answer
    answer_inks: tuple[str, ...]  # text that stands on them


@dataclass(frozen=True, slots=True)
class Medium:
    """Where a drawing goes: its colours and the width it has, in CSS pixels."""

    name: str
    paint: Paint
    width: int

    @property
    def is_narrow(self) -> bool:
        """Whether it is for a phone, where labels stand above what they name."""
        return self.name == "narrow"


WEB_PAINT = Paint(
    ink="var(--ink)",
    muted="var(--muted)",
    grid="var(--grid)",
    axis="var(--axis)",
    paper="var(--bg)",
    better="var(--better)",
    worse="var(--worse)",
    undecided="var(--undecided)",
    groups=tuple(f"var(--group-{i})" for i in range(1, 7)),
    answers=tuple(f"var(--answer-{i})" for i in range(1, ANSWER_STEPS + 1)),
    answer_inks=tuple(f"var(--answer-ink-{i})" for i in range(1, ANSWER_STEPS + 1)),
)
PRINT_PAINT = Paint(
    ink="#000000",
    muted="#333333",
    grid="#dddddd",
    axis="#666666",
    paper="#ffffff",
    better="#0b5fa5",
    worse="#b3430a",
    undecided="#5b6773",
    groups=("#5b6773", "#0b5fa5", "#7a5a00", "#6a3d9a", "#0f6b5c", "#9c2a5a"),
    # Stand-ins, each replaced by a pattern of its own once the SVG is drawn.
    answers=tuple(f"#a0000{i}" for i in range(1, ANSWER_STEPS + 1)),
    answer_inks=("#000000",) * ANSWER_STEPS,
)
WIDE = Medium("wide", WEB_PAINT, 720)
HALF = Medium("wide", WEB_PAINT, 500)
NARROW = Medium("narrow", WEB_PAINT, 326)
PRINT = Medium("print", PRINT_PAINT, 640)
HALF_PRINT = Medium("print", PRINT_PAINT, 420)

# Grey levels that stay apart on a black-and-white printer, each with its own hatching.
_PATTERNS = (
    ("#ffffff", ""),
    ("#ffffff", "M0,6L6,0"),
    ("#e2e2e2", ""),
    ("#e2e2e2", "M0,0L6,6"),
    ("#c4c4c4", ""),
)


def configured(
    chart: alt.TopLevelLayerSpec | alt.TopLevelVConcatSpec, medium: Medium
) -> dict[str, Any]:
    """Give a chart the house's axes and letters, as a Vega-Lite specification.

    Args:
        chart: layers, or drawings one below the other; gets its `config` here.
        medium: where it goes.

    Returns:
        The specification as plain values.
    """
    paint = medium.paint
    axis = alt.AxisConfig(
        labelColor=paint.muted,
        titleColor=paint.muted,
        gridColor=paint.grid,
        domainColor=paint.axis,
        tickColor=paint.axis,
        labelFontSize=LABEL_SIZE,
        titleFontSize=LABEL_SIZE,
        titleFontWeight="normal",
        titlePadding=8,
        labelOverlap=True,
        labelFlush=False,
    )
    legend = alt.LegendConfig(
        labelColor=paint.ink,
        labelFontSize=TEXT_SIZE,
        symbolStrokeWidth=3,
        symbolSize=500,
        symbolOpacity=1,
        labelLimit=260,
    )
    chart.config = alt.Config(
        font=FONT,
        background="transparent",
        view=alt.ViewConfig(stroke=None),
        aria=False,
        padding=2,
        axis=axis,
        legend=legend,
    )
    # The rows of each chart stand once, however many marks are drawn from them.
    datasets: dict[str, Any] = {}
    spec: dict[str, Any] = chart.to_dict(
        validate=False, context={"top_level": False, "datasets": datasets}
    )
    return {"$schema": alt.SCHEMA_URL, **spec, "datasets": datasets}


def to_svg(
    spec: dict[str, Any], medium: Medium, name: str, title: str, text: str
) -> str:
    """Draw a specification.

    Args:
        spec: Vega-Lite, from `configured`.
        medium: where it goes.
        name: of the chart; makes the ids of this drawing unique on its page.
        title: read first by a screen reader.
        text: the sentence that says what is to be seen.

    Returns:
        One SVG element with role, title and description.
    """
    drawn: str = vl_convert.vegalite_to_svg(spec)
    slug = f"chart-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{medium.name}"
    drawn = _plain(drawn, slug)
    if medium.name == "print":
        drawn = _with_patterns(drawn, slug)
    head = (
        f'role="img" aria-labelledby="{slug}-title" aria-describedby="{slug}-text"'
        f' class="drawn drawn-{medium.name}"'
    )
    labels = (
        f'<title id="{slug}-title">{escape(title)}</title>'
        f'<desc id="{slug}-text">{escape(text)}</desc>'
    )
    return re.sub(
        r"^<svg ([^>]*)>", lambda match: f"<svg {match[1]} {head}>{labels}", drawn
    )


def _plain(drawn: str, slug: str) -> str:
    """Take out what a page needs not, and what its content policy refuses.

    Only tags are touched: what stands between them are names and numbers to be read.
    """
    drawn = _counted_from_one(drawn)
    drawn = re.sub(r"<[^>]+>", lambda tag: _plain_tag(tag[0], slug), drawn)
    for empty in (r'<path d=""(?: display="none")?/>', r'<path d="M0,0h0v0h0Z"/>'):
        drawn = re.sub(empty, "", drawn)
    return drawn


def _counted_from_one(drawn: str) -> str:
    """Number clip paths and gradients anew: vl-convert counts on through a process.

    So the same chart has the same bits, whatever was drawn before it.
    """
    found = re.findall(r'\bid="((?:clip|gradient)[^"]*)"', drawn)
    for number, former in enumerate(dict.fromkeys(found), start=1):
        kind = "clip" if former.startswith("clip") else "gradient"
        drawn = drawn.replace(f'"{former}"', f'"{kind}-{number}"')
        drawn = drawn.replace(f"url(#{former})", f"url(#{kind}-{number})")
    return drawn


def _plain_tag(tag: str, slug: str) -> str:
    for unwanted in (
        r' (?:class|style|role|version|pointer-events|xmlns:xlink)="[^"]*"',
        r' aria-[a-z]+="[^"]*"',
        r' opacity="1"',
    ):
        tag = re.sub(unwanted, "", tag)
    tag = re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", tag)
    # A page holds several drawings.
    tag = re.sub(r'\bid="(clip|gradient)', rf'id="{slug}-\1', tag)
    tag = re.sub(r"url\(#(clip|gradient)", rf"url(#{slug}-\1", tag)
    return tag.replace(f'font-family="{FONT}"', f'font-family="{FONT_STACK}"')


def _with_patterns(drawn: str, slug: str) -> str:
    """Fill the answers with patterns, which survive a black-and-white printer."""
    patterns = []
    for i, (grey, lines) in enumerate(_PATTERNS, start=1):
        stand_in = f'fill="{PRINT_PAINT.answers[i - 1]}"'
        if stand_in not in drawn:
            continue
        drawn = drawn.replace(stand_in, f'fill="url(#{slug}-answer-{i})"')
        patterns.append(
            f'<pattern id="{slug}-answer-{i}" width="6" height="6"'
            ' patternUnits="userSpaceOnUse">'
            f'<rect width="6" height="6" fill="{grey}"/>'
            f'<path d="{lines}" stroke="#888888" stroke-width="1"/></pattern>'
        )
    if not patterns:
        return drawn
    return re.sub(
        r"(<svg [^>]*>)", rf"\1<defs>{''.join(patterns)}</defs>", drawn, count=1
    )
