"""Preview links by their page."""

import html
import re
from collections.abc import Callable

from experiments.context import Context
from experiments.db import transaction
from experiments.previews import ATTRIBUTE, load_previewer, preview_of
from experiments.vocabulary import PersonRole
from tests import rulesets
from tests.factories import EXPERIMENT, external_design, make_actor, make_experiment
from tests.web.conftest import Visitor

SignIn = Callable[..., Visitor]
PATH = f"/experiments/{EXPERIMENT}/preview"


def test_preview__draft__token_that_the_doors_read(
    signed_in: SignIn, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_experiment(session, make_actor(session, "Grace", PersonRole.ADMIN))
    visitor = signed_in(PersonRole.EDITOR)
    assert f'href="{PATH}"' in visitor.get(f"/experiments/{EXPERIMENT}").text
    answer = visitor.post(PATH, {"variant": "nudge", "days": "7"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    found = re.search(rf"\?{ATTRIBUTE}=([\w.-]+)<", html.unescape(answer.text))
    assert found is not None
    ruleset = rulesets.ruleset_of([], silent={EXPERIMENT: "not_started"})
    previewer = load_previewer(context.settings, context.now)
    preview = preview_of(previewer, ruleset, {ATTRIBUTE: found.group(1)})
    assert preview is not None
    assert preview.given.variant == "nudge"


def test_preview__faulty_form__says_what_is_wrong(
    signed_in: SignIn, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_experiment(session, make_actor(session, "Grace", PersonRole.ADMIN))
    answer = signed_in(PersonRole.EDITOR).post(PATH, {"variant": "x", "days": "99"})
    assert answer.status_code == 400
    assert "There is a problem" in answer.text


def test_preview__external_experiment__nothing_to_make(
    signed_in: SignIn, context: Context
) -> None:
    with transaction(context.sessions) as session:
        actor = make_actor(session, "Grace", PersonRole.ADMIN)
        make_experiment(session, actor, external_design())
    visitor = signed_in(PersonRole.EDITOR)
    assert "Make a link" not in visitor.get(PATH).text
    assert PATH not in visitor.get(f"/experiments/{EXPERIMENT}").text
