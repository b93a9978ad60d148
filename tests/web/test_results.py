"""The page of a result, state by state: what it says, and what it must not say yet."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from analysis.read_outs import ReadOut, read_out_to_json
from analysis.readings import CheckView
from analysis.stats.estimate import Interval, NotComputable, Outcome
from analysis.stats.policy import AddedValue, PolicyValue
from experiments import accounts, plan_lock
from experiments.context import Context
from experiments.db import transaction
from experiments.design_parts import SegmentRef
from experiments.models import AnalysisRun, Experiment, Person
from experiments.vocabulary import (
    CheckState,
    HealthCheck,
    PersonRole,
    Reason,
    ResultPhase,
)
from tests.analysis.run_examples import (
    BAD_SPLIT,
    PASSED_CHECKS,
    change,
    finish,
    readings_of,
    store_failure,
    store_run,
)
from tests.clock import FakeClock
from tests.factories import (
    CSAT,
    EXPERIMENT,
    NOW,
    RETENTION,
    make_experiment,
    make_segment,
    start_experiment,
    variant,
)
from tests.web.conftest import Visitor
from tests.web.markup import text_of

SignIn = Callable[..., Visitor]
LATER = NOW + timedelta(days=60)
RESULTS = f"/experiments/{EXPERIMENT}/results"
SUMMARY = f"/experiments/{EXPERIMENT}/summary"
OUTCOMES = ("p-value", "95 % CI", "rose", "fell", "+1.9", "72.0 %", "0.0041", "Better")


@pytest.fixture
def visitor(signed_in: SignIn, now: FakeClock) -> Visitor:
    signed_in(PersonRole.EDITOR)  # owns what the viewer reads
    now.advance(days=60, hours=3)
    return signed_in(PersonRole.VIEWER)


def start(session: Session, **changes: object) -> Experiment:
    owner = accounts.actor_for(session.get_one(Person, 1))
    return start_experiment(session, owner, **changes)  # type: ignore[arg-type]


def test_results__draft__says_that_nothing_is_locked(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_experiment(session, accounts.actor_for(session.get_one(Person, 1)))
    for path in (RESULTS, SUMMARY, f"{RESULTS}.json"):
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert "it was not started" in answer.text


def test_results__never_analysed__says_when(visitor: Visitor, context: Context) -> None:
    with transaction(context.sessions) as session:
        start(session)
    page = text_of(visitor.get(RESULTS).text)
    assert "Not analysed yet" in page
    assert "11 May 2026" in page
    assert "Not analysed yet" in text_of(visitor.get(SUMMARY).text)


def test_results__final__leads_with_the_answer_and_shows_all_that_stands_behind(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_segment(session, "bakeries", name="Bakeries", condition={"a": "b"})
        experiment = start(session, breakdowns=(SegmentRef("bakeries", 1),))
        finish(session, experiment, at=LATER, segment_per_quarter=22_100)
    raw = visitor.get(RESULTS).text
    page = text_of(raw)
    order = [
        "3 of 4 checks passed; 1 to note.",
        "Not reviewed: nobody but its author has approved the plan.",
        "Ship nudge",
        "Day-30 retention rose by 1.9 points ( 95 % CI 0.6 to 3.2): about 420",
        "Why: Day-30 retention is better, and harm beyond the limit agreed is",
        "Ship if Day-30 retention is better",
        "Day-30 retention, the metric that decides",
        "Day-30 retention was 70.1 % in control and 72.0 % in nudge.",
        "If we ran this many times, about 95 of 100 such ranges would contain",
        "All metrics",
        "We can rule out harm to CSAT beyond −0.05",  # noqa: RUF001
        "Day by day",
        "Satisfaction: what customers answered, and who did",
        "Who answered the survey",
        "CSAT: other readings, and what silence could hide",
        "Share that answered 4 or more",
        "Chance that a customer of the variant answers higher",
        "Odds of a higher answer, against control",
        "Whoever kept silent (Lee's bounds)",
        "What would undo it",
        "Not given: no segments were declared.",
        "By segment",
        "Bakeries",
        "Method and data",
        "The range decides, not the p-value.",
        "Plan, SHA-256",
    ]
    found = [page.find(words) for words in order]
    assert -1 not in found, order[found.index(-1)]
    assert found == sorted(found)
    for name in ("primary-outcome", "forest", "csat-csat", "retention-retention-d30"):
        assert raw.count(f'id="chart-{name}-wide-title"') == 1
    assert 'style="' not in raw


def test_results__final__each_chart_has_its_sentence_and_table(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER)
    raw = visitor.get(RESULTS).text
    figures = re.findall(r'<figure class="chart">.*?</figure>', raw, flags=re.DOTALL)
    assert len(figures) == 5
    for figure in figures:
        described = unescape(re.findall(r"<desc[^>]*>(.*?)</desc>", figure)[0])
        words = text_of(figure)
        assert described in words
        if "chart-forest" not in figure:
            assert "<table" in figure
    # The forest's table holds every metric of the drawing, with the same numbers.
    forest = next(figure for figure in figures if "chart-forest" in figure)
    rest = text_of(raw[raw.index(forest) + len(forest) :])
    for value in ("+1.9 points", "(+0.6 to +3.2)", "+0.011", "(−0.022 to +0.044)"):  # noqa: RUF001
        assert value in rest
        assert value in unescape(forest)


def test_results__counting__shows_enrolment_and_no_outcome(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER, phase=ResultPhase.COUNTING)
    raw = visitor.get(RESULTS).text
    page = text_of(raw)
    assert "Keep running" in page
    assert "Too early to say. 666 of 2,000 customers so far" in page
    assert "chart-enrolment-wide" in raw
    assert "Who answered the survey" in page
    for word in (*OUTCOMES, "primary-outcome", "difference", "forest"):
        assert word not in page, word
    assert "chart-forest" not in raw
    assert "Download as JSON" in page
    said = visitor.get(f"{RESULTS}.json").text
    assert json.loads(said)["verdict"] == "keep_running"
    for word in ("outcome", "effect", "interval", "better", "0.019", "0.0041"):
        assert word not in said, word


def test_results__failed_check__warns_first_and_folds_the_rest(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        checks = [BAD_SPLIT, *PASSED_CHECKS[1:]]
        finish(session, start(session), at=LATER, checks=checks)
    raw = visitor.get(RESULTS).text
    page = text_of(raw)
    assert "Do not use these results 51.9 % of customers got nudge" in page
    assert "chart-" not in raw
    assert "Record the decision" not in page
    folded = re.search(r'<details class="folded">.*?</details>', raw, flags=re.DOTALL)
    assert folded is not None
    assert "None of these numbers may be used to decide." in folded.group()
    outside = text_of(raw.replace(folded.group(), ""))
    for word in ("rose", "+1.9", "Ship nudge"):
        assert word not in outside


def test_results__later_analysis_failed__says_how_old_they_are(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        experiment = start(session)
        finish(session, experiment, at=LATER)
        store_failure(session, experiment, at=LATER + timedelta(hours=1))
    for path in (RESULTS, SUMMARY):
        page = text_of(visitor.get(path).text)
        assert "The results are from 13 May 2026, 09:30 UTC." in page
        assert "The last analysis failed 2 hours ago." in page
        assert "Ship nudge" in page


def test_results__nothing_but_failures__says_so(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        store_failure(session, start(session), at=LATER)
    page = text_of(visitor.get(RESULTS).text)
    assert "There are no results yet. The last analysis failed 3 hours ago." in page


def test_results__one_metric_cannot_be_computed__the_others_stand(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        finish(
            session,
            start(session),
            at=LATER,
            guardrail=NotComputable(Reason.NO_ANSWERS),
        )
    page = text_of(visitor.get(RESULTS).text)
    assert "CSAT cannot be computed: nobody in a group answered the survey." in page
    assert "Day-30 retention rose by 1.9 points" in page
    assert "Undecided" in page


def test_results__small_segment__is_hidden(visitor: Visitor, context: Context) -> None:
    with transaction(context.sessions) as session:
        for key in ("tiny", "small"):
            make_segment(session, key, name=key.title(), condition={"a": key})
        refs = (SegmentRef("tiny", 1), SegmentRef("small", 1))
        experiment = start(session, breakdowns=refs)
        plan, _ = plan_lock.locked_plan(session, experiment)
        outcomes: dict[tuple[str, str, str], Outcome] = {
            (RETENTION, "nudge", ""): change(0.019, 0.013, control=0.701),
            (RETENTION, "nudge", "tiny"): change(0.4, 0.3, control=0.3, n=9),
            (RETENTION, "nudge", "small"): NotComputable(
                Reason.TOO_FEW_UNITS, {"needed": 10}
            ),
        }
        store_run(session, experiment, readings_of(plan, outcomes), at=LATER)
    page = text_of(visitor.get(RESULTS).text)
    assert "Tiny Day-30 retention Hidden: fewer than 10 customers in a group." in page
    assert "Small Day-30 retention Day-30 retention cannot be computed" in page
    assert "40.0" not in page


ONE_VALUE = PolicyValue(0.72, 0.005, Interval(0.71, 0.73), 2000, 2000.0, 2.0)
WORTH = AddedValue(
    rule=ONE_VALUE,
    uniform=replace(ONE_VALUE, value=0.70),
    added=0.02,
    standard_error=0.005,
    interval=Interval(0.01, 0.03),
    p_value=6e-5,
    share_changed=0.4,
)


def beside(run: AnalysisRun, worth: AddedValue | NotComputable) -> None:
    """Put beside a run's results what a rule by segments would be worth."""
    unknown = NotComputable(Reason.NO_HISTORY)
    body = read_out_to_json(ReadOut(unknown, 1.0, 0, worth=worth))
    for row in run.results:
        row.details = {**row.details, "personalising": body["personalising"]}


