"""Trust checks as they are stored with a run."""

from collections.abc import Mapping, Sequence

from analysis.health.check import Check
from analysis.health.of_answer import OF_ANSWER
from experiments.models import CheckResult
from experiments.vocabulary import ResultPhase

TEST_FIGURES = frozenset({"p_value", "anytime_p_value", "chi2"})


def check_rows(checks: Sequence[Check], phase: ResultPhase) -> list[CheckResult]:
    """Write the trust checks; while counting without the figures of their tests."""
    hidden = TEST_FIGURES if phase == ResultPhase.COUNTING else frozenset[str]()
    return [
        CheckResult(
            name=check.name.value,
            state=check.state.value,
            sentence=check.sentence,
            facts={
                k: _shown(v, hidden) for k, v in check.facts.items() if k not in hidden
            },
        )
        for check in checks
    ]


def repeated_checks(rows: Sequence[CheckResult]) -> list[CheckResult]:
    """Write the checks of the last look's answer once more."""
    return [
        CheckResult(
            name=row.name, state=row.state, sentence=row.sentence, facts=row.facts
        )
        for row in rows
        if row.name in OF_ANSWER
    ]


def _shown(fact: object, hidden: frozenset[str]) -> object:
    """Leave the figures of tests out of the parts of a fact too."""
    if isinstance(fact, Mapping):
        return {k: _shown(v, hidden) for k, v in fact.items() if k not in hidden}
    return [_shown(v, hidden) for v in fact] if isinstance(fact, list) else fact
