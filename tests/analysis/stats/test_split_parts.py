"""Splits of parts: how many there are is allowed for, and where a fault comes from."""

import pytest
from scipy import stats

from analysis.stats.split_parts import largest_first, split_by_part
from experiments.vocabulary import CheckState, Reason

EVEN = {"control": 0.5, "treatment": 0.5}


def two(control: int, treatment: int) -> dict[str, int]:
    return {"control": control, "treatment": treatment}


def test_parts__several__holm_of_their_own_tests() -> None:
    counts = {"web": two(5200, 4800), "app": two(520, 480), "mail": two(505, 495)}

    found = {part.part: part for part in split_by_part(counts, EVEN, two(6225, 5775))}

    # Pearson's test is scipy's; the smallest of three counts three times, and so on.
    web, app, mail = (
        float(stats.chisquare(list(counts[name].values())).pvalue)
        for name in ("web", "app", "mail")
    )
    assert found["web"].p_value == pytest.approx(3 * web)
    assert found["app"].p_value == pytest.approx(2 * app)
    assert found["mail"].p_value == pytest.approx(max(mail, 2 * app))
    assert [part.part for part in largest_first(list(found.values()))] == [
        "web",
        "app",
        "mail",
    ]


def test_parts__of_a_larger_family__all_of_it_is_allowed_for() -> None:
    counts = {"day 1": two(560, 440)}

    [alone] = split_by_part(counts, EVEN, two(560, 440))
    [of_thirty] = split_by_part(counts, EVEN, two(560, 440), family=30)

    assert alone.p_value is not None
    assert of_thirty.p_value == pytest.approx(30 * alone.p_value)


def test_parts__fault_in_one__the_rest_is_as_planned() -> None:
    counts = {"web": two(5000, 4400), "app": two(5020, 4980)}

    web, app = split_by_part(counts, EVEN, two(10_020, 9_380))

    assert web.rest_p_value == app.split.p_value
    assert app.rest_p_value == web.split.p_value
    assert web.rest_p_value is not None
    assert web.rest_p_value > 0.5


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (two(0, 0), Reason.TOO_FEW_UNITS),
        (two(3, 4), Reason.TOO_FEW_UNITS),
        ({}, Reason.TOO_FEW_UNITS),
    ],
)
def test_parts__too_few__no_test_and_no_exception(
    counts: dict[str, int], reason: Reason
) -> None:
    [found] = split_by_part({"web": counts}, EVEN, two(10, 10))

    assert found.split.reason is reason
    assert (found.p_value, found.anytime_p_value) == (None, None)
    assert largest_first([found]) == []


def test_parts__none__nothing() -> None:
    assert split_by_part({}, EVEN, two(10, 10)) == ()


def test_parts__one_variant_empty__is_found() -> None:
    [found] = split_by_part({"web": two(0, 100)}, EVEN, two(100, 200))

    assert found.split.state is CheckState.FAILED
    assert found.anytime_p_value is not None
    assert found.anytime_p_value < 1e-6
