"""Planning an experiment page by page: write, change, compare, review, start."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from werkzeug.test import TestResponse

from analysis.plan_basis import Basis
from analysis.stats.arrivals import Arrivals
from experiments import accounts, catalog, hypotheses, metrics
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.decision_rule import DecisionRule, preset_rule
from experiments.design import Design
from experiments.errors import NotFound
from experiments.models import Person
from experiments.vocabulary import (
    GuardrailTest,
    MonitoringMode,
    PersonRole,
    PlanTask,
    Role,
    RulePreset,
    Status,
    Unit,
)
from tests.baselines import keep_baseline
from tests.clock import FakeClock
from tests.factories import (
    CSAT,
    EXPERIMENT,
    HYPOTHESIS,
    RETENTION,
    SEGMENT,
    definition,
    make_experiment,
    make_hypothesis,
    make_metric,
    make_segment,
)
from tests.web.conftest import BASE, Visitor
from tests.web.markup import form_to, main_form, text_of
from web.forms.plan_pages import fields_of
from web.forms.values import key_from

SignIn = Callable[..., Visitor]
# What a person types for the plan that `tests.factories.design_value` describes.
TYPED = {
    "name": "Annual plan nudge",
    "goal": "churn_reduction",
    "hypothesis": HYPOTHESIS,
    "segment": SEGMENT,
    "coverage": "50",
    "assigned_by": "abide",
    "unit": "customer",
    "variants-0-name": "control",
    "variants-0-share": "50",
    "variants-0-description": "What they see today.",
    "variants-0-parameters": '{"headline": "Go yearly"}',
    "variants-1-name": "nudge",
    "variants-1-share": "50",
    "variants-1-description": "The yearly saving.",
    "variants-1-parameters": '{"headline": "Save two months"}',
    "metrics-0-metric": RETENTION,
    "metrics-0-role": "primary",
    "metrics-0-change_that_matters": "1.5",
    "metrics-1-metric": CSAT,
    "metrics-1-role": "guardrail",
    "metrics-1-change_that_matters": "0.05",
    "metrics-1-margin": "0.05",
    "planned_units": "28 800",
    "planned_end_at": "2026-06-30",
    "alpha": "5",
    "key": EXPERIMENT,
}
NEW_HYPOTHESIS = {
    "title": "Naming the yearly saving keeps business customers",
    "change": "Show the yearly saving.",
    "evidence": "data_pattern",
    "evidence_text": "They ask for it.",
    "friction_point": "The saving is hidden.",
    "journey_stage": "renewal",
    "direction": "increase",
    "if_up": "Keep it.",
    "if_flat": "Drop it.",
    "if_down": "Ask why.",
    "lift_low": "\N{MINUS SIGN}1",
    "lift_mid": "2",
    "lift_high": "5",
    "ship_probability": "40",
    "segment": SEGMENT,
    "metric": RETENTION,
    "expected_change": "1.5",
    "wrong_if": "It does not rise.",
}


@pytest.fixture
def planner(signed_in: SignIn, context: Context) -> Visitor:
    """Sign an editor in, where there is all that a plan names."""
    visitor = signed_in(PersonRole.EDITOR, "Ada")
    with transaction(context.sessions) as session:
        make_hypothesis(session, accounts.actor_for(session.get_one(Person, 1)))
        make_metric(session, CSAT)
    return visitor


PAGE_OF = {
    "variant": PlanTask.VARIANTS,
    "rule": PlanTask.VARIANTS,
    "metric": PlanTask.METRICS,
    "duration": PlanTask.DURATION,
}


def send(visitor: Visitor, typed: dict[str, Any], action: str = "save") -> TestResponse:
    """Answer one page of a plan after another, until one of them is shown again."""
    key = typed.get("key") or key_from(typed["name"], "experiment")
    last = next((page for word, page in PAGE_OF.items() if word in action), None)
    begun = visitor.get(f"/experiments/{key}/plan").status_code == 200
    for task in PlanTask:
        path = f"/experiments/{key}/plan/{task}"
        if task == PlanTask.HYPOTHESIS and not begun:
            path = "/experiments/new"
        answer = answer_page(
            visitor, path, task, typed, action if task == last else "save"
        )
        if answer.status_code != 302 or task in {last, PlanTask.RISK}:
            return answer
    raise AssertionError("the last page answers")


def answer_page(
    visitor: Visitor, path: str, task: PlanTask, typed: dict[str, Any], action: str
) -> TestResponse:
    """Send a page as a browser does, with what is typed over what it shows.

    What a button led on to is shown, as a browser would.
    """
    sent: dict[str, Any] = main_form(visitor.get(path).text).sent(action=action)
    own = fields_of(task)
    sent |= {n: v for n, v in typed.items() if n.partition("-")[0] in own}
    answer = visitor.client.post(path, data=sent, base_url=BASE)
    if answer.status_code == HTTPStatus.SEE_OTHER:
        return visitor.get(answer.headers["Location"].partition("#")[0])
    return answer


def stored(context: Context, key: str = EXPERIMENT) -> Design:
    with transaction(context.sessions) as session:
        return catalog.to_design(catalog.get(session, key))


def test_plan__as_typed__is_stored_in_the_units_of_its_metrics(
    planner: Visitor, context: Context
) -> None:
    answer = send(planner, TYPED)
    assert answer.headers["Location"] == f"/experiments/{EXPERIMENT}/review"
    design = stored(context)
    assert design.coverage == 0.5
    assert design.alpha == 0.05
    assert design.planned_units == 28_800
    assert design.planned_end_at.isoformat() == "2026-06-30T00:00:00+00:00"
    assert [v.share for v in design.variants] == [0.5, 0.5]
    assert design.control.name == "control"
    assert design.treatments[0].parameters == {"headline": "Save two months"}
    # Points of a rate become a share; a score stays a score.
    assert design.metrics[0].change_that_matters == 0.015
    assert design.metrics[1].change_that_matters == 0.05
    assert design.metrics[1].margin == 0.05


def test_plan__without_a_key__gets_one_from_its_name(
    planner: Visitor, context: Context
) -> None:
    answer = send(planner, TYPED | {"key": "", "name": "Über-Nudge: 2nd try!"})
    assert answer.headers["Location"] == "/experiments/uber-nudge-2nd-try/review"
    assert stored(context, "uber-nudge-2nd-try").name == "Über-Nudge: 2nd try!"


def test_plan__shown_for_a_change__saves_back_the_same(
    planner: Visitor, context: Context
) -> None:
    personalised = TYPED | {
        "personalised": "1",
        "rules-0-segment": SEGMENT,
        "rules-0-parameters": '{"headline": "For you"}',
        "breakdowns": SEGMENT,
        "post_stratified": "yes",
        "exposures_from": "2026-04-01",
        "enrolment_ends_at": "2026-05-01",
        "rule-preset": "own",
        "rule-primary": "better",
        "rule-guardrails": "harm_not_shown",
        "rule-splits": "yes",
        "metrics-0-margin": "2",
    }
    assert send(planner, personalised).status_code == 302
    before = stored(context)
    assert before.treatments[0].personalisation[0].segment == SEGMENT
    assert before.post_stratified
    review = planner.get(f"/experiments/{EXPERIMENT}/review").text
    assert "within these segments, then added up" in review
    assert before.decision_rule == DecisionRule(
        RulePreset.OWN,
        guardrails=GuardrailTest.HARM_NOT_SHOWN,
        splits_not_worse=True,
    )
    for task in PlanTask:
        path = f"/experiments/{EXPERIMENT}/plan/{task}"
        answer = answer_page(planner, path, task, {}, "save")
        assert answer.headers["Location"] == f"/experiments/{EXPERIMENT}/review"
        assert stored(context) == before


def test_rule__that_needs_a_margin__asks_for_it_at_the_primary_metric(
    planner: Visitor, context: Context
) -> None:
    refused = send(planner, TYPED | {"rule-preset": "do_no_harm"})
    assert refused.status_code == 400
    assert 'href="#metrics-0-margin"' in refused.text
    # What is chosen below a preset is not used, so it cannot contradict it.
    fine = {"metrics-0-margin": "2", "rule-guardrails": "harm_not_shown"}
    answer = send(planner, TYPED | {"rule-preset": "do_no_harm"} | fine)
    assert answer.status_code == 302
    assert stored(context).decision_rule == preset_rule(RulePreset.DO_NO_HARM)
    review = planner.get(answer.headers["Location"]).text
    assert "Ship if harm to Day-30 retention beyond 2 points" in review


def test_stored_time_of_day__of_a_date_that_is_not_changed__is_kept(
    planner: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_experiment(session, owner)
    before = stored(context)
    assert before.planned_end_at.hour == 9
    path = f"/experiments/{EXPERIMENT}/plan/duration"
    answer_page(planner, path, PlanTask.DURATION, {"alpha": "10"}, "save")
    assert stored(context).alpha == 0.1
    assert stored(context).planned_end_at == before.planned_end_at


def test_planned_end__that_has_passed__is_refused_at_its_field(
    planner: Visitor,
) -> None:
    answer = send(planner, TYPED | {"planned_end_at": "2026-03-14"})
    assert answer.status_code == 400
    assert 'href="#planned_end_at">Planned end: this time has passed.' in answer.text


def test_new_hypothesis__within_the_plan__is_registered_with_it(
    planner: Visitor, context: Context
) -> None:
    inline = {f"new_hypothesis-{name}": text for name, text in NEW_HYPOTHESIS.items()}
    assert send(planner, TYPED | inline | {"hypothesis": ""}).status_code == 302
    with transaction(context.sessions) as session:
        key = stored(context).hypothesis
        value = hypotheses.to_value(hypotheses.get(session, key))
    assert key == "naming-the-yearly-saving-keeps-business-customers"
    assert value.segment == SEGMENT
    assert value.metric == RETENTION
    assert value.expected_change == 0.015
    assert value.forecast is not None
    assert value.forecast.lift_low == -0.01
    assert value.forecast.ship_probability == 0.4


def test_new_hypothesis__expects_more_than_a_rate_can_change__is_refused(
    planner: Visitor,
) -> None:
    inline = {f"new_hypothesis-{name}": text for name, text in NEW_HYPOTHESIS.items()}
    inline |= {"hypothesis": "", "new_hypothesis-expected_change": "150"}
    answer = send(planner, TYPED | inline)
    assert answer.status_code == 400
    assert "Enter a number from 0.01 to 99.99 points." in answer.text


def test_new_hypothesis__of_a_page_that_is_refused__is_not_left_behind(
    planner: Visitor, context: Context
) -> None:
    inline = {f"new_hypothesis-{name}": text for name, text in NEW_HYPOTHESIS.items()}
    answer = send(planner, TYPED | inline | {"hypothesis": "", "key": "a b"})
    assert answer.status_code == 400
    assert 'id="key-error"' in answer.text
    with transaction(context.sessions) as session, pytest.raises(NotFound):
        hypotheses.get(session, "naming-the-yearly-saving-keeps-business-customers")


def test_new_hypothesis__with_faults__names_each(planner: Visitor) -> None:
    answer = send(planner, TYPED | {"hypothesis": ""})
    for field, words in {
        "title": "Enter the hypothesis in one line.",
        "evidence_text": "Enter what you have observed.",
        "metric": "Choose a metric.",
    }.items():
        assert f'href="#new_hypothesis-{field}">{words}' in answer.text
    assert 'value="Annual plan nudge"' in answer.text


def test_fault_of_a_metric__after_a_blank_row__stands_at_its_own_row(
    planner: Visitor,
) -> None:
    typed = TYPED | {
        "metrics-1-metric": "",
        "metrics-1-margin": "",
        "metrics-1-change_that_matters": "",
        "metrics-2-metric": CSAT,
        "metrics-2-role": "guardrail",
        "metrics-2-change_that_matters": "0.05",
        "metrics-2-margin": "",
    }
    answer = send(planner, typed)
    assert answer.status_code == 400
    assert 'id="metrics-2-margin-error"' in answer.text
    assert 'id="metrics-1-margin-error"' not in answer.text


def test_plan__with_another_metric_than_its_hypothesis__is_refused_at_the_metric(
    planner: Visitor,
) -> None:
    typed = TYPED | {"metrics-0-role": "guardrail", "metrics-1-role": "primary"}
    typed["metrics-0-margin"] = "1"
    answer = send(planner, typed)
    assert 'id="metrics-1-metric-error"' in answer.text


def test_plan__that_counts_exposures_from_the_past__is_refused_for_an_editor(
    planner: Visitor,
) -> None:
    answer = send(planner, TYPED | {"exposures_from": "2026-01-01"})
    assert 'id="exposures_from-error"' in answer.text
    assert "Only an admin may count exposures" in answer.text


def test_rows__added_and_removed__keep_what_was_typed(planner: Visitor) -> None:
    more = send(planner, TYPED, "add_variant")
    assert more.status_code == 200
    form = main_form(more.text)
    values = dict(form.values)
    assert values["variants-2-name"] == ""
    assert values["variants-1-parameters"] == '{"headline": "Save two months"}'
    assert "problems" not in form.by_id
    third = TYPED | {name: values[0] for name, values in form.sent().items()}
    third |= {"variants-2-name": "third", "variants-2-share": "x"}
    fewer = dict(main_form(send(planner, third, "remove_variant-1").text).values)
    assert fewer["variants-1-name"] == "third"
    assert fewer["variants-1-share"] == "x"
    assert "variants-2-name" not in fewer
    metric = dict(main_form(send(planner, TYPED, "add_metric").text).values)
    assert metric["metrics-2-role"] == Role.SECONDARY


@pytest.mark.parametrize(
    "action", ["remove_variant-99999", "remove_x-1", "add_", "remove_variant-x", "?"]
)
def test_rows__by_an_action_we_do_not_offer__stay(
    planner: Visitor, action: str
) -> None:
    send(planner, TYPED, "add_variant")
    path = f"/experiments/{EXPERIMENT}/plan/variants"
    answer = answer_page(planner, path, PlanTask.VARIANTS, TYPED, action)
    assert dict(main_form(answer.text).values)["variants-1-name"] == "nudge"


def test_rows__more_than_a_design_takes__are_refused_in_words(
    planner: Visitor,
) -> None:
    many = {f"variants-{n}-name": f"v{n}" for n in range(1000)}
    answer = send(planner, TYPED | many)
    assert answer.status_code == 400
    assert "Give 2 to 10 variants, one control." in answer.text


def test_duration__worked_out__keeps_every_value_and_says_the_sentence(
    planner: Visitor, context: Context
) -> None:
    """70.0 % to 71.5 %, 80 % power, alpha 5 %.

    By hand from Fleiss, Levin and Paik (2003), eq. 4.14 without continuity
    correction: n = (1.95996 sqrt(2 * .7075 * .2925) + .84162 sqrt(.7 * .3 +
    .715 * .285))^2 / .015^2 = 14,436.8, rounded up, per variant.
    """
    typed = TYPED | {
        "monitoring_mode": "fixed_end",
        "coverage": "100",
        "duration-baseline": "70",
        "duration-weekly_customers": "5800",
        "duration-power": "80",
    }
    answer = send(planner, typed, "duration")
    assert answer.status_code == 200
    assert (
        "To detect a change of 1.5 points from 70 % with 80 % power you need 14,437"
        " customers per variant: about 5 weeks at 5,800 a week."
    ) in answer.text
    assert "28,874 customers, all variants together" in answer.text
    # Four looks take 2 % more at most (Jennison and Turnbull 2000, table 2.4).
    looks = send(planner, typed | {"monitoring_mode": "group_sequential"}, "duration")
    assert "you need 14,72" in looks.text
    bad = typed | {"monitoring_mode": "group_sequential", "looks": "50, 40"}
    assert "the times of the looks" in send(planner, bad, "duration").text
    values = dict(main_form(answer.text).values)
    for name, value in typed.items():
        if name.partition("-")[0] in fields_of(PlanTask.DURATION):
            assert values[name] == value, name
    with transaction(context.sessions) as session:  # nothing of it is stored yet
        assert "duration" in catalog.get(session, EXPERIMENT).open_tasks


BY_ACCOUNT = {
    "monitoring_mode": "fixed_end",
    "unit": "account",
    "hash_attribute": "accountId",
    "coverage": "100",
    "duration-baseline": "70",
    "duration-power": "80",
    "duration-weekly_accounts": "400",
    "duration-account_customers": "20",
    "duration-account_cv": "0.5",
    "duration-icc": "0.02",
}


def test_duration__by_account__counts_accounts_and_their_customers(
    planner: Visitor,
) -> None:
    # By hand in tests/api/test_resources.py.
    answer = send(planner, TYPED | BY_ACCOUNT, "duration")

    assert answer.status_code == 200
    assert "you need 1,070 accounts per variant: about 5 weeks at 400" in answer.text
    assert "That is 2,140 accounts, all variants together." in answer.text
    assert "These bring 42,800 customers, 1.48 times as many" in answer.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"duration-weekly_accounts": ""},
            "say how many accounts reach the change in the first week, and how many",
        ),
        (
            {"duration-account_customers": "", "duration-icc": ""},
            "(ICC). No results by account tell it yet.",
        ),
        ({"duration-weekly_accounts": "1"}, "Not reachable: it would take"),
    ],
)
def test_duration__by_account_with_too_little__says_what_is_missing(
    planner: Visitor, changes: dict[str, str], words: str
) -> None:
    answer = send(planner, TYPED | BY_ACCOUNT | changes, "duration")

    assert answer.status_code == 200
    assert words in answer.text


def test_duration__out_of_reach__names_what_would_fit_by_own_data(
    planner: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_metric(
            session, "week-1", name="Week-1 retention", definition=definition(day=7)
        )
    for metric, weekly, segment in (
        (RETENTION, 5800.0, ""),
        (RETENTION, 100.0, SEGMENT),
        ("week-1", 90.0, SEGMENT),  # as few: it would not fit either
    ):
        version = int(bool(segment))
        keep_baseline(
            context,
            metric,
            Basis(0.7),
            weekly=weekly,
            segment=segment,
            version=version,
        )
    typed = TYPED | {"duration-power": "80"}

    answer = send(planner, typed, "duration").text

    assert "Not reachable: it would take" in answer
    fitting = answer.partition("By your own data this would fit: ")[2][:300]
    assert fitting.startswith("the same metric for all customers, in ")
    assert "Week-1" not in fitting
    keep_baseline(
        context, "week-1", Basis(0.7), weekly=5800, segment=SEGMENT, version=1
    )
    answer = send(planner, typed, "duration").text
    assert "would fit: Week-1 retention for the same customers, in " in answer


def test_plan__looks__are_kept_or_refused_at_their_field(
    planner: Visitor, context: Context
) -> None:
    refused = send(planner, TYPED | {"looks": "50, soon"})
    assert refused.status_code == 400
    assert 'id="looks-error"' in refused.text
    assert send(planner, TYPED | {"looks": "40 %, 100"}).status_code == 302
    with transaction(context.sessions) as session:
        design = catalog.to_design(catalog.get(session, EXPERIMENT))
    assert design.monitoring_mode == MonitoringMode.GROUP_SEQUENTIAL
    assert design.looks == (0.4, 1.0)
    page = planner.get(f"/experiments/{EXPERIMENT}/plan/duration").text
    assert dict(main_form(page).values)["looks"] == "40, 100"


def test_duration__worked_out__fills_size_and_dates_that_the_plan_can_keep(
    planner: Visitor,
) -> None:
    """28,874 at 5,800 a week (above) take 34.8 days: 35 after 14 March is 18 April.

    The planned end is the first midnight after 31 more days.
    """
    empty = {"planned_units": "", "planned_end_at": "", "monitoring_mode": "fixed_end"}
    known = {"duration-baseline": "70", "duration-weekly_customers": "5800"}
    typed = TYPED | {"coverage": "100"} | empty | known
    answer = send(planner, typed, "duration").text
    filled = dict(main_form(answer).values)
    assert filled["planned_units"] == "28874"
    assert filled["enrolment_ends_at"] == "2026-04-19"
    assert filled["planned_end_at"] == "2026-05-20"
    assert "Look again at size and dates" not in answer
    slow = typed | {"duration-weekly_customers": "580", "planned_units": "28874"}
    slow |= {"enrolment_ends_at": "2026-04-19", "planned_end_at": "2026-05-20"}
    assert "The planned size will hardly be reached." in (
        send(planner, slow, "duration").text
    )


def test_planned_end__before_the_last_can_count__is_refused_and_said_to_who_reviews(
    planner: Visitor, context: Context
) -> None:
    answer = send(planner, TYPED | {"planned_end_at": "2026-04-14"})
    assert answer.status_code == 400
    assert "The earliest day is 15 Apr 2026." in answer.text
    keep_baseline(context, RETENTION, Basis(0.7), weekly=10, segment=SEGMENT, version=1)
    send(planner, TYPED | {"planned_end_at": "2026-04-15"})
    review = text_of(planner.get(f"/experiments/{EXPERIMENT}/review").text)
    assert "Look again at size and dates" in review
    assert "At about 5 a week" in review  # half of the segment is enrolled


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"metrics-1-metric": RETENTION},
            "&#34;Day-30 retention&#34; is chosen twice.",
        ),
        ({"layer_share": "20"}, "Choose the layer that this share is of."),
    ],
)
def test_plan__words_of_a_fault__name_what_the_page_names(
    planner: Visitor, changes: dict[str, str], words: str
) -> None:
    answer = send(planner, TYPED | changes)
    assert answer.status_code == 400
    assert words in answer.text


def test_hypothesis__that_begins_with_we__is_one_sentence_with_its_unit(
    planner: Visitor,
) -> None:
    story = {"change": "We call them.", "expected_change": "1.5", "metric": RETENTION}
    inline = {f"new_hypothesis-{name}": text for name, text in story.items()}
    answer = send(planner, TYPED | inline | {"hypothesis": ""})
    said = " ".join(text_of(answer.text).split())
    assert "If we call them for" in said
    assert "by at least 1.5 points" in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"duration-weekly_customers": ""},
            "say how many customers reach the change in the first week, and how many",
        ),
        (
            {
                "duration-first_week_customers": "9000",
                "duration-weekly_customers": "",
            },
            "say how many new customers come in each week after the first.",
        ),
        (
            {
                "duration-first_week_customers": "9000",
                "duration-weekly_customers": "0",
            },
            "and only about 9,000 come in a year. About 9,000 customers come in the",
        ),
        ({"duration-baseline": ""}, "say where the primary metric stands today"),
        ({"duration-weekly_customers": "100"}, "Not reachable: it would take"),
        (
            {"duration-baseline": "99.9"},
            "cannot be: 1.5 points up from 99.9 % would reach 100 % or more.",
        ),
    ],
)
def test_duration__that_cannot_be_worked_out__says_why(
    planner: Visitor, changes: dict[str, str], words: str
) -> None:
    typed = TYPED | {
        "duration-baseline": "70",
        "duration-weekly_customers": "5800",
        "duration-power": "80",
    }
    answer = send(planner, typed | changes, "duration")
    assert answer.status_code == 200
    assert words in answer.text


def test_duration__with_fields_refused__waits_for_those_fields(
    planner: Visitor,
) -> None:
    refused = {
        "alpha": "50",
        "duration-weekly_customers": "20.000",
        "duration-power": "99.99999",
    }
    answer = send(planner, TYPED | {"duration-baseline": "70"} | refused, "duration")
    assert answer.status_code == 400
    said = answer.text.split("The duration is not worked out yet")[1][:500]
    assert "you need" not in answer.text
    for title, field in zip(
        (
            "Accepted rate of false alarms",
            "How many new ones reach it in each week after that?",
            "Power",
        ),
        refused,
        strict=True,
    ):
        assert f"&#34;{title}&#34;" in said
        assert f'id="{field}-error"' in answer.text


def test_duration__that_takes_very_long__is_written_with_separators(
    planner: Visitor,
) -> None:
    """28,874 customers (above) at half of 1 a week take 57,748 weeks, and 30 days."""
    typed = TYPED | {
        "monitoring_mode": "fixed_end",
        "duration-baseline": "70",
        "duration-weekly_customers": "1",
        "duration-power": "80",
    }
    answer = send(planner, typed, "duration")
    assert "it would take more than 1,000 years at 0.1" in answer.text


def test_duration__left_empty__is_taken_from_own_data_and_drawn(
    planner: Visitor, context: Context
) -> None:
    where: dict[str, Any] = {"segment": SEGMENT, "version": 1}
    keep_baseline(context, RETENTION, Basis(0.7), **where)
    keep_baseline(context, CSAT, Basis(4.0, 1.2, counted_share=0.1), **where)
    typed = TYPED | {
        "monitoring_mode": "fixed_end",
        "coverage": "100",
        "duration-power": "80",
    }

    answer = send(planner, typed, "duration")

    # By hand in tests/analysis/test_planner.py; today is 14 March, 66 days before.
    assert answer.status_code == 200
    assert "you need 14,437 customers per variant" in answer.text
    assert "is due on 19 May" in answer.text
    assert (
        "From your own data: 812 customers of the segment who were seen from 5 Jan"
        in answer.text
    )
    assert "<strong>CSAT:</strong> Cannot be protected at this size" in answer.text
    assert '<td role="cell" data-label="Chance" class="num">20 %</td>' in answer.text
    assert answer.text.count("<svg") >= 2
    assert "4 weeks would detect 1.7 points" in answer.text
    in_words = send(planner, typed, "duration-in-words")
    assert "you need 14,437" in in_words.text
    assert "would detect" not in in_words.text
    known = {"metric": CSAT, "today": "50", "spread": "0.2"}
    stated = {f"duration-guardrails-0-{name}": said for name, said in known.items()}
    protected = send(planner, typed | stated, "duration")
    assert "<strong>CSAT:</strong>" not in protected.text


def test_duration__standing_base__says_that_the_same_customers_come_back(
    planner: Visitor, context: Context
) -> None:
    # 28,874 of 20,000, 5,000, 2,000 and 1,000 a week are there after 35 days, by hand
    # in tests/analysis/test_planner.py.
    come = Arrivals((20_000, 5_000, 2_000), 1_000)
    keep_baseline(
        context, RETENTION, Basis(0.7), arrivals=come, segment=SEGMENT, version=1
    )
    typed = TYPED | {"monitoring_mode": "fixed_end", "coverage": "100"}

    own = send(planner, typed | {"duration-power": "80"}, "duration-in-words").text
    stated = typed | {
        "duration-power": "80",
        "duration-first_week_customers": "27000",
        "duration-weekly_customers": "1000",
    }
    said = send(planner, stated, "duration-in-words").text

    assert (
        "about 5 weeks of enrolment. About 20,000 customers come in the first week,"
        " then 5,000 and 2,000 new ones, later 1,000 a week: the others are the same"
        " customers, who come back."
    ) in own
    # 1,874 more at 1,000 a week: 2.9 weeks.
    assert (
        "about 3 weeks of enrolment. About 27,000 customers come in the first week,"
        " then about 1,000 new ones each week: the others are the same customers"
    ) in said


def test_guardrail__without_a_margin__gets_the_usual_one_of_its_metric(
    planner: Visitor, context: Context
) -> None:
    typed = TYPED | {"metrics-1-margin": ""}
    assert send(planner, typed).status_code == 400
    entry = metrics.CatalogueEntry("CSAT", default_margin=0.07)
    with transaction(context.sessions) as session:
        metrics.describe(session, CSAT, entry, actor=SYSTEM, now=context.now())

    assert send(planner, typed).status_code == 302
    assert stored(context).metrics[1].margin == 0.07


def test_duration__rule_that_asks_for_each_split__says_which_is_too_small(
    planner: Visitor, context: Context
) -> None:
    keep_baseline(context, RETENTION, Basis(0.7))
    keep_baseline(context, RETENTION, Basis(0.7), segment=SEGMENT, version=1, seen=100)
    typed = TYPED | {
        "monitoring_mode": "fixed_end",
        "coverage": "100",
        "rule-preset": "own",
        "rule-primary": "better",
        "rule-guardrails": "harm_ruled_out",
        "rule-splits": "yes",
        "breakdowns": [SEGMENT],
        "metrics-0-margin": "1.5",
        "duration-power": "80",
    }

    answer = send(planner, typed, "duration")

    # A tenth of the customers: 14 % by hand in tests/analysis/test_planner.py.
    assert "<strong>In Business customers:</strong> Cannot be protected" in answer.text
    assert ">14 %</td>" in answer.text


def test_plan__with_fields_that_nobody_can_mean__is_refused_at_each(
    planner: Visitor,
) -> None:
    refused = {
        "coverage": ("0.00001", "Enter a number from 0.1 % to 100 %."),
        "metrics-0-change_that_matters": (
            "0.0000000001",
            "Enter a number from 0.01 to 99.99 points.",
        ),
        "planned_units": ("20.000", "Write 20,000 or 20000, without points."),
        "variants-1-name": ("Control", "differ in capital"),
        "enrolment_ends_at": ("2026-07-01", "Enrolment must end by the planned end."),
    }
    for field, (text, words) in refused.items():
        answer = send(planner, TYPED | {field: text})
        assert answer.status_code == 400
        said = answer.text.split(f'id="{field}-error"')[1].split("</p>")[0]
        assert words.lower() in " ".join(said.lower().split()), field


def test_duration__of_a_survey__needs_more_customers_than_answers(
    planner: Visitor, context: Context
) -> None:
    """n = 2 (1.95996 + .84162)^2 (1.2 / .05)^2 = 9,042 answers, by the normal; with a
    quarter answering, four times as many customers (Student's t adds one or two).
    """
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_hypothesis(session, owner, key="calmer", metric=CSAT)
    typed = TYPED | {
        "hypothesis": "calmer",
        "metrics-1-margin": "1",
        "metrics-1-change_that_matters": "1",
        "monitoring_mode": "fixed_end",
        "metrics-0-metric": CSAT,
        "metrics-0-change_that_matters": "0.05",
        "metrics-1-metric": RETENTION,
        "duration-spread": "1.2",
        "duration-response": "25",
        "duration-weekly_customers": "5800",
        "duration-power": "80",
    }
    answer = send(planner, typed, "duration")
    assert "you need 36,1" in answer.text


@pytest.mark.parametrize(
    ("task", "field", "mine", "theirs"),
    [
        (PlanTask.HYPOTHESIS, "name", "My name for it", "Their name for it"),
        (PlanTask.HYPOTHESIS, "new_hypothesis-wrong_if", "Mine", "Theirs"),
        (PlanTask.SEGMENT, "coverage", "31", "32"),
        (PlanTask.VARIANTS, "variants-1-description", "Mine", "Theirs"),
        (PlanTask.METRICS, "metrics-0-change_that_matters", "3.1", "3.2"),
        (PlanTask.DURATION, "planned_units", "5551", "5552"),
        (PlanTask.RISK, "risks", "price", "legal"),
    ],
)
def test_save__after_somebody_else_saved__shows_both_and_loses_nothing(
    planner: Visitor,
    signed_in: SignIn,
    context: Context,
    task: PlanTask,
    field: str,
    mine: str,
    theirs: str,
) -> None:
    with transaction(context.sessions) as session:
        make_experiment(session, accounts.actor_for(session.get_one(Person, 1)))
    other = signed_in(PersonRole.EDITOR, "Bob")
    path = f"/experiments/{EXPERIMENT}/plan/{task}"
    sent = main_form(planner.get(path).text).sent(action="save")
    assert answer_page(other, path, task, {field: theirs}, "save").status_code == 302
    saved = stored(context)
    refused = planner.client.post(path, data=sent | {field: mine}, base_url=BASE)
    assert refused.status_code == 400
    assert "Somebody saved this since you opened it." in refused.text
    table = refused.text.split("What differs")[1].split("</table>")[0]
    for text in (mine, theirs) if task != PlanTask.RISK else ("Prices", "Contracts"):
        assert text in table
    again = main_form(refused.text)
    assert (field, mine) in again.values
    assert stored(context) == saved
    over = again.sent(action="save")
    assert planner.client.post(path, data=over, base_url=BASE).status_code == 302
    assert (field, mine) in main_form(planner.get(path).text).values


def test_hypothesis__after_somebody_else_saved__shows_both_and_loses_nothing(
    planner: Visitor, signed_in: SignIn
) -> None:
    other = signed_in(PersonRole.EDITOR, "Bob")
    path = f"/hypotheses/{HYPOTHESIS}/edit"
    mine = main_form(planner.get(path).text).sent(
        action="save", if_up="Mine", csrf_token=planner.token("/")
    )
    theirs = main_form(other.get(path).text).sent(
        action="save", if_up="Theirs", csrf_token=other.token("/")
    )
    assert other.client.post(path, data=theirs, base_url=BASE).status_code == 302
    refused = planner.client.post(path, data=mine, base_url=BASE)
    assert "Theirs" in refused.text
    assert dict(main_form(refused.text).values)["if_up"] == "Mine"


def test_key__taken_already__is_said_at_the_key(planner: Visitor) -> None:
    send(planner, TYPED, "add_variant")
    page = PlanTask.HYPOTHESIS
    answer = answer_page(planner, "/experiments/new", page, TYPED, "save")
    assert answer.status_code == 400
    assert 'href="#key">Name for programs: this key is taken.' in answer.text
    unnamed = TYPED | {"key": "", "name": EXPERIMENT}
    other = answer_page(planner, "/experiments/new", page, unnamed, "save")
    assert other.headers["Location"] == f"/experiments/{EXPERIMENT}-2/plan/segment"


def test_plan__from_a_hypothesis__asks_nothing_twice(planner: Visitor) -> None:
    new = f"/experiments/new?hypothesis={HYPOTHESIS}"
    values = dict(main_form(planner.get(new).text).values)
    assert values["hypothesis"] == HYPOTHESIS
    assert values["name"] == "Naming the yearly saving keeps business customers"
    first = answer_page(planner, new, PlanTask.HYPOTHESIS, {"key": "k"}, "save")
    assert first.headers["Location"] == "/experiments/k/plan/segment"
    values = dict(main_form(planner.get("/experiments/k/plan/segment").text).values)
    assert values["segment"] == SEGMENT
    values = dict(main_form(planner.get("/experiments/k/plan/metrics").text).values)
    assert values["metrics-0-metric"] == RETENTION
    assert values["metrics-0-change_that_matters"] == "1.5"
    assert values["metrics-1-metric"] == CSAT


def test_tasks__of_a_draft__say_how_far_each_is_and_what_was_answered(
    planner: Visitor, signed_in: SignIn, context: Context
) -> None:
    def states(text: str) -> list[str]:
        tasks = text.split('class="tasks"')[1].split("</ol>", maxsplit=1)[0]
        found = ("Not started", "In progress", "Done", "Needs a change")
        return [next(w for w in found if w in li) for li in tasks.split("<li>")[1:]]

    path = f"/experiments/{EXPERIMENT}/plan"
    send(planner, TYPED, "add_metric")
    page = planner.get(path).text
    assert states(page) == ["Done"] * 3 + ["In progress"] + ["Not started"] * 2
    assert "3 of 6 done" in page
    assert "If we do this for Business customers, Day-30 retention will rise" in page
    # What is no plan yet is neither shown as one nor started.
    for other in (f"/experiments/{EXPERIMENT}", f"/experiments/{EXPERIMENT}/review"):
        assert planner.get(other).headers["Location"] == path
    refused = step(planner, "start")
    assert "This plan is not whole yet. Open: Metrics and guardrails," in refused.text
    viewer = signed_in(PersonRole.VIEWER, "Vera")
    assert "plan/segment" not in viewer.get(path).text
    send(planner, TYPED)
    # What other answers make wrong is said where it is asked.
    by_account = {"unit": "account", "hash_attribute": "a", "assigned_by": "external"}
    variants = f"{path}/variants"
    answer_page(planner, f"{path}/segment", PlanTask.SEGMENT, TYPED, "save")
    refused = answer_page(planner, variants, PlanTask.VARIANTS, by_account, "save")
    assert 'id="unit-error"' in refused.text
    assert stored(context).unit == Unit.CUSTOMER


def test_answer__that_makes_another_wrong__is_kept_and_named_there(
    planner: Visitor, context: Context
) -> None:
    send(planner, TYPED)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_hypothesis(session, owner, key="calmer", metric=CSAT)
    path = f"/experiments/{EXPERIMENT}/plan"
    changed = {"hypothesis": "calmer"}
    answer = answer_page(
        planner, f"{path}/hypothesis", PlanTask.HYPOTHESIS, changed, "save"
    )
    # CSAT was the guardrail and decides now: another guardrail is needed.
    assert answer.headers["Location"] == f"{path}/metrics"
    page = planner.get(path).text
    assert "Needs a change" in page
    assert "Choose at least one guardrail, with its margin." in page
    review = planner.get(f"/experiments/{EXPERIMENT}/review").text
    assert "This plan needs a change first: Metrics and guardrails." in review


@pytest.mark.parametrize(
    ("button", "made", "field"),
    [
        ("new_segment", {"name": "Newcomers", "rules-0-attribute": "plan"}, "segment"),
        ("new_metric", {"name": "Opened", "events": "App Opened"}, "metric"),
    ],
)
def test_plan__that_lacks_a_segment_or_metric__makes_it_and_comes_back_to_it(
    signed_in: SignIn, button: str, made: dict[str, str], field: str
) -> None:
    visitor = signed_in()
    path, line = "/experiments/new", "new_hypothesis-title"
    sent = main_form(visitor.get(path).text).sent(action=button, **{line: "Mine"})
    away = visitor.client.post(path, data=sent, base_url=BASE)
    assert away.status_code == HTTPStatus.SEE_OTHER
    there = away.headers["Location"]
    opened = main_form(visitor.get(there).text).sent(action="save", **made)
    if field == "segment":
        opened |= {"rules-0-value": ["new"]}
    back = visitor.client.post(there, data=opened, base_url=BASE)
    assert back.headers["Location"].startswith(f"{path}?typed=1&{field}=")
    values = dict(main_form(visitor.get(back.headers["Location"]).text).values)
    assert values[line] == "Mine"
    assert values[f"new_hypothesis-{field}"] == made["name"].lower()


def test_segment__defined_within_a_draft__is_chosen_there(planner: Visitor) -> None:
    send(planner, TYPED)
    path = f"/experiments/{EXPERIMENT}/plan/segment"
    page = planner.get(f"{path}?segment={SEGMENT}").text
    assert dict(main_form(page).values)["segment"] == SEGMENT


STEPS = (
    # Half of the first digit's place: 1.5 is stepped by 0.5, 0.05 by 0.005.
    ("metrics", "more-metrics-0-change_that_matters", {"change_that_matters": "2"}),
    ("variants", "more-variants-0-share", {"0-share": "55", "1-share": "45"}),
    ("variants", "less-variants-1-share", {"0-share": "55", "1-share": "45"}),
    ("duration", "more-duration-power", {"power": "85"}),
    ("segment", "more-coverage", {"coverage": "60"}),
)


@pytest.mark.parametrize(("task", "button", "expected"), STEPS)
def test_step__by_its_button__changes_the_number_without_script(
    planner: Visitor, task: str, button: str, expected: dict[str, str]
) -> None:
    send(planner, TYPED)
    path = f"/experiments/{EXPERIMENT}/plan/{task}"
    shown = main_form(planner.get(path).text)
    assert ("action", button) in shown.buttons
    sent = shown.sent(action=button)
    answer = planner.client.post(path, data=sent, base_url=BASE)
    there, _, anchor = answer.headers["Location"].partition("#")
    assert anchor == button.partition("-")[2]
    values = main_form(planner.get(there).text).values
    for end, number in expected.items():
        assert number in [value for name, value in values if name.endswith(end)], end


def test_button__pressed_twice__leads_to_two_addresses_that_back_can_show(
    planner: Visitor,
) -> None:
    send(planner, TYPED, "add_variant")
    path = f"/experiments/{EXPERIMENT}/plan/variants"

    def press(shown: str) -> str:
        sent = main_form(planner.get(shown).text).sent(action="add_variant")
        answer = planner.client.post(path, data=sent, base_url=BASE)
        assert answer.status_code == HTTPStatus.SEE_OTHER
        return answer.headers["Location"].partition("#")[0]

    once = press(path)
    twice = press(once)
    rows = {shown: planner.get(shown).text for shown in (path, once, twice)}
    counts = [text.count('-description"') for text in rows.values()]
    assert counts[1] - counts[0] == counts[2] - counts[1] > 0
    # Nothing but what this session typed on this page is shown for a number.
    assert planner.get(f"{path}?typed=99").text.count('-description"') == counts[0]


# As in tests/factories.py; the plan of TYPED is made for another change.
WHAT_A_REVIEWER_NEEDS = (
    "What we expect If we do this for Business customers, Day-30 retention will rise",
    "Forecast A relative change of +2 %",
    "If it goes up Show it to everybody.",
    "If it stays Take it out again.",
    "If it goes down Take it out and ask",
    "The hypothesis expects at least 1.5 points. The plan is made for 1 point:",
)


def step(visitor: Visitor, action: str, **typed: str) -> TestResponse:
    path = f"/experiments/{EXPERIMENT}/review"
    sent = {"csrf_token": visitor.token("/"), "action": action, **typed}
    return visitor.client.post(path, data=sent, base_url=BASE)


def status(context: Context) -> str:
    with transaction(context.sessions) as session:
        return catalog.get(session, EXPERIMENT).status


def test_start__by_the_only_person__locks_the_plan(
    planner: Visitor, context: Context
) -> None:
    send(planner, TYPED)
    review = planner.get(f"/experiments/{EXPERIMENT}/review").text
    assert "Ship if Day-30 retention is better and harm to CSAT beyond 0.05" in review
    answer = step(planner, "start")
    assert answer.headers["Location"] == f"/experiments/{EXPERIMENT}"
    assert status(context) == Status.RUNNING
    page = planner.get(f"/experiments/{EXPERIMENT}").text
    assert "SHA-256" in page
    assert "No customers counted yet" in page
    assert "Estimates are shown at looks only: 25 %, 50 %, 75 % and 100 %" in page
    assert f"&#34;experimentId&#34;: &#34;{EXPERIMENT}&#34;" in page


def test_start__where_there_are_two__needs_anothers_approval(
    planner: Visitor, signed_in: SignIn, context: Context
) -> None:
    """Steps in the wrong order, or by the wrong person, are refused: S17."""
    approver = signed_in(PersonRole.APPROVER, "Grace")
    send(planner, TYPED | {"metrics-0-change_that_matters": "1"})
    assert step(planner, "start").status_code == 400
    assert step(planner, "approve").status_code == 403 or status(context) == "draft"
    assert step(planner, "submit").status_code == 302
    sent_back = step(approver, "send_back")
    assert sent_back.status_code == 400
    assert 'href="#reason">Enter a reason.' in sent_back.text
    assert step(approver, "send_back", reason="Say why 1.5 points.").status_code == 302
    assert status(context) == Status.DRAFT
    said = "Grace sent it back: Say why 1.5 points."
    own = f"/experiments/{EXPERIMENT}"
    tasks = planner.get(f"{own}/plan").text
    assert said in tasks
    assert tasks.count("Needs a change") == len(PlanTask)
    assert "Check your answers" in tasks
    for path in (f"{own}/review", own, "/"):
        assert said in planner.get(path).text, path
    assert step(planner, "submit").status_code == 302
    for path in (f"{own}/review", own, "/"):
        assert said not in planner.get(path).text, path
    review = text_of(approver.get(f"{own}/review").text)
    for words in WHAT_A_REVIEWER_NEEDS:
        assert words in review, words
    assert step(approver, "approve").status_code == 302
    assert step(planner, "start").status_code == 302
    assert status(context) == Status.RUNNING


def test_plan__of_ones_own__cannot_be_approved(
    signed_in: SignIn, context: Context
) -> None:
    approver = signed_in(PersonRole.APPROVER, "Grace")
    with transaction(context.sessions) as session:
        make_segment(session)
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_experiment(session, owner)
    signed_in(PersonRole.EDITOR, "Ada")
    assert step(approver, "submit").status_code == 302
    answer = step(approver, "approve")
    assert answer.status_code == 403
    assert "Nobody approves their own plan." in answer.text


def test_plan__once_started__cannot_be_edited(
    planner: Visitor, context: Context
) -> None:
    send(planner, TYPED)
    path = f"/experiments/{EXPERIMENT}/plan/hypothesis"
    form = main_form(planner.get(path).text)
    step(planner, "start")
    sent = form.sent(action="save", name="Later", csrf_token=planner.token("/"))
    answer = planner.client.post(path, data=sent, base_url=BASE)
    assert answer.status_code == 400
    assert "Only a draft can be edited" in answer.text
    assert stored(context).name == TYPED["name"]


def test_running__paused_resumed_and_stopped__by_its_buttons(
    planner: Visitor, context: Context, now: FakeClock
) -> None:
    send(planner, TYPED)
    step(planner, "start")
    path = f"/experiments/{EXPERIMENT}"
    now.advance(hours=7)
    token = {"csrf_token": planner.token("/")}
    assert planner.post(f"{path}/pause", token).status_code == 302
    assert "every customer gets control" in planner.get(path).text
    assert planner.post(f"{path}/pause", token).status_code == 409
    assert planner.post(f"{path}/resume", token).status_code == 302
    assert "Running, day 1 of" in planner.get(path).text
    ended = planner.post(f"{path}/stop-enrolment", {**token, "reason": "Full."})
    assert ended.status_code == 302
    assert "Full." in planner.get(path).text
    wrong = planner.post(f"{path}/stop", {**token, "confirm": "Annual", "reason": ""})
    assert wrong.status_code == 400
    assert "Type &#34;Annual plan nudge&#34; to confirm." in wrong.text
    mute = planner.post(f"{path}/stop", {**token, "confirm": "Annual plan nudge"})
    assert mute.status_code == 400
    assert 'href="#reason">Enter a reason.' in mute.text
    right = {**token, "confirm": "Annual plan nudge ", "reason": "Enough."}
    assert planner.post(f"{path}/stop", right).status_code == 302
    assert status(context) == Status.STOPPED


def test_decision__against_the_recommendation__waits_for_a_second_person(
    planner: Visitor, signed_in: SignIn, context: Context
) -> None:
    send(planner, TYPED)
    step(planner, "start")
    approver = signed_in(PersonRole.APPROVER, "Grace")
    path, token = f"/experiments/{EXPERIMENT}", {"csrf_token": planner.token("/")}
    short = {**token, "decision": "ship", "variant": "nudge", "reason": "I like it."}
    refused = planner.post(f"{path}/decide", short)
    assert refused.status_code == 400
    assert "This is against the recommendation." in refused.text
    long = short | {"reason": "The law asks for it from June, whatever it does."}
    assert planner.post(f"{path}/decide", long).status_code == 302
    assert status(context) == Status.RUNNING
    waiting = planner.get(path).text
    assert "Ada decided: ship nudge." in waiting
    said = "The decision waits for confirmation by a second person."
    assert said in waiting
    assert f'href="{path}/decide"' not in waiting
    assert said in planner.get("/").text
    sent = form_to(approver.get(path).text, f"{path}/confirm-decision").sent()
    assert approver.post(f"{path}/confirm-decision", sent).status_code == 302
    assert status(context) == Status.DECIDED
    assert "ship nudge" in planner.get(path).text
