"""What is known of metrics by trial, in words."""

from dataclasses import dataclass
from typing import Any

from analysis import wording
from analysis.wording import date
from experiments.certificates import Standing, planted_count
from experiments.models import Certificate
from experiments.vocabulary import CertificateStanding, CertificateState, Unit

MOST_NAMED = 5
WAYS = {
    "planned_looks": "Planned looks",
    "one_look": "One look at the end",
    "any_day": "A look on any day",
    "two_treatments": "Two treatments, one look",
}
_LOOKS = {
    CertificateStanding.CERTIFIED: ("Certified", "better", "passed"),
    CertificateStanding.REFUSED: ("Not certified", "worse", "failed"),
    CertificateStanding.OUTDATED: ("Not certified any more", "warning", "notice"),
    CertificateStanding.NONE: ("Not certified yet", "plain", "draft"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands beside a metric's name.

    Attributes:
        word: the state.
        kind: of the colour: "better", "worse", "warning" or "plain".
        sign: name of the icon.
        note: how often equal groups were said to differ, or how far the trial is; "".
    """

    word: str
    kind: str
    sign: str
    note: str


def mark(standing: Standing) -> Mark:
    """Say in a few words what is known of a metric.

    Args:
        standing: of its newest definition.

    Returns:
        The mark.
    """
    word, kind, sign = _LOOKS[standing.state]
    return Mark(word, kind, sign, _note(standing))


def _note(standing: Standing) -> str:
    if standing.under_way is not None:
        return under_way(standing.under_way)
    row = standing.certificate
    if row is None or row.findings is None or row.finished_at is None:
        return ""
    first = row.findings["settings"][0]
    share = wording.percent(first["false_alarms"][0])
    of = wording.number(first["comparisons"])
    invented = ", simulated customers" if row.is_simulated else ""
    return f"{share} false alarms in {of}{invented}, {date(row.finished_at)}"


def under_way(row: Certificate) -> str:
    """Say how far a trial is."""
    if row.state == CertificateState.WAITING.value:
        return "Waits to be worked out"
    size = row.comparisons + planted_count(row.comparisons)
    done, of = wording.number(row.done_count), wording.number(size)
    return f"Being worked out: {done} of {of} comparisons done"


def whose(row: Certificate) -> str:
    """Say whose outcomes a finished trial compared."""
    size = wording.number(row.customer_count or 0)
    if row.is_simulated or row.entered_from is None or row.entered_to is None:
        few = "" if row.simulate else ", for the project has too few of its own"
        return f"{size} simulated customers{few}."
    return (
        f"{size} customers of this project, seen from {date(row.entered_from)} to"
        f" {date(row.entered_to)}."
    )


def lines(row: Certificate) -> list[dict[str, str]]:
    """Write the table of a finished trial, a line for each way of running."""
    findings: dict[str, Any] = row.findings or {}
    return [_line(one) for one in findings.get("settings", ())]


def _line(one: dict[str, Any]) -> dict[str, str]:
    low, high = one["usual"]
    return {
        "way": WAYS[one["setting"]],
        "said": (
            f"{wording.number(one['said'])} of {wording.number(one['comparisons'])}"
        ),
        "usual": f"{low} to {high}",
        "share": _share(one["false_alarms"]),
        "power": "\N{EN DASH}" if one["power"] is None else _share(one["power"]),
    }


def _share(parts: list[float]) -> str:
    value, low, high = (wording.percent(part) for part in parts)
    return f"{value} ({low} to {high})"


def doubt(name: str, standing: Standing, unit: Unit = Unit.CUSTOMER) -> str | None:
    """Say that the metric which decides has no valid certificate.

    Args:
        name: of the metric.
        standing: of the definition that decides.
        unit: what is drawn.

    Returns:
        One sentence; None where it has one.
    """
    if unit == Unit.ACCOUNT:
        return (
            f"{name} decides over accounts, and certificates are about customers: how"
            " often such a comparison errs was not tried."
        )
    return {
        CertificateStanding.CERTIFIED: None,
        CertificateStanding.REFUSED: (
            f"{name} decides, and it is not certified: in a trial it erred more often"
            " than promised, or could not be computed."
        ),
        CertificateStanding.OUTDATED: (
            f"{name} decides, and its certificate is out of date: its definition or the"
            " statistics have changed since."
        ),
        CertificateStanding.NONE: (
            f"{name} decides, and it is not certified yet: how often its comparisons"
            " err was not tried."
        ),
    }[standing.state]


def uncertified(names: list[str]) -> str:
    """Say which metrics one can choose have no valid certificate.

    Args:
        names: of these metrics.

    Returns:
        One or two sentences; "" where all have one.
    """
    if not names:
        return ""
    shown = names[:MOST_NAMED]
    if len(names) > MOST_NAMED:
        shown = [*shown, f"{len(names) - MOST_NAMED} more"]
    return (
        f"Not certified: {wording.joined(shown)}. How often these err was not tried, or"
        " they err too often; better let a certified metric decide."
    )
