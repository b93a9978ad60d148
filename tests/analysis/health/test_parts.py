"""What the checks of parts, of what was before and of follow-up say, and when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest

from analysis.cells import Cell, Summaries
from analysis.cutoff import Cutoff
from analysis.exposure_counts import ExposureCounts
from analysis.health import OF_ANSWER, Check, Circumstances, check, check_rows
from analysis.makeup import Makeup
from analysis.stats.prior_balance import TraitSums
from analysis.stats.summary import LifeDay, LifeTable
from experiments.plan import Plan
from experiments.vocabulary import CheckState, HealthCheck, ResultPhase, Unit
from tests.analysis.event_files import at, plan_of, retention, time_to_churn

AROUND = Circumstances(
    plan_is_intact=True, cutoff=Cutoff(at(30)), needed_at=at(40), as_of=at(31)
)
PLAN = plan_of(
    {"r": retention(), "t": time_to_churn()}, breakdowns={"new": {"plan": "new"}}
)
PASSED, NOTICE = CheckState.PASSED, CheckState.NOTICE
FAILED, INAPPLICABLE = CheckState.FAILED, CheckState.NOT_APPLICABLE


def two(control: int, treatment: int) -> dict[str, int]:
    return {"control": control, "treatment": treatment}


def found(
    name: HealthCheck,
    makeup: Makeup | None = None,
    analysed: Mapping[str, int] | None = None,
    by_day: tuple[tuple[date, str, int], ...] = (),
    cells: tuple[Cell, ...] = (),
    plan: Plan = PLAN,
    *,
    has_times: bool = True,
) -> Check:
    units = dict(analysed or two(5000, 5000))
    summaries = Summaries(
        cells,
        ExposureCounts(units, units, by_day=by_day, everybody=sum(units.values())),
        makeup=makeup or Makeup(),
        has_times=has_times,
    )
    [only] = [each for each in check(plan, summaries, AROUND) if each.name == name]
    return only


def sources(**counts: tuple[int, int]) -> Makeup:
    return Makeup(by_source={name: two(*n) for name, n in counts.items()})


@pytest.mark.parametrize(
    ("makeup", "analysed", "state", "sentence"),
    [
        (sources(web=(2500, 2510), app=(2500, 2490)), two(5000, 5000), PASSED,
         "Customers were split as planned through each source."),
        (sources(app=(5000, 5000)), two(5000, 5000), PASSED,
         "All customers came through one source: app."),
        # web lost a sixth of its treatment: 2500 of 5500 are 45.5 %, and z is -6.7;
        # app is as planned, so web alone is to blame.
        (sources(web=(3000, 2500), app=(3000, 3000)), two(6000, 5500), NOTICE,
         ("45.5 % of those who came through web got treatment where 50.0 % was planned."
         " All others were split as planned: the cause is there.")),
        (sources(web=(3000, 2500), app=(3000, 2500)), two(6000, 5000), NOTICE,
         ("45.5 % of those who came through app got treatment where 50.0 % was planned;"
         " 45.5 % of those who came through web got treatment where 50.0 % was planned."
         " Look for what they have in common.")),
        # The whole is off by 2.9 standard errors, its parts by 2 each.
        (sources(web=(2650, 2500), app=(2650, 2500)), two(5300, 5000), PASSED,
         "No source stands out from the others."),
        (sources(web=(3, 2)), two(3, 2), INAPPLICABLE,
         "Too few customers of any source so far to check its split."),
        (Makeup(by_source={}), two(0, 0), INAPPLICABLE,
         "Too few customers of any source so far to check its split."),
        (Makeup(), two(10, 10), INAPPLICABLE, "The data come from one file."),
    ],
)  # fmt: skip
def test_source__its_split__state_and_words(
    makeup: Makeup, analysed: dict[str, int], state: CheckState, sentence: str
) -> None:
    told = found(HealthCheck.SPLIT_BY_SOURCE, makeup, analysed)
    assert (told.state, told.sentence) == (state, sentence)


def test_source__at_2_6_standard_errors__only_where_the_whole_is_in_doubt() -> None:
    # z = 2.63 is p = .0085, below the limit for one look; its e-value is far from 100.
    makeup = sources(web=(5186, 5000 - 86))
    alone = found(HealthCheck.SPLIT_BY_SOURCE, makeup, two(10_000, 10_000))
    doubted = found(HealthCheck.SPLIT_BY_SOURCE, makeup, two(10_400, 10_000))
    assert (alone.state, doubted.state) == (PASSED, NOTICE)


def test_segment__its_split__is_named_as_people_call_it() -> None:
    makeup = Makeup(by_segment={"new": two(1500, 1200)})
    told = found(HealthCheck.SPLIT_BY_SEGMENT, makeup)
    assert told.state == NOTICE
    assert told.sentence.startswith("44.4 % of New got treatment where 50.0 %")
    assert told.facts["parts"][0]["n"] == two(1500, 1200)
    none = found(HealthCheck.SPLIT_BY_SEGMENT, plan=plan_of({"r": retention()}))
    assert none.sentence == "No segments are declared, by which to check."


def days(*counts: tuple[int, int]) -> tuple[tuple[date, str, int], ...]:
    first = at().date()
    return tuple(
        (first + timedelta(days=i), name, n)
        for i, pair in enumerate(counts)
        for name, n in two(*pair).items()
    )


def test_day__that_stands_out__all_planned_days_are_allowed_for() -> None:
    usual = [(500, 500)] * 4
    # By the normal, 500 - 60 of 1000 is z = 3.8, p = .00015: times 61 days .009; and
    # 500 - 59 is z = 3.73, p = .00019: times 61 .0116.
    off = found(HealthCheck.SPLIT_BY_DAY, by_day=days(*usual, (560, 440)))
    near = found(HealthCheck.SPLIT_BY_DAY, by_day=days(*usual, (559, 441)))
    assert (off.state, near.state) == (NOTICE, PASSED)
    assert off.sentence.startswith(
        "44.0 % of those who came on 5 Jan 2026 got treatment where 50.0 % was planned."
    )
    assert near.sentence == "Customers were split as planned on each of 5 days."


def test_day__not_over__is_not_looked_at() -> None:
    # Data are complete up to the beginning of day 31.
    quiet = [(500, 500)] * 30
    told = found(HealthCheck.SPLIT_BY_DAY, by_day=days(*quiet, (900, 100)))
    assert (told.state, told.facts["days"]) == (PASSED, 30)


def test_day__none_yet_or_no_times__does_not_apply() -> None:
    for told in (
        found(HealthCheck.SPLIT_BY_DAY),
        found(HealthCheck.SPLIT_BY_DAY, has_times=False),
        found(HealthCheck.SPLIT_BY_SOURCE, has_times=False),
    ):
        assert told.state == INAPPLICABLE


def delays(control: tuple[int, ...], treatment: tuple[int, ...]) -> Makeup:
    return Makeup(delays={"control": control, "treatment": treatment})


@pytest.mark.parametrize(
    ("makeup", "state", "sentence"),
    [
        (delays((900, 80, 0, 10, 8, 2), (890, 90, 0, 12, 6, 2)), PASSED,
         "99.1 % of first exposures arrived within an hour, of all groups alike."),
        (delays((900, 80, 10, 0, 8, 2), (800, 80, 10, 0, 98, 12)), NOTICE,
         ("First exposures arrived 1 hour late or later for 1.0 % of control and 11.0 %"
         " of treatment. Are some of one group lost?")),
        (delays((950, 50, 0, 0, 0, 0), (850, 150, 0, 0, 0, 0)), NOTICE,
         ("First exposures arrived 10 seconds late or later for 5.0 % of control and"
         " 15.0 % of treatment. Are some of one group lost?")),
        # Certain, and too small to matter: .8 % of customers.
        (delays((990_000, 10_000, 0, 0, 0, 0), (982_000, 18_000, 0, 0, 0, 0)), PASSED,
         "100.0 % of first exposures arrived within an hour, of all groups alike."),
        (delays((0,) * 6, (0,) * 6), INAPPLICABLE,
         "No exposures so far, so none can be late."),
        (delays((0,) * 6, (90, 10, 0, 0, 0, 0)), PASSED,
         "100.0 % of first exposures arrived within an hour, of all groups alike."),
        (Makeup(), INAPPLICABLE, "No exposures so far, so none can be late."),
    ],
)  # fmt: skip
def test_delay__by_variant__state_and_words(
    makeup: Makeup, state: CheckState, sentence: str
) -> None:
    told = found(HealthCheck.EXPOSURE_DELAY, makeup)
    assert (told.state, told.sentence) == (state, sentence)


@pytest.mark.parametrize(
    ("fast", "state", "words"),
    [
        (two(0, 0), PASSED, "No customer had 1,000 events or more within an hour"),
        (two(3, 2), PASSED, "5 of 10,000 customers had 1,000 events or more"),
        (two(20, 80), NOTICE, "They are not split as planned"),
        (two(51, 50), NOTICE, "Filter them out before they are sent"),
        (two(5, 4), PASSED, "9 of 200 customers had"),
        (None, INAPPLICABLE, "nobody's pace is known"),
    ],
)
def test_machines__share_and_split__state_and_words(
    fast: dict[str, int] | None, state: CheckState, words: str
) -> None:
    people = two(100, 100) if fast == two(5, 4) else two(5000, 5000)
    told = found(HealthCheck.MACHINES, Makeup(fast=fast, people=people))
    assert told.state == state
    assert words in told.sentence


def test_machines__of_accounts__are_counted_only() -> None:
    plan = replace(PLAN, design=replace(PLAN.design, unit=Unit.ACCOUNT))
    makeup = Makeup(fast=two(20, 80), people=two(50_000, 50_000))
    assert found(HealthCheck.MACHINES, makeup, plan=plan).state == PASSED


def before(*shares: float) -> Makeup:
    """One yes-or-no trait of 1,000 customers of each variant."""
    arms = {
        name: TraitSums(1000, (round(1000 * share),), (round(1000 * share),))
        for name, share in zip(("control", "treatment"), shares, strict=True)
    }
    return Makeup(traits=("Opened before",), before=arms)


@pytest.mark.parametrize(
    ("makeup", "state", "sentence"),
    [
        (before(0.5, 0.56), PASSED,
         ("Customers of all groups were alike before, by the one thing known of the 28"
         " days before their first exposure.")),
        # z = .075 / sqrt((.25 + .244) / 1000) = 3.37: p = .00074; at .06 it is .007.
        (before(0.5, 0.575), NOTICE,
         ("Customers of the groups differed before they saw anything, most by Opened"
         " before (0.15 standard deviations apart). This can still be chance; look for"
         " a cause.")),
        # z = 3.61: p = .00031.
        (before(0.5, 0.58), FAILED,
         ("Customers of the groups differed before they saw anything, most by Opened"
         " before (0.16 standard deviations apart). Find the cause and restart.")),
        (before(0.5, 0.0), FAILED,
         ("Customers of the groups differed before they saw anything, most by Opened"
         " before (1.41 standard deviations apart). Find the cause and restart.")),
        (before(1, 1), INAPPLICABLE,
         "Nothing is known of what customers did before."),
        (Makeup(), INAPPLICABLE,
         "Too few customers so far to compare what they did before."),
    ],
)  # fmt: skip
def test_alike_before__one_trait__state_and_words(
    makeup: Makeup, state: CheckState, sentence: str
) -> None:
    told = found(HealthCheck.ALIKE_BEFORE, makeup)
    assert (told.state, told.sentence) == (state, sentence)


def test_alike_before__file_without_times__does_not_apply() -> None:
    told = found(HealthCheck.ALIKE_BEFORE, before(0.5, 0.9), has_times=False)
    assert told.state == INAPPLICABLE


def tables(*lost: int) -> tuple[Cell, ...]:
    return tuple(
        Cell("t", name, "", LifeTable(1000, (LifeDay(4, 0, n), LifeDay(10, 9, 1))), 0)
        for name, n in zip(("control", "treatment"), lost, strict=True)
    )


@pytest.mark.parametrize(
    ("cells", "state", "words"),
    [
        (tables(100, 110), PASSED, "Customers of all groups were followed equal"),
        (tables(100, 200), NOTICE,
         ("Not all groups are followed equally long: t lost sight of 10.0 % of control"
         " and 20.0 % of treatment before day 10.")),
        (tables(0, 0), PASSED, "Nobody was lost from sight before the end"),
        ((), INAPPLICABLE, "No metric of this experiment follows a time."),
    ],
)  # fmt: skip
def test_followed__lost_from_sight__state_and_words(
    cells: tuple[Cell, ...], state: CheckState, words: str
) -> None:
    told = found(HealthCheck.FOLLOWED_ALIKE, cells=cells)
    assert told.state == state
    assert told.sentence.startswith(words)


def test_followed__accounts__are_not_tested() -> None:
    plan = replace(PLAN, design=replace(PLAN.design, unit=Unit.ACCOUNT))
    told = found(HealthCheck.FOLLOWED_ALIKE, cells=tables(100, 200), plan=plan)
    assert told.state == INAPPLICABLE


EDGES = {
    "nobody": (two(0, 0), 0),
    "one customer": (two(1, 0), 1),
    "one variant empty": (two(3000, 0), 1),
    "all equal": (two(3000, 3000), 1),
    "few": (two(7, 9), 1),
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("has_times", [True, False])
def test_every_check__edges__has_a_state_and_a_sentence(
    edge: str, *, has_times: bool
) -> None:
    """The edge matrix (statistics A18) for the checks."""
    counts, trait = EDGES[edge]
    sums = {
        name: TraitSums(n, (n * trait,), (n * trait,)) for name, n in counts.items()
    }
    makeup = Makeup(
        by_segment={"new": counts},
        by_source={"app": counts},
        delays={name: (n, 0, 0, 0, 0, 0) for name, n in counts.items()},
        traits=("Opened before",),
        before=sums,
        fast=counts,
        people=counts,
    )
    cells = tuple(
        Cell("t", name, "", LifeTable(n, (LifeDay(10, 0, n),) if n else ()), 0)
        for name, n in counts.items()
    )
    by_day = days((counts["control"], counts["treatment"]))
    exposures = ExposureCounts(counts, counts, by_day=by_day)
    summaries = Summaries(cells, exposures, makeup=makeup, has_times=has_times)

    told = check(PLAN, summaries, AROUND)

    assert [each.name for each in told] == [
        name for name in HealthCheck if name not in OF_ANSWER
    ]
    for each in told:
        assert each.sentence.endswith((".", "?"))
        assert "nan" not in f"{each.sentence} {each.facts}".lower()
    split = {each.name: each.state for each in told}[HealthCheck.SAMPLE_RATIO]
    assert (
        split
        == {
            "nobody": INAPPLICABLE,
            "one customer": INAPPLICABLE,
            "one variant empty": FAILED,
            "all equal": PASSED,
            "few": PASSED,
        }[edge]
    )


def test_rows__while_counting__hold_no_figure_of_a_test() -> None:
    told = [found(HealthCheck.SPLIT_BY_SOURCE, sources(web=(300, 200), app=(90, 90)))]

    [counting] = check_rows(told, ResultPhase.COUNTING)
    [final] = check_rows(told, ResultPhase.FINAL)

    assert counting.facts["parts"][0] == {"part": "web", "n": two(300, 200)}
    assert set(final.facts["parts"][0]) == {"part", "n", "p_value", "anytime_p_value"}
