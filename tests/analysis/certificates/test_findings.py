"""What counts of false alarms mean, and in which words."""

import pytest

from analysis.certificates.findings import Circumstances, Findings, Found
from analysis.certificates.planting import FLIPPED, Planting
from analysis.certificates.words import in_words
from experiments.metric_definition import MetricDefinition
from experiments.vocabulary import Amount, Direction, MetricKind, Reason
from tests import factories

ABOUT = Circumstances(customers=20_000, known=20_000)
MEDIAN = MetricDefinition(
    MetricKind.VALUE_QUANTILE,
    Direction.INCREASE,
    events=("Paid",),
    amount=Amount.SUM,
)


def findings(
    said: int, about: Circumstances = ABOUT, refused: int = 0, found: int | None = None
) -> Findings:
    planting = None if found is None else Planting(FLIPPED, True, 0.1, effect=0.021)  # noqa: FBT003
    return Findings(
        0.05,
        (
            Found(
                "planned_looks",
                1000,
                said,
                refused,
                Reason.TOO_FEW_UNITS if refused else None,
                planted=0 if found is None else 250,
                found=found or 0,
            ),
            Found("any_day", 1000, 3),
        ),
        planting,
        about,
    )


def test_certificate__as_many_false_alarms_as_promised__is_one() -> None:
    good = findings(47, found=200)
    assert good.is_certified
    # binom.ppf of 1,000 at 5 %: 33 and 69 (0.5 % and 99.5 %). 200 of 250: exact 95 %
    # interval 74.5 to 84.8 % (scipy.stats.binomtest).
    assert in_words(good, factories.definition()) == (
        "Of 1,000 comparisons of two equal groups, 47 said there is a difference"
        " (expected 50; 33 to 69 would be usual). Certified. With a difference of 2.1"
        " points planted into one group, 200 of 250 found it (80 %; the true share"
        " lies between 74 % and 85 %)."
    )
    row = good.as_json()["settings"][0]
    # Likewise scipy's.
    assert row["usual"] == [33, 69]
    assert row["false_alarms"] == pytest.approx([0.047, 0.0347351, 0.0620126], abs=1e-6)


def test_certificate__fewer_false_alarms_than_promised__is_one() -> None:
    assert findings(3).is_certified


@pytest.mark.parametrize(
    ("about", "definition", "cause"),
    [
        (
            Circumstances(20_000, 20_000, most_alike=0.4),
            MEDIAN,
            "40 % of the customers have the very same amount",
        ),
        # 355 x 12^2 = 51,120 customers a group (Kohavi's rule); there are 10,000.
        (
            Circumstances(20_000, 20_000, skewness=12.0),
            factories.definition(),
            "each group would need about 51,000 customers, and has 10,000",
        ),
        (
            Circumstances(20_000, 300),
            factories.definition(),
            "only 150 customers of a group have an outcome",
        ),
        (ABOUT, factories.definition(), "No cause shows in the outcomes"),
    ],
)
def test_certificate__too_many_false_alarms__is_refused_with_its_cause(
    about: Circumstances, definition: MetricDefinition, cause: str
) -> None:
    bad = findings(92, about)
    assert not bad.is_certified
    words = in_words(bad, definition)
    assert "Not certified: with planned looks, 92 said so, and chance makes 69" in words
    assert cause in words
    assert "none could be planted" in words


def test_certificate__too_often_no_number__is_refused_with_the_reason() -> None:
    bad = findings(0, refused=320)
    assert not bad.is_certified
    assert (
        "Not certified: with planned looks, 320 of 1,000 comparisons could not be"
        " computed, as a group has fewer than 10 customers."
    ) in in_words(bad, factories.definition())
