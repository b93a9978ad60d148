"""The settings page of layers and holdouts, and a layer in the form of a plan."""

from collections.abc import Callable

from experiments import catalog, holdouts, journey, layer_catalog
from experiments.context import Context
from experiments.db import transaction
from experiments.vocabulary import PersonRole
from tests import factories
from tests.web.conftest import Visitor

SignIn = Callable[..., Visitor]
PAGE = "/settings/layers"


def test_layer__by_its_forms__is_made_reserved_and_freed(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    made = visitor.post(PAGE, {"layer-name": "Checkout page"}, follow=True)
    assert "100 % of the customers are free." in made.text
    kept = visitor.post(
        f"{PAGE}/reservations",
        {
            "reserve-layer": "checkout-page",
            "reserve-share": "30",
            "reserve-note": "The May price test",
        },
        follow=True,
    )
    assert "70 % of the customers are free." in kept.text
    assert "Reserved: The May price test" in kept.text
    with transaction(context.sessions) as session:
        layer = layer_catalog.get(session, "checkout-page")
        number = layer.ranges[0].id
    freed = visitor.post(f"{PAGE}/checkout-page/ranges/{number}/free", follow=True)
    assert "100 % of the customers are free." in freed.text


def test_reservation__that_does_not_fit__is_refused_at_its_field(
    signed_in: SignIn,
) -> None:
    visitor = signed_in(PersonRole.EDITOR)
    visitor.post(PAGE, {"layer-name": "Checkout"})
    asked = {"reserve-layer": "checkout", "reserve-share": "60", "reserve-note": "x"}
    visitor.post(f"{PAGE}/reservations", asked)
    answer = visitor.post(f"{PAGE}/reservations", asked)
    assert answer.status_code == 400
    assert (
        'href="#reserve-share">Share of its customers: there is not so much free in'
        " this layer."
    ) in answer.text
    empty = visitor.post(f"{PAGE}/reservations", {"reserve-share": "60"})
    assert empty.status_code == 400
    assert 'href="#reserve-layer"' in empty.text


def test_holdout__by_its_form__begins_and_ends(
    signed_in: SignIn, context: Context
) -> None:
    with transaction(context.sessions) as session:
        journey.seed(session)
    visitor = signed_in(PersonRole.APPROVER)
    sent = {
        "holdout-name": "Renewals",
        "holdout-share": "5",
        "holdout-journey_stage": "renewal",
    }
    begun = visitor.post("/settings/holdouts", sent, follow=True)
    assert "Experiments at Renewal" in begun.text
    with transaction(context.sessions) as session:
        assert holdouts.get(session, "renewals").share == 0.05
    wrong = visitor.post("/settings/holdouts", {**sent, "holdout-share": "50"})
    assert wrong.status_code == 400
    assert (
        'href="#holdout-share">Share of all customers: enter a number from 1 % to 10 %.'
    ) in wrong.text
    ended = visitor.post("/settings/holdouts/renewals/end", follow=True)
    assert "The holdout has ended." in ended.text


def test_layers__viewer__sees_them_without_forms(signed_in: SignIn) -> None:
    page = signed_in(PersonRole.VIEWER).get(PAGE).text
    assert "No layers yet." in page
    assert "Make a layer" not in page
    assert "Begin a holdout" not in page


def test_plan__in_a_layer__is_stored_and_shown(
    signed_in: SignIn, context: Context
) -> None:
    visitor = signed_in(PersonRole.ADMIN, "Ada")
    visitor.post(PAGE, {"layer-name": "Checkout"})
    with transaction(context.sessions) as session:
        journey.seed(session)
        actor = factories.make_actor(session, "Bob")
        factories.make_experiment(session, actor, layer="checkout", layer_share=0.25)
    path = f"/experiments/{factories.EXPERIMENT}"
    form = visitor.get(f"{path}/plan/segment").text
    assert '<option selected value="checkout">Checkout</option>' in form
    assert "checkout, 25 %" in visitor.get(path).text
    with transaction(context.sessions) as session:
        assert catalog.get(session, factories.EXPERIMENT).layer_share == 0.25
