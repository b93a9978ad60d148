"""Whether a running experiment is sound: seven lines, in words, with a figure each."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis import glossary, wording
from analysis.results import CheckShown, RunView
from analysis.trail import from_json
from experiments.models import Experiment
from experiments.vocabulary import (
    EVERYBODY,
    CheckState,
    HealthCheck,
    Role,
    SentenceCase,
)

NOTHING = "\N{EN DASH}"
_WITHOUT_HARM = {
    SentenceCase.BETTER,
    SentenceCase.HARM_RULED_OUT,
    SentenceCase.EQUAL_ENOUGH,
}


@dataclass(frozen=True, slots=True)
class HealthLine:
    """One line of the checklist."""

    name: str
    state: CheckState
    figure: str
    sentence: str


def live_health(
    experiment: Experiment, run: RunView, shared: Iterable[tuple[str, str, str]]
) -> tuple[HealthLine, ...]:
    """Lay the last analysis out as the checklist of an experiment.

    Args:
        experiment: as read.
        run: its last good run, as far as it may be shown.
        shared: experiment, share in its segment, share seen in it, of the segment.

    Returns:
        Seven lines, always in the same order.
    """
    counts = run.counts
    units = int(counts.get("units") or 0)
    exposed = counts.get("exposed") or {}
    twice = int(counts.get("two_variants") or 0)
    until = run.data_cutoff
    figures = {
        HealthCheck.SAMPLE_RATIO: " : ".join(
            wording.count(exposed.get(variant.name, 0))
            for variant in experiment.variants
        ),
        HealthCheck.TWO_VARIANTS: _share(twice, units + twice),
        HealthCheck.FRESHNESS: "" if until is None else wording.date_time(until),
        HealthCheck.RECONCILIATION: _with_outcome(run),
        HealthCheck.ALIKE_BEFORE: "",
    }
    found = {check.name: check for check in run.checks}
    first, last = list(figures)[:4], list(figures)[4:]
    return (
        *(_line(name, found.get(name), figures[name]) for name in first),
        _guardrails(run),
        *(_line(name, found.get(name), figures[name]) for name in last),
        _overlap(experiment, shared),
    )


def _line(name: HealthCheck, check: CheckShown | None, figure: str) -> HealthLine:
    title = glossary.CHECK_WORDS[name]
    if check is None:
        return HealthLine(title, CheckState.NOT_APPLICABLE, NOTHING, "Not checked yet.")
    return HealthLine(title, check.state, figure or NOTHING, check.sentence)


def _with_outcome(run: RunView) -> str:
    """Say which share of the analysed customers have an outcome."""
    trail = run.counts.get("trail")
    if trail is None:
        return ""
    found = from_json(trail)
    if found.with_outcome is None or not found.analysed:
        return ""
    return _share(found.with_outcome, found.analysed)


def _share(part: int, whole: int) -> str:
    return wording.percent(part / whole) if whole else NOTHING


def _guardrails(run: RunView) -> HealthLine:
    """Say how guardrails stand, where the plan lets anybody know."""
    name = "Guardrails"
    own = [
        result
        for result in run.results
        if result.role == Role.GUARDRAIL and result.segment == EVERYBODY
    ]
    if not own or not run.shows_estimates or not run.is_trusted:
        due = run.due_at
        when = f" The next look is due about {wording.date(due)}." if due else ""
        said = f"The plan shows none before its looks.{when}" if own else "None chosen."
        return HealthLine(name, CheckState.NOT_APPLICABLE, NOTHING, said)
    kept = [result for result in own if result.case in _WITHOUT_HARM]
    figure = f"{len(kept)} of {len(own)}"
    others = [result for result in own if result not in kept]
    if not others:
        said = "None of them is harmed beyond what was agreed."
        return HealthLine(name, CheckState.PASSED, figure, said)
    worse = any(result.case == SentenceCase.WORSE for result in others)
    state = CheckState.FAILED if worse else CheckState.NOTICE
    return HealthLine(name, state, figure, " ".join(r.sentence for r in others))


def _overlap(
    experiment: Experiment, shared: Iterable[tuple[str, str, str]]
) -> HealthLine:
    name = "Other experiments"
    others = [e for e in shared if e[0] != experiment.key and e[2] != "none"]
    if not others:
        said = "No other running experiment is known to share its customers."
        return HealthLine(name, CheckState.PASSED, "0", said)
    parts = [f"{seen} have seen {key}" for key, _, seen in others]
    said = (
        f"Of the segment, {wording.joined(parts)}. Each draws its groups by itself, so"
        " all groups here are touched alike."
    )
    return HealthLine(name, CheckState.PASSED, wording.count(len(others)), said)
