"""Many comparisons: p-values adjusted, and many treatments against one control."""

from analysis.stats.dunnett import dunnett
from analysis.stats.estimate import NotComputable
from analysis.stats.false_discovery import (
    benjamini_hochberg,
    benjamini_yekutieli,
    hochberg,
)
from analysis.stats.multiplicity import holm
from analysis.stats.summary import Moments
from tests.reference.book import Record, Values, covers
from tests.reference.families.voters import CONTROL, turnout

ALPHA = 0.05


HOMMEL = "Hochberg's is as strong here, and one step-up method is enough"
WEAKER = "weaker than Holm at the same promise"


@covers("cookie.multiplicity", lacks={"hommel": HOMMEL, "bonferroni": WEAKER})
def metrics(record: Record) -> Values:
    p_values = record.inputs["pvals"]
    return {
        **families(record),
        "simes-hochberg": list(hochberg(p_values)),
        "fdr_by": list(benjamini_yekutieli(p_values)),
    }


@covers("hillstrom.multiplicity")
def families(record: Record) -> dict[str, object]:
    p_values = record.inputs["pvals"]
    return {"holm": list(holm(p_values)), "fdr_bh": list(benjamini_hochberg(p_values))}


@covers("ggl.multiplicity", lacks={"bonferroni": WEAKER})
def treatments(record: Record) -> Values:
    return families(record)


@covers("bh1995", lacks={"n_bonf": WEAKER})
def worked_example(record: Record) -> Values:
    p_values = record.inputs["pvals"]
    found = benjamini_hochberg(p_values)
    return {
        "n_bh": _at_most(found),
        "n_hochberg": _at_most(hochberg(p_values)),
        "bh_adj": list(found),
        "holm_adj": list(holm(p_values)),
    }


def _at_most(p_values: tuple[float | None, ...]) -> int:
    return sum(p is not None and p <= ALPHA for p in p_values)


@covers("ggl.dunnett")
def letters(record: Record) -> Values:
    found = dunnett(_moments(CONTROL), [_moments(a) for a in record.inputs["arms"]])
    assert not isinstance(found, NotComputable)
    return {"statistic": [each.statistic for each in found]}


def _moments(arm: str) -> Moments:
    n, voted = turnout(arm)
    share = voted / n
    return Moments(n, share, n * share * (1 - share))
