"""From stored events to amounts: customers worked by hand, then a naive oracle."""

import math
import random
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from statistics import quantiles

import pytest

from analysis import event_rows
from analysis.bounds import Bounds
from analysis.cells import Cell, Summaries
from analysis.estimating import estimate
from analysis.stats.amounts import Amounts
from analysis.stats.estimate import Estimate, NotComputable
from analysis.stats.quantiles import OrderStatistics
from analysis.stats.summary import Moments, Successes, moments_of, vector_moments_of
from analysis.warehouse import summarise_events
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import Amount, Direction, MetricKind, Reason, Unit
from tests.analysis.event_files import EventFile, at, plan_of, retention


def amount(
    kind: MetricKind = MetricKind.VALUE_SUM,
    day: int = 0,
    window_days: int = 7,
    **others: object,
) -> MetricDefinition:
    return MetricDefinition(
        kind,
        Direction.INCREASE,
        events=("Paid",),
        day=day,
        window_days=window_days,
        **others,  # type: ignore[arg-type]
    )


def summarise(
    events: EventFile,
    plan: Plan | dict[str, MetricDefinition],
    folder: Path,
    cutoff: datetime,
) -> Summaries:
    plan = plan if isinstance(plan, Plan) else plan_of(plan)
    bounds = Bounds(as_of=at(1000), data_cutoff=cutoff)
    found = summarise_events(plan, [events.write(folder)], bounds, folder / "scratch")
    assert not found.failed
    return found


def amounts_in(cell: Cell) -> Amounts:
    assert cell.amounts is not None
    return cell.amounts


def test_amounts__events_around_the_window__counted_and_added_up(
    tmp_path: Path,
) -> None:
    # The window is [day 1, day 3) since exposure. By hand: a pays 5 + 2.5 in it and 4
    # outside; b an event without a value; c nothing; d is too young on day 5.
    events = EventFile()
    events.exposed("a", "control").active("a", 1, 2.9, name="Paid", value=2.5)
    events.active("a", 1.5, name="Paid", value=2.5)
    events.active("a", 0.9, 3, name="Paid", value=2.0)
    events.exposed("b", "control").active("b", 2, name="Paid")
    events.exposed("c", "control").active("c", 2, name="Opened", value=9.0)
    events.exposed("d", "control", at(2.5)).active("d", 4, name="Paid", value=1.0)
    events.exposed("e", "treatment").active("e", 1, name="Paid", value=-3.0)
    metrics = {
        "sum": amount(day=1, window_days=2),
        "count": amount(MetricKind.EVENT_COUNT, day=1, window_days=2),
    }
    found = summarise(events, metrics, tmp_path, at(5))
    control = found.arms("sum")["control"].summary
    # 7.5, 0, 0: mean 2.5, M2 25 + 6.25 + 6.25.
    assert control == Moments(3, 2.5, 37.5, 0.0, 7.5, n_immature=1)
    assert found.arms("sum")["treatment"].summary == Moments(1, -3.0, 0.0, -3.0, -3.0)
    # 3, 1, 0: mean 4/3, M2 10 - 16/3.
    counted = found.arms("count")["control"].summary
    assert isinstance(counted, Moments)
    assert (counted.n, counted.mean, counted.m2) == (3, 4 / 3, 14 / 3)


def test_amounts__beside_churn_of_the_same_events__the_exposure_is_none_of_them(
    tmp_path: Path,
) -> None:
    # Churn takes the exposure itself for the start of a first gap. By hand: a paid
    # twice after it and once, 9, the day before; b never.
    events = EventFile()
    events.exposed("a", "control", at(1)).exposed("b", "control", at(1))
    events.active("a", 2, 3, name="Paid", value=2.0)
    events.active("a", 0, name="Paid", value=9.0).active("z", -30, name="Paid")
    churn = MetricDefinition(
        MetricKind.CHURN, Direction.DECREASE, ("Paid",), day=7, gap_days=7
    )
    metrics = {
        "churn": churn,
        "count": amount(MetricKind.EVENT_COUNT),
        "any": amount(MetricKind.EVENT_SHARE, at_least=1),
        "sum": amount(covariate_days=14),
    }
    together = summarise(events, metrics, tmp_path, at(30))
    found = {key: together.arms(key)["control"] for key in metrics}
    assert found["count"].summary == Moments(2, 1.0, 2.0, 0.0, 2.0)
    assert found["any"].summary == Successes(2, 1)
    assert found["churn"].summary == Successes(2, 2)
    vector = amounts_in(found["sum"]).vector
    assert (vector.mean[:2], vector.m2[0][1]) == ((2.0, 4.5), 18.0)
    for key, definition in metrics.items():
        alone = summarise(events, {key: definition}, tmp_path, at(30))
        assert alone.arms(key)["control"] == found[key]


