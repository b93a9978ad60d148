import json

from hypothesis import given
from hypothesis import strategies as st

from analysis.outcome_json import (
    outcome_from_json,
    outcome_to_json,
    response_to_json,
)
from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from experiments.vocabulary import Reason
from tests.analysis.reading_examples import response_of

NUMBERS = st.floats(-1e9, 1e9)
FACTS = st.dictionaries(
    st.text(max_size=5), st.integers(-9, 9) | NUMBERS | st.text(), max_size=3
)
INTERVALS = st.builds(Interval, st.none() | NUMBERS, st.none() | NUMBERS, NUMBERS)
REFUSALS = st.builds(NotComputable, st.sampled_from(Reason), FACTS)
ARMS = st.builds(
    ArmValue, st.integers(0, 99), st.none() | NUMBERS, st.none() | INTERVALS
)
ESTIMATES = st.builds(
    Estimate,
    st.text(),
    ARMS,
    ARMS,
    NUMBERS,
    INTERVALS,
    st.none() | NUMBERS,
    st.builds(Lift, NUMBERS, INTERVALS, st.text()) | REFUSALS,
    st.lists(INTERVALS, max_size=2).map(tuple),
    FACTS,
)


@given(ESTIMATES | REFUSALS)
def test_outcome_to_json__any_outcome__comes_back_equal(outcome: Outcome) -> None:
    body = outcome_to_json(outcome)
    assert body["computable"] == isinstance(outcome, Estimate)
    assert outcome_from_json(json.loads(json.dumps(body))) == outcome


def test_response_to_json__balance__keeps_counts_and_rates() -> None:
    body = response_to_json(response_of(400, 330))
    assert body["control"] == {
        "exposed": 1000,
        "invited": 1000,
        "answered": 400,
        "of_exposed": 0.4,
        "of_invited": 0.4,
    }
    assert body["treatment"]["answered"] == 330
    assert 0 < body["p_value"] < 0.05
