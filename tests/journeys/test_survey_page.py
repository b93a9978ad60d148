"""The survey page in a real browser: a phone, no script, the keyboard, every look."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser

from analysis.compactor import compact_once
from experiments import accounts
from experiments.context import Context
from experiments.db import transaction
from experiments.models import Person
from experiments.surveys import Texts
from experiments.vocabulary import PersonRole, SurveyKind
from tests.analysis.intake import events
from tests.factories import make_person
from tests.journeys import test_web_pages as pages
from tests.journeys.site import Site, running_site
from tests.surveys import make_survey, token_for

pytestmark = [pytest.mark.browser, pytest.mark.journey]
axe = pages.axe


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def site(app: Flask, context: Context) -> Iterator[Site]:
    with transaction(context.sessions) as session:
        make_person(session, "Ada", PersonRole.ADMIN)
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_survey(session, owner, context.now())
        make_survey(session, owner, context.now(), "loyalty", SurveyKind.NPS)
    with running_site(app, context) as running:
        yield running


def test_survey_page__in_every_look__has_no_violation_and_asks_nobody_else(
    browser: Browser, site: Site, context: Context, axe: str
) -> None:
    window = browser.new_context(java_script_enabled=True)
    page = window.new_page()
    watch, found = pages.Watch(page, site), []
    link, loyalty = (
        f"{site.url}/s/{token_for(context.settings, context.now(), survey_id=number)}"
        for number in (1, 2)
    )
    for address in (link, f"{loyalty}?score=9&lang=de", f"{link}/thanks"):
        page.goto(address)
        found += pages.faults_in_all_looks(page, axe)
    page.goto(loyalty)
    page.click("button")  # without a score
    assert page.title().strip().startswith("Error: ")
    found += pages.faults_in_all_looks(page, axe)
    page.goto(f"{site.url}/s/nothing")
    found += pages.faults_in_all_looks(page, axe)
    assert found == []
    refused = ("status of 400", "status of 404")
    assert [f for f in watch.faults if not any(r in f for r in refused)] == []
    window.close()


def test_survey_page__on_a_phone_by_keyboard_without_script__is_answered(
    browser: Browser, site: Site, context: Context
) -> None:
    window = browser.new_context(
        java_script_enabled=False, viewport={"width": 390, "height": 800}
    )
    page = window.new_page()
    token = token_for(context.settings, context.now())
    page.goto(f"{site.url}/s/{token}?score=2")
    for number in range(1, 6):  # large enough for a thumb
        box = page.locator(f"label[for=score-{number}]").bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44
    page.keyboard.press("Tab")  # to the chosen score
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.type("Quicker, please")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/thanks**")
    assert page.locator("h1").inner_text() == "Thank you"
    window.close()
    compact_once(context)
    assert [(row["kind"], row["value"]) for row in events(context)] == [
        ("survey_answer", 3.0)
    ]


def test_survey_page__with_words_that_never_end__does_not_scroll_sideways(
    browser: Browser, site: Site, context: Context
) -> None:
    endless = Texts("W" * 300, "u" * 60, "h" * 60, "c" * 200, "t" * 300)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        texts = {"en": endless}
        number = make_survey(session, owner, context.now(), "long", texts=texts).id
    page = browser.new_page(viewport={"width": 320, "height": 700})
    token = token_for(context.settings, context.now(), survey_id=number)
    for address in (f"{site.url}/s/{token}", f"{site.url}/s/{token}/thanks"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
    page.close()