def test_amounts__values_that_are_no_numbers__are_counted_and_left_out(
    tmp_path: Path,
) -> None:
    events = EventFile()
    for who, value in (("a", math.nan), ("b", math.inf), ("c", 4.0), ("d", 6.0)):
        events.exposed(who, "control").active(who, 1, name="Paid", value=value)
        events.active(who, 2, name="Paid", value=1.0)
    found = summarise(events, {"sum": amount()}, tmp_path, at(30))
    assert found.arms("sum")["control"].summary == Moments(
        2, 6.0, 2.0, 5.0, 7.0, n_nonfinite=2
    )


def test_amounts__cap__is_the_quantile_of_everybody_and_both_are_kept(
    tmp_path: Path,
) -> None:
    # Control pays 0 to 9, treatment 10 to 19: blind to that, the median of all 20 is
    # 9.5. Capped, control has 0 to 9 and treatment 9.5 ten times.
    events = EventFile()
    for i in range(20):
        variant = "control" if i < 10 else "treatment"
        events.exposed(str(i), variant).active(str(i), 1, name="Paid", value=float(i))
    found = summarise(events, {"sum": amount(cap_share=0.5)}, tmp_path, at(30))
    control, treatment = (found.arms("sum")[name] for name in ("control", "treatment"))
    assert control.summary == moments_of([float(i) for i in range(10)])
    assert treatment.summary == Moments(10, 9.5, 0.0, 9.5, 9.5)
    assert amounts_in(treatment).cap == 9.5
    assert amounts_in(treatment).raw == moments_of([float(i) for i in range(10, 20)])
    [reading] = estimate(plan_of({"sum": amount(cap_share=0.5)}), found, ())
    assert isinstance(reading.reading.outcome, Estimate)
    assert reading.reading.outcome.facts["cap"] == 9.5


def test_amounts__hardly_anybody_has_one__is_not_capped_to_nothing(
    tmp_path: Path,
) -> None:
    # 1 of 50 pays: the 90 % quantile is 0, and a cap at 0 would leave nothing.
    events = EventFile()
    for i in range(50):
        events.exposed(str(i), "control")
    events.active("7", 1, name="Paid", value=100.0)
    found = summarise(events, {"sum": amount(cap_share=0.9)}, tmp_path, at(30))
    cell = found.arms("sum")["control"]
    assert isinstance(cell.summary, Moments)
    assert (cell.summary.mean, amounts_in(cell).cap) == (2.0, None)


def test_ratio__contacts_per_order__is_the_ratio_of_sums(tmp_path: Path) -> None:
    # Orders and contacts of control: (1, 2), (3, 0), (0, 1): 3 contacts for 4 orders.
    definition = MetricDefinition(
        MetricKind.RATIO,
        Direction.DECREASE,
        events=("Contact",),
        per_events=("Order", "Reorder"),
        day=0,
        window_days=7,
    )
    events = EventFile()
    for who, orders, contacts in (("a", 1, 2), ("b", 3, 0), ("c", 0, 1)):
        events.exposed(who, "control")
        events.active(who, *[1.0] * orders, name="Order")
        events.active(who, *[2.0] * contacts, name="Contact")
    events.exposed("d", "treatment").active("d", 1, name="Contact")
    found = summarise(events, {"r": definition}, tmp_path, at(30))
    control = found.arms("r")["control"].summary
    # Residuals y - .75 x: 1.25, -2.25, 1; over the squared mean of x, 16/9.
    assert isinstance(control, Moments)
    assert (control.n, control.mean) == (3, 0.75)
    assert control.m2 == pytest.approx((1.5625 + 5.0625 + 1) / (16 / 9), rel=1e-14)
    # One customer of the treatment, without an order: a reason, and no number.
    [reading] = estimate(plan_of({"r": definition}), found, ())
    outcome = reading.reading.outcome
    assert isinstance(outcome, NotComputable)
    assert outcome.reason == Reason.TOO_FEW_UNITS


