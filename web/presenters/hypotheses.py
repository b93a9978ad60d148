"""A hypothesis in words."""

from decimal import Decimal

from analysis.wording import agreed, measure_of
from experiments.hypotheses import forecast_of
from experiments.metric_definition import MetricDefinition
from experiments.models import HypothesisRow
from experiments.vocabulary import Direction, Evidence
from web.presenters.formats import HUNDRED, percent, plain
from web.presenters.words import EVIDENCE


def sentence(row: HypothesisRow, definition: MetricDefinition) -> str:
    """Say in one sentence what a hypothesis expects.

    Args:
        row: stored, with all it names.
        definition: of its metric, for the unit of the change.

    Returns:
        Such as "If we do this for New businesses, Day-30 retention will rise by ...".
    """
    moves = "rise" if row.direction == Direction.INCREASE.value else "fall"
    by = agreed(row.expected_change, measure_of(definition))
    return (
        f"If we do this for {row.segment.name}, {row.metric.name} will {moves} by at"
        f" least {by}."
    )


def within(text: str | None, after: str = "") -> str:
    """Write a text as a part of a sentence.

    Args:
        text: as typed, perhaps a sentence of its own.
        after: the word it comes after, which it need not begin with.

    Returns:
        The text without a capital and a full stop; "…" for none.
    """
    part = (text or "").strip().rstrip(".")
    first, _, others = part.partition(" ")
    if after and first.lower() == after:
        part = others.strip()
    if not part:
        return "…"
    is_name = part[1:2].isupper()  # "CSAT", not "Call them"
    return part if is_name else part[0].lower() + part[1:]


def belief(row: HypothesisRow, definition: MetricDefinition) -> list[tuple[str, str]]:
    """List all that a hypothesis says, for who has to approve its plan.

    Args:
        row: stored, with all it names.
        definition: of its metric, for the unit of the change.

    Returns:
        Names and texts; a text that nobody wrote is left out.
    """
    found = [
        ("What will change", row.change),
        ("What we expect", sentence(row, definition)),
        ("Because", row.evidence_text),
        ("Evidence", EVIDENCE[Evidence(row.evidence)]),
        ("Forecast", forecast(row)),
        ("We would be wrong if", row.wrong_if),
        ("If it goes up", row.if_up),
        ("If it stays", row.if_flat),
        ("If it goes down", row.if_down),
    ]
    return [(name, text) for name, text in found if text]


def forecast(row: HypothesisRow) -> str:
    """Say what the team expects before it looks."""
    value = forecast_of(row)
    if value is None:
        return "Nobody made one."
    low, mid, high = (
        _signed(lift) for lift in (value.lift_low, value.lift_mid, value.lift_high)
    )
    return (
        f"A relative change of {mid}, in 8 of 10 cases from {low} to {high};"
        f" shipped with a probability of {percent(value.ship_probability)}."
    )


def _signed(share: float) -> str:
    text = plain(Decimal(repr(share)) * HUNDRED)
    return f"+{text} %" if share > 0 else f"{text} %"