@pytest.mark.parametrize(
    ("worth", "said"),
    [
        (
            replace(WORTH, interval=Interval(-0.01, 0.05)),
            "Is personalisation worth it? That is not shown. A rule",
        ),
        (
            replace(WORTH, added=-0.02, interval=Interval(-0.03, -0.01)),
            "Is personalisation worth it? No. A rule",
        ),
        (
            NotComputable(Reason.ONE_FOR_ALL),
            "No: among customers it could learn from, one variant suited every",
        ),
        (
            NotComputable(Reason.TOO_FEW_UNITS, {"needed": 10}),
            "There is no answer: a rule by segment could not be learned and tried.",
        ),
    ],
)
def test_results__personalising__says_plainly_what_is_not_shown(
    visitor: Visitor, context: Context, worth: AddedValue | NotComputable, said: str
) -> None:
    with transaction(context.sessions) as session:
        make_segment(session, "free", name="Free", condition={"plan": "free"})
        refs = (SegmentRef("free", 1),)
        plan, _ = plan_lock.locked_plan(
            session, experiment := start(session, breakdowns=refs)
        )
        outcomes: dict[tuple[str, str, str], Outcome] = {
            (RETENTION, "nudge", ""): change(0.019, 0.013, control=0.701),
            (RETENTION, "nudge", "free"): change(0.039, 0.01, control=0.7),
        }
        readings = readings_of(plan, outcomes)
        beside(store_run(session, experiment, readings, at=LATER), worth)
    assert said in text_of(visitor.get(RESULTS).text)