def test_ratio__value_per_event__takes_sums_and_counts(tmp_path: Path) -> None:
    definition = amount(
        MetricKind.RATIO, amount=Amount.SUM, per_events=("Visited", "Paid")
    )
    events = EventFile().exposed("a", "control")
    events.active("a", 1, 2, name="Visited", value=50.0)
    events.active("a", 3, name="Paid", value=12.0)
    found = summarise(events, {"r": definition}, tmp_path, at(30))
    vector = amounts_in(found.arms("r")["control"]).vector
    assert vector.mean == (12.0, 3.0)


def test_before__events_around_the_exposure__only_earlier_ones_count(
    tmp_path: Path,
) -> None:
    # With a window of 10 days before: a paid 2 + 3 in it, 4 at the exposure itself and
    # 5 before the window; b nothing. The store begins on day -20, so that of c, exposed
    # on day -11 (before the plan counts) nothing is asked; d came on day 1.
    events = EventFile().active("z", -20, name="Opened")
    events.exposed("a", "control").exposed("b", "control")
    for day, value in ((-10.5, 5.0), (-10, 2.0), (-0.001, 3.0), (0, 4.0), (1, 8.0)):
        events.active("a", day, name="Paid", value=value)
    definition = amount(covariate_days=10)
    cell = summarise(events, {"s": definition}, tmp_path, at(30)).arms("s")["control"]
    vector = amounts_in(cell).vector
    assert vector == replace(
        vector_moments_of([(12.0, 5.0, 0.0), (0.0, 0.0, 0.0)]),
        minimum=0.0,
        maximum=12.0,
    )


def test_before__store_does_not_reach_back__is_unknown_with_an_indicator(
    tmp_path: Path,
) -> None:
    # The first stored activity is on day -4: of a (exposed on day 0) 10 days before are
    # not known, of b (exposed on day 6) they just are.
    events = EventFile().active("a", -4, name="Paid", value=3.0)
    events.exposed("a", "control").exposed("b", "control", at(6))
    events.active("b", 5, name="Paid", value=2.0)
    metrics = {"s": amount(covariate_days=10), "kept": retention(day=1)}
    metrics["kept"] = replace(metrics["kept"], events=("Paid",), covariate_days=10)
    found = summarise(events, metrics, tmp_path, at(30))
    vector = amounts_in(found.arms("s")["control"]).vector
    assert vector.mean == (0.0, 1.0, 0.5)
    # Of retention the covariate is the number of the events, beside the shares.
    kept = found.arms("kept")["control"]
    assert kept.summary == Successes(2, 0)
    assert amounts_in(kept).vector.mean == (0.0, 0.5, 0.5)


def test_amounts__offset_of_1e9_and_unit_spread__keeps_the_spread(
    tmp_path: Path,
) -> None:
    events, random_ = EventFile(), random.Random(5)  # noqa: S311  # seeded
    values = [1e9 + random_.gauss(0, 1) for _ in range(400)]
    for i, value in enumerate(values):
        events.exposed(f"u{i}", "control").active(f"u{i}", 1, name="Paid", value=value)
    cell = summarise(events, {"s": amount()}, tmp_path, at(30)).arms("s")["control"]
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    m2 = float(sum((value - mean) ** 2 for value in exact))
    assert isinstance(cell.summary, Moments)
    assert cell.summary.m2 == pytest.approx(m2, rel=1e-6)


def _drawn(seed: int) -> tuple[EventFile, dict[str, list[float]]]:
    """Draw customers of two variants and segments; and what each paid in 7 days."""
    events, random_ = EventFile(), random.Random(seed)  # noqa: S311  # seeded
    events.active("first", -60, name="Opened")
    paid: dict[str, list[float]] = defaultdict(list)
    for i in range(300):
        variant, big = random_.choice(("control", "treatment")), random_.random() < 0.3
        who, spent = f"u{i}", 0.0
        exposed = random_.uniform(0, 5)
        events.exposed(who, variant, at(exposed)).traits(who, -50, big=big)
        for _ in range(random_.randrange(4)):
            value = round(random_.lognormvariate(3, 1), 2)
            day = random_.uniform(-9, 9)
            events.active(who, exposed + day, name="Paid", value=value)
            spent += value if 0 <= day < 7 else 0.0
        paid[variant].append(spent)
        paid[f"{variant} {big}"].append(spent)
    return events, paid


