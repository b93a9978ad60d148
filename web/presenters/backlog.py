"""The backlog as its pages show it: rows on one axis, inputs in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from analysis import past_words, wording
from analysis.backlog import Backlog, Entry, Reach, Standing, Stands
from analysis.backlog_score import WEIGHTS, Range, Score
from experiments.models import HypothesisRow
from experiments.vocabulary import Evidence
from web.presenters.formats import count, day, number, percent, plain
from web.presenters.ranges import Axis, Mark, axis_for
from web.presenters.words import EVIDENCE

STANDING = {
    Standing.IDEA: "Idea",
    Standing.PLANNED: "Being planned",
    Standing.RUNNING: "In an experiment",
    Standing.TESTED: "Tested",
    Standing.PARKED: "Parked",
    Standing.MERGED: "Merged",
}
TIMES = "\N{MULTIPLICATION SIGN}"
_TAILS = {1: "st", 2: "nd", 3: "rd"}  # codespell:ignore nd
OPEN, ALL = "open", "all"
# What a list may be asked to show, and how the page says it.
SHOWN: Mapping[str, str] = {
    OPEN: "To be taken up",
    Standing.RUNNING: "In an experiment",
    Standing.TESTED: "Tested",
    Standing.PARKED: "Parked",
    Standing.MERGED: "Merged",
    ALL: "All",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One hypothesis as a row of the table.

    Attributes:
        entry: as it was read.
        row: the hypothesis.
        standing: how far it has come, in words.
        moved: that its place was chosen by hand; "" where the score decides.
        kept: likely customers, low and high, written alike; None without a score.
        mark: the same on the axis.
        why: why it has no score; "" where it has one.
        past: what experiments did before, short; "" where there were none.
        evidence: in words.
        effort: written; "" where nobody said.
        score: written.
    """

    entry: Entry
    row: HypothesisRow
    standing: str
    moved: str
    kept: tuple[str, str, str] | None
    mark: Mark | None
    why: str
    past: str
    evidence: str
    effort: str
    score: str


def lines(entries: Sequence[Entry], axis: Axis) -> list[Line]:
    """Lay hypotheses out as rows.

    Args:
        entries: of the page.
        axis: that all rows share.

    Returns:
        A row each, in the same order.
    """
    return [_line(each, axis) for each in entries]


def axis_of(entries: Iterable[Entry]) -> Axis:
    """Make the axis that holds what is expected of all of them."""
    scores = [each.score for each in entries if isinstance(each.score, Score)]
    return axis_for(
        value
        for score in scores
        for value in (score.kept.likely, score.kept.low, score.kept.high)
        if value is not None
    )


def _line(entry: Entry, axis: Axis) -> Line:
    row, score = entry.row, entry.score
    kept = score.kept if isinstance(score, Score) else None
    evidence = Evidence(row.evidence)
    return Line(
        entry=entry,
        row=row,
        standing=STANDING[entry.standing],
        moved=_moved(entry),
        kept=None if kept is None else past_words.customers(kept),
        mark=None if kept is None else axis.mark(kept.likely, kept.low, kept.high),
        why="" if kept else past_words.promise(score, row.metric.name),
        past=_past(entry),
        evidence=EVIDENCE[evidence],
        effort=effort_of(row),
        score=written(score.value) if isinstance(score, Score) else "",
    )


def _moved(entry: Entry) -> str:
    if entry.row.place is None:
        return ""
    if entry.rank is None:
        return "Placed by hand; it has no score."
    return f"Placed by hand; {_ordinal(entry.rank)} by score."


def _ordinal(value: int) -> str:
    tens = value % 100
    tail = "th" if 10 < tens < 14 else _TAILS.get(value % 10, "th")  # noqa: PLR2004  # 11th to 13th
    return f"{count(value)}{tail}"


def _past(entry: Entry) -> str:
    if entry.past is None:
        return ""
    here = entry.past.at_stage(entry.row.journey_stage.key)
    if here:
        return f"This stage before: {past_words.span(entry.past, here)}"
    return f"Other stages before: {past_words.span(entry.past, entry.past.effects)}"


