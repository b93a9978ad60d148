"""A bad value in each field of each form: promise U5 of the design.

The cases come from the form classes themselves, so that a new field is tried as well:
the summary links to the field, the same words stand at it, the input says that it is
invalid and by what it is described, the title begins with "Error:", and every other
value is kept.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from experiments import accounts, layer_catalog, lifecycle, sign_in_links
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Connector, Person
from experiments.vocabulary import Action, ConnectorKind, Decision, PersonRole
from tests.api.hook_doors import register
from tests.factories import (
    make_experiment,
    make_hypothesis,
    make_person,
    start_experiment,
)
from tests.surveys import make_survey
from tests.web.conftest import BASE, Visitor
from tests.web.markup import FormMarkup, main_form, read_page
from web.forms import base, choices, fields, numbers
from web.forms.account import PasswordForm, PersonForm, RoleForm, SignsForm
from web.forms.actions import (
    CoverageForm,
    DecisionForm,
    ReasonForm,
    StepForm,
    StopForm,
)
from web.forms.connectors import ConnectorForm, MappingForm, SecretForm
from web.forms.digest import RecipientForm
from web.forms.explain import ExplainForm
from web.forms.hypotheses import HypothesisForm, MergeForm, ParkForm, PlaceForm
from web.forms.imports import UploadForm
from web.forms.layers import HoldoutForm, LayerForm, ReservationForm
from web.forms.learnings import MarkForm, NoteForm
from web.forms.lists import ListedForm
from web.forms.metrics import DefinitionForm, EntryForm, MetricForm
from web.forms.opt_outs import ChoiceLinksForm, CustomerWordsForm
from web.forms.plan_pages import PAGES as PLAN_PAGES
from web.forms.plan_pages import HypothesisPage
from web.forms.previews import PreviewForm
from web.forms.privacy import CustomerForm, EraseForm
from web.forms.segments import RulesForm, SegmentForm
from web.forms.settings import KeyForm, StageForm
from web.forms.sharing import ShareForm
from web.forms.sign_in import SetUpForm, SignInForm
from web.forms.surveys import LinksForm, SurveyForm, TermsForm, TextsForm

SignIn = Callable[..., Visitor]


@dataclass(frozen=True, slots=True)
class FormPage:
    """A form and where it is found; `action` is the button that sends it."""

    form: type[base.AbideForm]
    path: str
    action: str = "save"
    sends_to: str | None = None
    filled: tuple[tuple[str, str], ...] = ()
    prefix: str = ""  # where a page has several forms


PAGES = (
    FormPage(SignInForm, "/sign-in", filled=(("password", "a long walk"),)),
    FormPage(PasswordForm, "/account"),
    FormPage(PersonForm, "/settings/people"),
    FormPage(RoleForm, "/settings/people/2", sends_to="/settings/people/2/role"),
    FormPage(SignsForm, "/settings/people/2", sends_to="/settings/people/2/signs-for"),
    FormPage(KeyForm, "/settings/keys"),
    FormPage(ConnectorForm, "/settings/connectors", filled=(("secret", "x" * 16),)),
    FormPage(MappingForm, "/settings/connectors/supportdesk1"),
    FormPage(
        SecretForm,
        "/settings/connectors/supportdesk1",
        sends_to="/settings/connectors/supportdesk1/secret",
        prefix="secret-",
        filled=(("secret-secret", "x" * 16),),
    ),
    FormPage(SurveyForm, "/surveys/new"),
    FormPage(TermsForm, "/surveys/support/edit"),
    FormPage(TextsForm, "/surveys/support/texts/fr"),
    FormPage(LinksForm, "/surveys/support/links"),
    FormPage(StageForm, "/settings/stages/new"),
    FormPage(RecipientForm, "/settings/digest"),
    FormPage(StageForm, "/settings/stages/renewal"),
    FormPage(SegmentForm, "/segments/new"),
    FormPage(RulesForm, "/segments/business/rule"),
    FormPage(MetricForm, "/catalogue/new"),
    FormPage(DefinitionForm, "/catalogue/csat/definition"),
    FormPage(EntryForm, "/catalogue/csat/edit"),
    FormPage(HypothesisForm, "/hypotheses/new"),
    FormPage(HypothesisForm, "/hypotheses/annual-nudge/edit"),
    FormPage(ParkForm, "/hypotheses/annual-nudge/park"),
    FormPage(MergeForm, "/hypotheses/annual-nudge/merge"),
    FormPage(
        PlaceForm,
        "/backlog/order",
        sends_to="/backlog/order/twin",
        prefix="place-3-",
    ),
    FormPage(HypothesisPage, "/experiments/new"),
    *(
        FormPage(form, f"/experiments/annual-plan-nudge/plan/{task}")
        for task, form in PLAN_PAGES.items()
    ),
    FormPage(ReasonForm, "/experiments/in-review/review", action="send_back"),
    FormPage(ReasonForm, "/experiments/runs/stop-enrolment"),
    FormPage(ReasonForm, "/experiments/runs/new-phase"),
    FormPage(CoverageForm, "/experiments/runs/coverage"),
    FormPage(StepForm, "/experiments/runs/steps"),
    FormPage(ExplainForm, "/experiments/runs/why"),
    FormPage(PreviewForm, "/experiments/runs/preview"),
    FormPage(ShareForm, "/experiments/runs/summary/links"),
    FormPage(ListedForm, "/experiments/runs/lists"),
    FormPage(CustomerWordsForm, "/experiments/runs/customer-words"),
    FormPage(ChoiceLinksForm, "/settings/opt-outs"),
    FormPage(LayerForm, "/settings/layers", prefix="layer-"),
    FormPage(
        ReservationForm,
        "/settings/layers",
        sends_to="/settings/layers/reservations",
        prefix="reserve-",
    ),
    FormPage(
        HoldoutForm,
        "/settings/layers",
        sends_to="/settings/holdouts",
        prefix="holdout-",
    ),
    FormPage(
        EraseForm,
        "/settings/privacy",
        sends_to="/settings/privacy/erasures",
        prefix="erase-",
    ),
    FormPage(
        CustomerForm,
        "/settings/privacy",
        sends_to="/settings/privacy/copy",
        prefix="copy-",
    ),
    FormPage(StopForm, "/experiments/runs/stop"),
    FormPage(DecisionForm, "/experiments/runs/decide"),
    FormPage(UploadForm, "/data/imports/new"),
    FormPage(MarkForm, "/learnings/learned/compare"),
    FormPage(NoteForm, "/learnings/learned/add"),
)
# Filled in by the page from what is stored, and not asked again.
NOT_ASKED = {
    "/settings/stages/renewal": {"key"},
    "/hypotheses/annual-nudge/edit": {"key"},
    "/experiments/annual-plan-nudge/plan/hypothesis": {"key"},
}
# What somebody typed into these is not written into a page.
NEVER_SHOWN = {"password", "secret", "secret-secret"}
BAD_VALUES: dict[type[object], str] = {
    numbers.Whole: "1.5",
    numbers.Number: "abc",
    fields.Json: "{",
    fields.Text: "a\x00b",
    fields.Day: "14 March",
    choices.Choice: "nonsense",
    choices.Radios: "nonsense",
    choices.Boxes: "nonsense",
    fields.Password: "",
}


def bad_value(field: object) -> str | None:
    """Choose what no field of this class takes; hidden ones are not asked."""
    kinds = (kind for kind in type(field).__mro__ if kind in BAD_VALUES)
    kind = next(kinds, None)
    return None if kind is None else BAD_VALUES[kind]


def fields_of(page: FormPage) -> Iterator[tuple[str, str]]:
    for field in base.leaves(page.form(prefix=page.prefix)):
        value = bad_value(field)
        if value is not None and field.name not in NOT_ASKED.get(page.path, set()):
            yield field.name, value


@pytest.fixture
def visitor_with_everything(context: Context, signed_in: SignIn) -> Visitor:
    """Sign an administrator in, where each form has something to be about."""
    visitor = signed_in(PersonRole.ADMIN)
    now = context.now()
    row = register(context, ConnectorKind.INTERCOM)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        # Before there are two people, so that nobody has to review it.
        start_experiment(session, owner, key="learned", hypothesis="other")
        reason = "It changes nothing that matters."
        lifecycle.transition(
            session,
            "learned",
            Action.DECIDE,
            owner,
            now,
            decision=Decision.DO_NOT_SHIP,
            reason=reason,
        )
        make_person(session, "Bob")
        session.get_one(Connector, row.id).public_id = "supportdesk1"
        make_experiment(session, owner)
        make_experiment(session, owner, key="in-review")
        make_hypothesis(session, owner, key="twin")
        lifecycle.transition(session, "in-review", Action.SUBMIT, owner, now)
        start_experiment(session, owner, key="runs")
        make_survey(session, owner, now)
        layer_catalog.create(
            session, key="home", name="Home", description="", actor=owner, now=now
        )
    return visitor


def check_answer(page: FormPage, text: str, name: str) -> None:
    """Look for the whole pattern around one field."""
    place = f"{page.path} {name}"
    forms, texts = read_page(text)
    assert re.search(r"<title>Error: ", text), place
    assert 'role="alert"' in text, place
    shown = " ".join(texts[f"{name}-error"].split()).removeprefix("Error: ")
    anchor = name if f'href="#{name}"' in text else f"{name}-0"
    link = re.search(rf'<a href="#{re.escape(anchor)}">([^<]*)</a>', text)
    assert link is not None, place
    assert link.group(1).replace("&#34;", '"').replace("&#39;", "'") == shown, place
    tags = next(form.by_id for form in forms if anchor in form.by_id)
    assert tags[anchor]["aria-invalid"] == "true", place
    assert f"{name}-error" in (tags[anchor]["aria-describedby"] or "").split(), place


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: f"{page.form.__name__}:{page.path}"
)
def test_each_field__with_a_bad_value__is_named_and_nothing_is_lost(
    page: FormPage, visitor_with_everything: Visitor, app: Flask
) -> None:
    visitor = visitor_with_everything
    if page.form is SignInForm:
        visitor = Visitor(app.test_client())
    names = [name for name, _ in fields_of(page)]
    assert names
    button = page.action if page.action != "save" else None
    opened = form_of(page, visitor.get(page.path).text, button)
    for name, bad in fields_of(page):
        in_new = name.startswith("new_hypothesis-")
        action = "duration" if name.startswith("duration-") else page.action
        changes = {"action": action, **dict(page.filled), name: bad}
        sent = opened.sent(**changes, **({"hypothesis": ""} if in_new else {}))
        answer = visitor.client.post(
            page.sends_to or page.path, data=sent, base_url=BASE
        )
        assert answer.status_code == 400, (page.path, name)
        check_answer(page, answer.text, name)
        again = form_of(page, answer.text, button)
        lost = set(sent) - {n for n, _ in again.values} - {"action"}
        assert lost <= {name, "confirm"} | unchecked(sent), (page.path, name)
        for kept_name, value in again.values:
            if kept_name not in {name, "csrf_token", "revision", *NEVER_SHOWN}:
                before = [part.replace("\r\n", "\n") for part in sent[kept_name]]
                assert value in before, (page.path, name, kept_name)


def form_of(page: FormPage, text: str, button: str | None) -> FormMarkup:
    if not page.prefix:
        return main_form(text, button)
    forms, _ = read_page(text)
    return next(
        form
        for form in forms
        if any(name.startswith(page.prefix) for name, _ in form.values)
    )


def unchecked(sent: dict[str, list[str]]) -> set[str]:
    """Name the boxes: a browser sends nothing for one that is not ticked."""
    return {
        name
        for name in sent
        if name in {"breakdowns", "health_metrics", "risks", "signs_for"}
    }


def test_set_up__each_field_with_a_bad_value__is_named(
    visitor: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        token = sign_in_links.create(session, None, context.now())
    good = {
        "token": token,
        "name": "Ada",
        "email": "ada@example.com",
        "password": "a long walk by the sea",
    }
    page = FormPage(SetUpForm, "/set-up")
    for name, bad in fields_of(page):
        answer = visitor.post("/set-up", {**good, name: bad})
        assert answer.status_code == 400, name
        check_answer(page, answer.text, name)


def test_forms__all_of_them__are_tried() -> None:
    tried = {page.form for page in PAGES} | {SetUpForm}
    parts = {"RuleForm", "VariantForm", "PersonalForm", "MetricChoiceForm"}
    parts |= {"DurationForm", "HypothesisCoreForm", "PlanHypothesisForm", "KnownForm"}
    parts |= {"ExperimentForm"}  # all pages of a plan together
    parts |= {"ReplayForm"}  # needs messages set aside: tests/web/test_data.py
    known = {f for f in subclasses(base.AbideForm) if f.__module__.startswith("web.")}
    assert {form.__name__ for form in known - tried} == parts


def subclasses(form: type[base.AbideForm]) -> Iterator[type[base.AbideForm]]:
    for child in form.__subclasses__():
        yield child
        yield from subclasses(child)