def test_amounts__naive_oracle__same_moments_and_cap(tmp_path: Path) -> None:
    events, paid = _drawn(11)
    segments = {"big": {"big": True}}
    plan = plan_of({"s": amount(cap_share=0.9)}, breakdowns=segments)
    found = summarise(events, plan, tmp_path, at(60))
    everybody = paid["control"] + paid["treatment"]
    # The same quantile as DuckDB's quantile_cont: linear between order statistics.
    cap = quantiles(everybody, n=10, method="inclusive")[-1]
    for variant in ("control", "treatment"):
        for segment, key in (("", variant), ("big", f"{variant} True")):
            cell = found.arms("s", segment)[variant]
            assert amounts_in(cell).cap == pytest.approx(cap, rel=1e-12)
            for ours, theirs in (
                (cell.summary, moments_of([min(x, cap) for x in paid[key]])),
                (amounts_in(cell).raw, moments_of(paid[key])),
            ):
                assert isinstance(ours, Moments)
                assert ours.n == theirs.n
                assert ours.mean == pytest.approx(theirs.mean, rel=1e-12)
                assert ours.m2 == pytest.approx(theirs.m2, rel=1e-12)


def test_amounts__any_order_of_rows_and_any_buckets__the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, _ = _drawn(12)
    metrics = {
        "s": amount(cap_share=0.9, covariate_days=7),
        "n": amount(MetricKind.EVENT_COUNT, covariate_days=7),
        "r": amount(MetricKind.RATIO, amount=Amount.SUM, per_events=("Paid",)),
    }
    first = summarise(events, metrics, tmp_path, at(60))
    for events_a_bucket in (10_000, 100):  # one bucket, then eight or more
        monkeypatch.setattr(event_rows, "EVENTS_A_BUCKET", events_a_bucket)
        random.Random(events_a_bucket).shuffle(events.rows)  # noqa: S311  # seeded
        again = summarise(events, metrics, tmp_path, at(60))
        assert repr(again.cells) == repr(first.cells)


def test_amounts__accounts_are_drawn__sums_of_accounts(tmp_path: Path) -> None:
    # Accounts of control: A pays 1 + 3 with two customers, B 5 with one: over accounts
    # (4, 2) and (5, 1), whose ratio is 3 a customer.
    events = EventFile()
    paid = {"a": ("A", 1.0), "b": ("A", 3.0), "c": ("B", 5.0), "d": ("C", 2.0)}
    for who, (account, value) in paid.items():
        variant = "treatment" if account == "C" else "control"
        events.exposed(who, variant, account=account.encode().ljust(16, b"-"))
        events.active(who, 1, name="Paid", value=value)
    plan = plan_of({"s": amount()})
    plan = replace(plan, design=replace(plan.design, unit=Unit.ACCOUNT))
    cell = summarise(events, plan, tmp_path, at(30)).arms("s")["control"]
    assert cell.summary == Moments(3, 3.0, 8.0, 1.0, 5.0)
    accounts = amounts_in(cell).accounts
    assert accounts is not None
    assert (accounts.n, accounts.mean) == (2, (4.5, 1.5))
    assert accounts.m2 == ((0.5, -0.5), (-0.5, 0.5))


def test_quantile__median_by_hand__is_the_order_statistic(tmp_path: Path) -> None:
    # Control pays 1 to 40, treatment 11 to 50, in segment "big" those above 20. The
    # median of n has rank n / 2; its interval ranks 20 -+ 1.96 sqrt(10): 14 and 27.
    events = EventFile()
    for i in range(1, 41):
        for variant, more in (("control", 0), ("treatment", 10)):
            who, value = f"{variant}{i}", float(i + more)
            events.exposed(who, variant).traits(who, -1, big=value > 20)
            events.active(who, 1, name="Paid", value=value)
    events.exposed("none", "control", at(29))
    median = amount(MetricKind.VALUE_QUANTILE, amount=Amount.SUM)
    plan = plan_of({"q": median}, breakdowns={"big": {"big": True}})
    found = summarise(events, plan, tmp_path, at(30))
    order = amounts_in(found.arms("q")["control"]).order
    assert order == OrderStatistics(40, 0.5, 20.0, 14.0, 27.0, n_immature=1)
    big = amounts_in(found.arms("q", "big")["treatment"]).order
    assert big is not None
    assert (big.n, big.value) == (30, 35.0)
    [reading] = estimate(plan, found, ())
    outcome = reading.reading.outcome
    assert isinstance(outcome, Estimate)
    assert (outcome.method, outcome.effect) == ("quantile", 10.0)