def test_results__two_segments__says_whether_they_differ_and_whether_one_got_worse(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        for key in ("free", "team"):
            make_segment(session, key, name=key.title(), condition={"plan": key})
        refs = (SegmentRef("free", 1), SegmentRef("team", 1))
        plan, _ = plan_lock.locked_plan(
            session, experiment := start(session, breakdowns=refs)
        )
        outcomes: dict[tuple[str, str, str], Outcome] = {
            (RETENTION, "nudge", ""): change(0.019, 0.013, control=0.701),
            (RETENTION, "nudge", "free"): change(0.039, 0.01, control=0.7),
            (RETENTION, "nudge", "team"): change(-0.031, 0.01, control=0.7),
            (CSAT, "nudge", ""): change(0.011, 0.033, control=4.12),
            (CSAT, "nudge", "free"): change(0.011, 0.033, control=4.12),
            (CSAT, "nudge", "team"): change(0.012, 0.033, control=4.12),
        }
        run = store_run(session, experiment, readings_of(plan, outcomes), at=LATER)
        beside(run, WORTH)
    page = text_of(visitor.get(RESULTS).text)
    assert (
        "Is personalisation worth it? Yes, by this experiment. A rule by declared"
        " segment, learned from some customers and tried on others, changes Day-30"
        " retention by +2.0 points (95 % CI +1.0 to +3.0) compared with the best single"
        " variant for everybody. 40 % of customers would get another variant."
    ) in page
    # tau^2 = 2 * 3.5^2 - .51^2 = 24.24; of each distance of 3.5 from the mean of +0.4
    # 24.24 / (24.24 + .51^2) = 98.9 % stays.
    assert "the change differs between segments (p < 0.0001)" in page
    assert "Free +3.9 points and Team −3.1 points" in page  # noqa: RUF001
    assert "Day-30 retention: worse by more than 1 point for Team." in page
    assert "CSAT: no declared segment is left worse. In each of them harm" in page
    assert "What these changes probably are (Bayes)" in page
    # +1.9 with an error of .66, held against a prior of 1: 1.9 / (1 + .66^2) = 1.3.
    assert "the change is probably +1.3 points (95 % range +0.2 to +2.4)." in page
    assert "as the plan expects, for there are too few earlier results" in page


def test_results__several_treatments__are_named_everywhere(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        three = (
            variant("control", is_control=True, share=0.4),
            variant("nudge", share=0.3),
            variant("short", share=0.3),
        )
        finish(session, start(session, variants=three), at=LATER)
    page = text_of(visitor.get(RESULTS).text)
    assert "nudge: Day-30 retention rose by 1.9 points" in page
    assert "short: Day-30 retention rose by 1.9 points" in page
    assert "They were not compared with each other." in page
    assert (
        "Several variants Primary metric adjusted by Dunnett: in 95 % of experiments"
        " the ranges of all variants hold together"
    ) in page


def test_results__one_of_several_treatments__has_an_address_of_its_own(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_segment(session, "bakeries", name="Bakeries", condition={"a": "b"})
        three = (
            variant("control", is_control=True, share=0.4),
            variant("nudge", share=0.3),
            variant("short", share=0.3),
        )
        refs = (SegmentRef("bakeries", 1),)
        finish(session, start(session, variants=three, breakdowns=refs), at=LATER)
    every = visitor.get(RESULTS).text
    assert 'aria-current="page">All variants</a>' in every
    address = f'href="{RESULTS}?variant=short"'
    assert address in every
    own = visitor.get(f"{RESULTS}?variant=short").text
    assert f'{address} aria-current="page"' in own
    assert "Day-30 retention with short, the metric that decides" in text_of(own)
    for chart in ("forest-short", "segments-short"):
        assert own.count(f'id="chart-{chart}-wide-title"') == 1
    for chart in ("forest", "segments-nudge", "forest-nudge"):
        assert f'id="chart-{chart}-wide-title"' not in own
    # Curves and answers below are of all groups; the metrics are of this one.
    part = own[own.index('id="metrics"') : own.index('id="curves"')]
    assert "nudge" not in text_of(part)
    for asked in ("control", "nobody", ""):
        assert visitor.get(f"{RESULTS}?variant={asked}").status_code == 404


def test_results__one_treatment__has_no_tabs(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER)
    assert 'class="tabs' not in visitor.get(RESULTS).text
    same = visitor.get(f"{RESULTS}?variant=nudge").text
    assert "Day-30 retention, the metric that decides" in text_of(same)


def test_results__survey__says_whether_groups_answered_equally_often(
    visitor: Visitor, context: Context
) -> None:
    said = "Customers of all groups answered about equally often."
    balanced = CheckView(HealthCheck.RESPONSE_BALANCE, CheckState.PASSED, said)
    with transaction(context.sessions) as session:
        checks = [*PASSED_CHECKS, balanced]
        finish(session, start(session), at=LATER, checks=checks)
    page = text_of(visitor.get(RESULTS).text)
    part = page[page.index("what customers answered, and who did") :]
    assert part.index(said) < part.index("Who answered the survey")


def test_results__as_json__is_what_the_page_shows(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        finish(session, start(session), at=LATER)
    answer = visitor.get(f"{RESULTS}.json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    body = answer.get_json()
    assert body["verdict"] == "ship"
    assert [result["metric"] for result in body["results"]] == [RETENTION, CSAT]


def test_results__signed_out__asks_to_sign_in(app: Flask) -> None:
    visitor = Visitor(app.test_client())
    for path in (RESULTS, SUMMARY, f"{RESULTS}.json"):
        assert "/sign-in" in visitor.get(path).location