def written(score: float) -> str:
    """Write a score with two significant digits, or whole."""
    return wording.number(score, min(2, wording.decimals_for(abs(score))))


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a score.

    Attributes:
        name: what it is.
        value: written; "" where it is missing.
        source: from where and when it is known.
    """

    name: str
    value: str
    source: str


def inputs(entry: Entry) -> list[Input]:
    """List what a score is made of, in the order of the formula.

    Args:
        entry: of the backlog.

    Returns:
        Reach, baseline loss, expected relative change, weight and effort.
    """
    row, score = entry.row, entry.score
    known = score if isinstance(score, Score) else None
    evidence = Evidence(row.evidence)
    effort = row.effort_weeks
    return [
        Input("Reach", *_reach(entry.reach)),
        Input(
            "Baseline loss",
            "" if known is None else f"{percent_of(known.loss)} of them are lost today",
            _baseline(entry),
        ),
        Input(
            "Expected change of the loss",
            "" if known is None else _relative(known.relative),
            _expectation(row),
        ),
        Input(
            "Weight of the evidence",
            number(weight_of(entry)),
            f"{EVIDENCE[evidence]}. Opinion 0.2, complaints or interviews 0.4,"
            " a pattern in the data 0.6, an earlier experiment 0.8.",
        ),
        Input(
            "Effort",
            "" if effort is None else _weeks(effort),
            "Not known yet." if effort is None else "Stated by the team.",
        ),
    ]


def weight_of(entry: Entry) -> float:
    """Give the weight of what a hypothesis rests on."""
    return WEIGHTS[Evidence(entry.row.evidence)]


def _reach(reach: Reach | None) -> tuple[str, str]:
    if reach is None:
        return "", "The segment's size is not measured yet, or is too small to tell."
    value = f"{count(reach.customers)} customers a quarter"
    if reach.measured_at is None:
        return value, "Stated by the team."
    return value, f"Counted on {day(reach.measured_at)}, of the 91 days before."


def _baseline(entry: Entry) -> str:
    stands: Stands | None = entry.stands
    metric = entry.row.metric.name
    if stands is None:
        return f"{metric} is not measured yet."
    value = wording.value_on_scale(stands.value, entry.definition, 1)
    if stands.known is None:
        return f"{metric} stands at {value}. Stated by the team."
    source = stands.known.basis.source
    who = "all customers" if source is None or not source.segment else "the segment"
    of = "" if source is None else f", {count(source.customers)} of them"
    return (
        f"{metric} stood at {value}: measured on {day(stands.known.measured_at)}, of"
        f" {who}{of}."
    )


def _relative(change: Range) -> str:
    value = _share(change.likely)
    if change.low is None or change.high is None:
        return value
    return f"{value} ({_share(change.low)} to {_share(change.high)})"


def _share(part: float) -> str:
    return f"{wording.number(part * 100, 1)} %"


def percent_of(share: float) -> str:
    """Write a share with one decimal."""
    return wording.percent(share)


def _expectation(row: HypothesisRow) -> str:
    low, mid, high = (
        getattr(row, f"forecast_lift_{name}") for name in ("low", "mid", "high")
    )
    if None in {low, mid, high}:
        return "The least change that is expected; nobody made a forecast."
    ends = f"{_lift(low)} to {_lift(high)} in 8 of 10 cases"
    return f"By the forecast: {row.metric.name} changes by {_lift(mid)}, {ends}."


def _lift(share: float) -> str:
    text = plain(Decimal(repr(share)) * 100)
    return f"+{text} %" if share > 0 else f"{text} %"


def _weeks(effort: float) -> str:
    text = number(effort)
    return f"{text} week" if text == "1" else f"{text} weeks"


def effort_of(row: HypothesisRow) -> str:
    """Write the effort; "" where nobody said."""
    return "" if row.effort_weeks is None else _weeks(row.effort_weeks)


def score_in_words(entry: Entry) -> list[str]:
    """Say what is expected and how the score comes about, or what is missing."""
    score = entry.score
    said = [past_words.promise(score, entry.row.metric.name)]
    return [*said, f"Score: {formula(score)}."] if isinstance(score, Score) else said


def formula(score: Score) -> str:
    """Write how the score comes about, with its numbers."""
    factors = (
        count(score.reach),
        percent(round(score.loss, 4)),
        _share(score.relative.likely),
        number(score.weight),
    )
    over = number(score.effort_weeks)
    return f"{f' {TIMES} '.join(factors)} ÷ {over} ≈ {written(score.value)}"


def side_by_side(one: Entry, other: Entry) -> list[tuple[str, str, str]]:
    """Write two hypotheses as rows of a table.

    Args:
        one: the first.
        other: the second.

    Returns:
        Name, the first and the second.
    """
    return [
        (name, first, second)
        for (name, first), (_, second) in zip(_facts(one), _facts(other), strict=True)
    ]


def _facts(entry: Entry) -> list[tuple[str, str]]:
    row = entry.row
    said = " ".join(score_in_words(entry))
    return [
        ("Expectation", said),
        ("Before", past_words.before(entry.past, row.journey_stage.key)),
        *(
            (each.name, f"{each.value}. {each.source}" if each.value else each.source)
            for each in inputs(entry)
        ),
        ("Stage", row.journey_stage.name),
        ("Segment", row.segment.name),
        ("Friction point", row.friction_point),
        ("Change", row.change),
        ("Because", row.evidence_text),
        ("Owner", row.owner.name),
        ("Status", STANDING[entry.standing]),
    ]


def wanted(found: Backlog, shown: str) -> list[Entry]:
    """Take what a list is asked to show.

    Args:
        found: the whole backlog.
        shown: a key of `SHOWN`.

    Returns:
        The entries in their order.
    """
    if shown == OPEN:
        return list(found.ranked)
    if shown == ALL:
        return found.entries
    return [each for each in found.entries if each.standing == shown]
