"""Every link that a person can follow from the menu leads to a page that opens."""

import contextlib
import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.wsgi import ClosingIterator

from api import front
from experiments import accounts
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Person
from experiments.ruleset_mirror import RulesetMirror
from experiments.vocabulary import PersonRole
from tests.factories import make_experiment, start_experiment
from tests.web.conftest import Visitor
from web.templating import NAVIGATION

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

LINK = re.compile(r'href="(/[^"#]*)[^"]*"')


@pytest.fixture
def behind_doors(app: Flask, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the doors in front, as a server does: they answer before any page."""
    # Its thread would go on asking when the test is over.
    monkeypatch.setattr(RulesetMirror, "start", RulesetMirror.copy)
    mounted = front.build(context, app.wsgi_app, doors_too=True)

    def whole(
        environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> list[bytes]:
        # Read to its end and closed, as by a server: else its place stays taken.
        with contextlib.closing(ClosingIterator(mounted(environ, start_response))) as c:
            return list(c)

    app.wsgi_app = whole  # type: ignore[method-assign]  # as Flask documents


def links_of(visitor: Visitor, path: str) -> tuple[list[str], str]:
    """Open a page; give where it leads, and what is wrong with it."""
    answer = visitor.get(path, follow=True)
    if answer.status_code != 200:
        return [], f"{path}: {answer.status_code} {answer.text[:80]}"
    if answer.mimetype != "text/html":
        return [], ""
    fault = "" if "<h1" in answer.text else f"{path}: no heading"
    return [html.unescape(link) for link in LINK.findall(answer.text)], fault


@pytest.mark.usefixtures("behind_doors")
def test_menu__behind_the_doors__opens_a_page_for_each_entry(
    signed_in: Callable[..., Visitor],
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    menu = visitor.get("/").text.partition('aria-label="Main"')[2]
    entries = LINK.findall(menu.partition("</nav>")[0])
    assert len(entries) == len(NAVIGATION)
    for entry in entries:
        answer = visitor.get(entry)
        assert (answer.status_code, answer.mimetype) == (200, "text/html"), entry
        assert 'aria-current="page"' in answer.text, entry


@pytest.mark.usefixtures("behind_doors")
def test_every_link__followed_from_the_menu__opens(
    context: Context, signed_in: Callable[..., Visitor]
) -> None:
    visitor = signed_in(PersonRole.ADMIN)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        start_experiment(session, owner, key="runs")
        make_experiment(session, owner, key="draft")
    waiting, seen, faults = ["/"], {"/"}, []
    while waiting:
        links, fault = links_of(visitor, waiting.pop())
        faults += [fault] if fault else []
        for link in links:
            # One address of each page: what is behind "?" filters or fills in.
            place = urlsplit(link).path
            if place not in seen:
                seen.add(place)
                waiting.append(link)
    assert faults == []
    assert seen >= {"/catalogue/retention_d30", "/experiments/runs/results"}
