"""Preview links by their page."""

import html
import re
from collections.abc import Callable

from sqlalchemy import select

from experiments.context import Context
from experiments.db import transaction
from experiments.models import RulesetRow
from experiments.previews import ATTRIBUTE, find_preview
from experiments.ruleset_values import Ruleset, parse
from experiments.vocabulary import PersonRole
from tests.factories import EXPERIMENT, external_design, make_actor, make_experiment
from tests.web.conftest import Visitor

SignIn = Callable[..., Visitor]
PATH = f"/experiments/{EXPERIMENT}/preview"


def test_preview__draft__link_that_the_doors_read_until_it_is_revoked(
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
    token = found.group(1)
    preview = find_preview(newest(context), {ATTRIBUTE: token}, context.now())
    assert preview is not None
    assert preview.given.variant == "nudge"
    listed = visitor.get(PATH).text
    assert token not in listed
    assert "Revoke" in listed
    gone = visitor.post(f"{PATH}/{preview.link.id}/revoke", {})
    assert gone.status_code == 302
    assert "Revoked" in visitor.get(PATH).text
    assert find_preview(newest(context), {ATTRIBUTE: token}, context.now()) is None


def newest(context: Context) -> Ruleset:
    with transaction(context.sessions) as session:
        rows = session.scalars(select(RulesetRow).order_by(RulesetRow.revision)).all()
        return parse(rows[-1].body.encode())


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
