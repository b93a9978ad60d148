"""Preview links: signed, bound to one experiment, and ended by time or status."""

from datetime import timedelta

import pytest

from experiments.context import Context
from experiments.db import transaction
from experiments.errors import Conflict, Forbidden, InvalidInput
from experiments.preview_links import make_token, may_preview
from experiments.previews import ATTRIBUTE, Previewer, load_previewer, preview_of
from experiments.vocabulary import AssignmentReason, PersonRole
from tests import factories, rulesets
from tests.clock import FakeClock

RULES = [rulesets.personal("pro", {"plan": "pro"}, on=2)]
CONTROL = rulesets.variant("control", 1.0, parameters={"on": 0})
OTHER = rulesets.variant("treatment", 0.0, parameters={"on": 1}, personalisation=RULES)
ENTRY = rulesets.entry("nudge", variants=[CONTROL, OTHER], types={"on": "integer"})
RULESET = rulesets.ruleset_of([ENTRY, {**ENTRY, "key": "over", "status": "stopped"}])


@pytest.fixture
def previewer(now: FakeClock) -> Previewer:
    return Previewer(b"s" * 32, now)


def token_of(
    previewer: Previewer, now: FakeClock, key: str = "nudge", variant: str = "treatment"
) -> str:
    until = now() + timedelta(days=7)
    return previewer.sign(key, variant, {"on": 9}, {"on": "integer"}, until)


def test_preview__running_experiment__variant_that_the_hash_never_gives(
    previewer: Previewer, now: FakeClock
) -> None:
    attributes = {ATTRIBUTE: token_of(previewer, now)}
    found = preview_of(previewer, RULESET, attributes)
    assert found is not None
    assert (found.given.variant, found.given.parameters) == ("treatment", {"on": 1})
    assert found.given.reason == AssignmentReason.PREVIEW
    assert not found.given.in_experiment
    # The published rules of a personalised variant choose, not the token.
    found = preview_of(previewer, RULESET, {**attributes, "plan": "pro"})
    assert found is not None
    assert (found.given.parameters, found.given.rule) == ({"on": 2}, "pro")


def test_preview__draft__parameters_of_the_token(
    previewer: Previewer, now: FakeClock
) -> None:
    token = token_of(previewer, now, "draft")
    found = preview_of(previewer, RULESET, {ATTRIBUTE: token})
    assert found is not None
    assert (found.given.experiment, found.given.parameters) == ("draft", {"on": 9})


@pytest.mark.parametrize(
    ("key", "variant"),
    [("over", "treatment"), ("elsewhere", "x"), ("none", "x"), ("nudge", "gone")],
)
def test_preview__ended_external_or_unknown__nothing(
    previewer: Previewer, now: FakeClock, key: str, variant: str
) -> None:
    token = token_of(previewer, now, key, variant)
    assert preview_of(previewer, RULESET, {ATTRIBUTE: token}) is None


def test_preview__expired_or_of_another_secret__nothing(
    previewer: Previewer, now: FakeClock
) -> None:
    token = token_of(previewer, now)
    other = Previewer(b"t" * 32, now)
    assert preview_of(other, RULESET, {ATTRIBUTE: token}) is None
    now.advance(days=7, seconds=-1)
    assert preview_of(previewer, RULESET, {ATTRIBUTE: token}) is not None
    now.advance(seconds=1)
    assert preview_of(previewer, RULESET, {ATTRIBUTE: token}) is None


def test_preview__any_changed_letter_or_odd_value__nothing(
    previewer: Previewer, now: FakeClock
) -> None:
    token = token_of(previewer, now)
    # The last letter of a signature holds two bits that do not count.
    for place in range(len(token) - 1):
        changed = "A" if token[place] != "A" else "B"
        bent = f"{token[:place]}{changed}{token[place + 1 :]}"
        assert preview_of(previewer, RULESET, {ATTRIBUTE: bent}) is None
    odd = [
        "",
        "abp1.",
        "abp1..",
        token + "A",
        "\N{SNOWMAN}",
        7,
        None,
        [token],
        "a" * 9000,
    ]
    for value in odd:
        assert preview_of(previewer, RULESET, {ATTRIBUTE: value}) is None
    assert preview_of(previewer, RULESET, {}) is None
    assert preview_of(None, RULESET, {ATTRIBUTE: token}) is None


def test_make_token__draft__is_read_with_the_secret_of_the_data_folder(
    context: Context, now: FakeClock
) -> None:
    previewer = load_previewer(context.settings, now)
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session)
        experiment = factories.make_experiment(session, actor)
        token = make_token(previewer, experiment, "nudge", 7, actor=actor, now=now())
        key = experiment.key
        with pytest.raises(InvalidInput, match="Choose a variant"):
            make_token(previewer, experiment, "none", 7, actor=actor, now=now())
        with pytest.raises(InvalidInput, match="from 1 to 30"):
            make_token(previewer, experiment, "nudge", 31, actor=actor, now=now())
        viewer = factories.make_actor(session, "Vic", PersonRole.VIEWER)
        with pytest.raises(Forbidden):
            make_token(previewer, experiment, "nudge", 7, actor=viewer, now=now())
    ruleset = rulesets.ruleset_of([], silent={key: "not_started"})
    again = load_previewer(context.settings, now)
    found = preview_of(again, ruleset, {ATTRIBUTE: token})
    assert found is not None
    assert found.given.parameters == {"headline": "Save two months"}


def test_make_token__external_experiment__is_refused(
    context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session)
        external = factories.external_design()
        experiment = factories.make_experiment(session, actor, external)
        assert not may_preview(experiment)
        with pytest.raises(Conflict):
            make_token(
                Previewer(b"s" * 32, now),
                experiment,
                "nudge",
                7,
                actor=actor,
                now=now(),
            )
