import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.rates import confint_poisson_2indep

from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.rates import Rate, poisson_rates
from experiments.vocabulary import Reason
from tests.analysis.stats.conftest import ends
from tests.analysis.stats.test_edges import assert_interval
from tests.analysis.stats.test_symmetry import assert_mirrored

rates = st.builds(Rate, st.integers(0, 10**7), st.floats(1e-3, 1e6))


def test_rates__support_tickets__hybrid_interval_of_statsmodels() -> None:
    alone = confint_poisson_2indep(412, 1e4, 350, 1e4, method="mover", compare="diff")

    found = poisson_rates(Rate(350, 1e4), Rate(412, 1e4))

    assert isinstance(found, Estimate)
    assert ends(found.interval) == pytest.approx(list(alone), rel=1e-9)


@given(rates, rates)
def test_rates__any_two__sound_and_mirrored(control: Rate, treatment: Rate) -> None:
    found = poisson_rates(control, treatment)

    assert_mirrored(found, poisson_rates(treatment, control))
    if isinstance(found, Estimate):
        assert_interval(found.interval, found.effect)
        assert found.p_value is not None
        assert 0 <= found.p_value <= 1


@pytest.mark.parametrize(
    ("control", "treatment", "reason"),
    [
        (Rate(0, 0), Rate(20, 10), Reason.EMPTY_ARM),
        (Rate(3, 10), Rate(4, 10), Reason.TOO_FEW_EVENTS),
        (Rate(30, 1e-200), Rate(30, 1e200), Reason.NON_FINITE),
        (Rate(30, math.inf), Rate(30, 1), Reason.NON_FINITE),
    ],
)
def test_rates__edges__typed_reason(
    control: Rate, treatment: Rate, reason: Reason
) -> None:
    found = poisson_rates(control, treatment)

    assert isinstance(found, NotComputable)
    assert found.reason is reason


def test_rates__control_without_events__effect_survives_without_lift() -> None:
    found = poisson_rates(Rate(0, 100), Rate(12, 100))

    assert isinstance(found, Estimate)
    assert isinstance(found.lift, NotComputable)
    assert found.lift.reason is Reason.BASELINE_NOT_POSITIVE


@pytest.mark.parametrize("wrong", [{"events": -1}, {"exposure": math.nan}])
def test_rate__no_customers_could_have_made_it__refused(
    wrong: dict[str, float],
) -> None:
    with pytest.raises(ValueError, match="Rate: "):
        Rate(**({"events": 1, "exposure": 1.0} | wrong))  # type: ignore[arg-type]
