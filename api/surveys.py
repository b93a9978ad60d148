"""Surveys over JSON: what is asked, and signed links for mail tools."""

from collections.abc import Sequence
from typing import Any

from flask import current_app

from api.endpoints import Call, Endpoint, Resource
from api.pagination import page, place_of
from api.schemas.paging import PageQuery, page_schema
from api.schemas.surveys import (
    LinksBodySchema,
    LinksSchema,
    SurveyBodySchema,
    SurveyChangeSchema,
    SurveySchema,
)
from experiments import survey_replies, surveys
from experiments.models import Survey
from experiments.privacy import load_pseudonymiser
from experiments.survey_inviting import Inviter, Wish, survey_keys
from experiments.survey_links import SurveyLinks
from experiments.surveys import SurveyTerms
from experiments.vocabulary import PersonRole

resource = Resource("surveys", "Questions that Abide asks customers on its own page.")

LIST = Endpoint(
    role=PersonRole.VIEWER,
    to="read surveys",
    answer=page_schema(SurveySchema),
    query=PageQuery,
)
READ = Endpoint(role=PersonRole.VIEWER, to="read surveys", answer=SurveySchema)
CREATE = Endpoint(
    role=PersonRole.EDITOR,
    to="make surveys",
    answer=SurveySchema,
    body=SurveyBodySchema,
    creates=True,
)
CHANGE = Endpoint(
    role=PersonRole.EDITOR,
    to="change surveys",
    answer=SurveySchema,
    body=SurveyChangeSchema,
)
# Not one that "creates": the key that tells repeated requests apart would keep the
# ids; the same links again do no harm.
MAKE_LINKS = Endpoint(
    role=PersonRole.EDITOR,
    to="make survey links",
    answer=LinksSchema,
    body=LinksBodySchema,
)


@resource.route("GET", "/surveys", LIST)
def list_surveys(call: Call, query: dict[str, Any]) -> dict[str, Any]:
    """List the surveys, by key."""
    limit = query["limit"]
    after = place_of("surveys", query.get("cursor"), str)
    rows = surveys.listing(call.session, after_key=after, limit=limit + 1)
    return page("surveys", _shown(call, rows), limit, lambda row: row["key"])


def _shown(call: Call, rows: Sequence[Survey]) -> list[dict[str, Any]]:
    """Lay surveys out for their schema, with the response by wave."""
    return [
        {
            "key": row.key,
            "kind": row.kind,
            "scale": surveys.scale_of(row),
            "name": row.name,
            "wave": row.wave,
            "language": row.language,
            "texts": row.texts,
            "is_open": row.is_open,
            "created_at": row.created_at,
            "created_by": row.created_by,
            "waves": survey_replies.waves(call.session, row),
        }
        for row in rows
    ]


@resource.route("POST", "/surveys", CREATE)
def create_survey(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Make a survey."""
    fixed = {name: body.pop(name) for name in ("key", "kind", "scale")}
    row = surveys.create(
        call.session,
        **fixed,
        terms=SurveyTerms(**body),
        actor=call.actor,
        now=call.now,
    )
    return _shown(call, [row])[0]


@resource.route("GET", "/surveys/<key:key>", READ)
def read_survey(call: Call, key: str) -> dict[str, Any]:
    """Read a survey with its response by wave."""
    return _shown(call, [surveys.get(call.session, key)])[0]


@resource.route("PUT", "/surveys/<key:key>", CHANGE)
def change_survey(call: Call, body: SurveyTerms, key: str) -> dict[str, Any]:
    """Change what of a survey may change; links that were sent show it too."""
    row = surveys.change(call.session, key, body, actor=call.actor, now=call.now)
    return _shown(call, [row])[0]


@resource.route("POST", "/surveys/<key:key>/links", MAKE_LINKS)
def make_links(call: Call, body: Wish, key: str) -> dict[str, Any]:
    """Make signed links for many customers, who then count as asked."""
    settings = call.context.settings
    inviter = Inviter(
        SurveyLinks(survey_keys(settings), call.context.now),
        load_pseudonymiser(settings),
        current_app.extensions["abide_inbox"],
    )
    survey = surveys.get(call.session, key)
    made = inviter.invite(call.session, survey, body, actor=call.actor, now=call.now)
    base = f"{settings.base_url.rstrip('/')}/s/"
    return {
        "url_template": f"{base}{{token}}?score={{score}}",
        "expires_at": made.expires_at,
        "left_out": made.left_out,
        "links": [
            {"customer_id": customer_id, "token": token, "url": f"{base}{token}"}
            for customer_id, token in made.tokens
        ],
    }
