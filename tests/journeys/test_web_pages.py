"""Every page in a real browser: promises U1 to U6 of the design, and S10."""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page

from experiments import catalog, journey, sign_in_links
from experiments.context import Context
from experiments.db import transaction
from experiments.vocabulary import Status
from tests.journeys.site import PAGES, Site, furnish, running_site

pytestmark = [pytest.mark.browser, pytest.mark.journey]
ROOT = Path(__file__).resolve().parents[2]
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (1280, 390)
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
# A 404 page is itself a failed load, which the browser mentions.
EXPECTED_LOGS = ("the server responded with a status of 404",)


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def axe() -> str:
    """Read axe-core, which `make test` fetches from the npm registry."""
    path = Path(os.environ.get("ABIDE_AXE") or ROOT / ".cache" / "axe.min.js")
    if not path.exists():
        message = f"axe-core is absent: {path} (make test fetches it)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path.read_text()


@pytest.fixture
def site(app: Flask, context: Context) -> Iterator[Site]:
    with running_site(app, context) as running:
        yield running


@pytest.fixture
def furnished(site: Site, context: Context) -> Site:
    furnish(context)
    return site


def sign_in(window: BrowserContext, site: Site) -> Page:
    page = window.new_page()
    page.goto(site.link())
    page.click("main button")
    page.wait_for_url(f"{site.url}/")
    return page


class Watch:
    """Notes what a page should not do."""

    def __init__(self, page: Page, site: Site) -> None:
        self.faults: list[str] = []
        self.site = site
        page.on("console", lambda message: self._log(message.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        page.on("request", lambda request: self._request(request.url))

    def _log(self, text: str) -> None:
        if not any(expected in text for expected in EXPECTED_LOGS):
            self.faults.append(text)

    def _request(self, url: str) -> None:
        if not url.startswith((f"{self.site.url}/", "data:")):
            self.faults.append(f"request to {url}")


def violations(page: Page, axe: str, rules: list[str]) -> list[str]:
    """Run axe-core; what it could not decide counts as found.

    But for the colour of text in a drawing: it cannot tell what lies behind that. Such
    text has the page's muted ink on the page's own ground (the axis of the backlog).
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(
        # What passed is read by nobody, so it is not described node by node.
        "rules => axe.run(document, {runOnly: rules,"
        " resultTypes: ['violations', 'incomplete']})",
        rules,
    )
    undecided = [
        {
            **rule,
            "nodes": [n for n in rule["nodes"] if not n["html"].startswith("<text")],
        }
        for rule in found["incomplete"]
    ]
    return [
        f"{page.url}: {rule['id']} at {[node['target'] for node in rule['nodes']]}"
        for rule in found["violations"] + undecided
        if rule["nodes"]
    ]


def test_every_page__in_every_look__has_no_violation_and_asks_nobody_else(
    browser: Browser, furnished: Site, axe: str
) -> None:
    window = browser.new_context()
    page = sign_in(window, furnished)
    watch, found = Watch(page, furnished), []
    for path in PAGES:
        page.goto(furnished.url + path)
        found += faults_in_all_looks(page, axe)
        if page.locator("h1").count() != 1:
            found.append(f"{path}: not one h1")
    visitor = browser.new_context().new_page()
    for path in ("/sign-in", "/sign-in/link?token=x", "/set-up", "/docs"):
        visitor.goto(furnished.url + path)
        found += faults_in_all_looks(visitor, axe)
    visitor.context.close()
    window.close()
    assert found == []
    assert watch.faults == []


def faults_in_all_looks(page: Page, axe: str) -> list[str]:
    """Look at a page wide and narrow, light and dark."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        sideways = page.evaluate("document.documentElement.scrollWidth")
        if sideways > width:
            found.append(f"{page.url}: scrolls sideways to {sideways} at {width}")
        page.emulate_media(color_scheme="light")
        found += [f"{width} light {f}" for f in violations(page, axe, AXE_TAGS)]
        # Dark changes colours and nothing else.
        page.emulate_media(color_scheme="dark")
        found += [f"{width} dark {f}" for f in violations(page, axe, COLOUR_RULES)]
    return found


def test_refused_forms__in_every_look__have_no_violation(
    browser: Browser, furnished: Site, axe: str
) -> None:
    window = browser.new_context()
    page = sign_in(window, furnished)
    found = []
    for path in (
        "/hypotheses/new",
        "/segments/new",
        "/catalogue/new",
        "/experiments/new",
        "/settings/people",
        "/settings/keys",
        "/settings/stages/new",
        "/experiments/runs/stop",
        "/experiments/runs/decide",
        "/account",
    ):
        page.goto(furnished.url + path)
        page.locator("main form button.primary, main form button.danger").last.click()
        page.wait_for_selector("#problems")
        assert page.title().startswith("Error: "), path
        # The script starts at the summary, whose links lead to the fields.
        assert page.evaluate("document.activeElement.id") == "problems"
        page.click("#problems a >> nth=0")
        assert page.evaluate("document.activeElement.matches('[aria-invalid]')"), path
        found += faults_in_all_looks(page, axe)
    window.close()
    assert found == []


def test_every_page__at_320_pixels_or_twice_the_text__does_not_scroll_sideways(
    browser: Browser, furnished: Site
) -> None:
    window = browser.new_context()
    page = sign_in(window, furnished)
    found = []
    for path in PAGES:
        page.goto(furnished.url + path)
        for width, size in ((320, "100%"), (640, "200%")):
            page.set_viewport_size({"width": width, "height": 700})
            page.evaluate("s => document.documentElement.style.fontSize = s", size)
            sideways = page.evaluate("document.documentElement.scrollWidth")
            if sideways > width:
                found.append(f"{path}: {sideways} of {width} at {size}")
    window.close()
    assert found == []


def test_keyboard__tabbing_through_the_largest_form__always_shows_where_it_is(
    browser: Browser, furnished: Site
) -> None:
    """Each stop is in view, not covered, and has an outline (U2)."""
    window = browser.new_context(viewport={"width": 1280, "height": 800})
    page = sign_in(window, furnished)
    page.goto(f"{furnished.url}/experiments/new")
    page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = 1)")
    stops, tops = 0, []
    for _ in range(150):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
              const at = document.activeElement;
              if (at === document.body) return null;
              const box = at.getBoundingClientRect();
              const x = box.left + box.width / 2;
              // A text that is half in view is scrolled to its caret, not its middle.
              const y = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2;
              const hit = document.elementFromPoint(x, y);
              return {
                name: at.outerHTML.slice(0, 80),
                seen: hit !== null && (at.contains(hit) || hit.contains(at)),
                outline: getComputedStyle(at).outlineStyle,
                top: box.top + scrollY,
              };
            }"""
        )
        if stop is None:
            break
        stops += 1
        assert stop["seen"], stop
        assert stop["outline"] != "none", stop
        tops.append(stop["top"])
    assert stops > 40
    # The order of focus is the order of reading, top to bottom.
    jumps_up = sum(b < a - 60 for a, b in pairwise(tops))
    assert jumps_up == 0
    window.close()


def test_duration__with_script__is_worked_out_while_typing(
    browser: Browser, furnished: Site
) -> None:
    window = browser.new_context()
    page = sign_in(window, furnished)
    watch = Watch(page, furnished)
    page.goto(f"{furnished.url}/experiments/draft/plan/duration")
    page.fill("#duration-baseline", "70")
    page.fill("#duration-weekly_customers", "5800")
    # As tests/web/test_planning.py, for 1 point: 32,646.2, rounded up.
    page.wait_for_selector("#duration-answer >> text=you need 32,647")
    assert page.input_value("#duration-baseline") == "70"
    assert watch.faults == []
    window.close()


def test_metric_form__with_script__shows_what_its_kind_asks(
    browser: Browser, furnished: Site
) -> None:
    window = browser.new_context()
    page = sign_in(window, furnished)
    page.goto(f"{furnished.url}/catalogue/new")
    assert page.locator("#events").is_visible()
    assert not page.locator("#scale").is_visible()
    page.get_by_label("CSAT, mean score").check()
    assert page.locator("#scale").is_visible()
    assert not page.locator("#events").is_visible()
    window.close()


def test_theme__chosen__wins_over_the_device(browser: Browser, furnished: Site) -> None:
    window = browser.new_context(color_scheme="light")
    page = sign_in(window, furnished)
    colour = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(colour) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Dark").click()
    page.wait_for_selector('html[data-theme="dark"]')
    assert page.evaluate(colour) == "rgb(18, 23, 28)"
    window.close()


def test_forced_colours__keep_states_visible(browser: Browser, furnished: Site) -> None:
    window = browser.new_context(forced_colors="active")
    page = sign_in(window, furnished)
    page.goto(f"{furnished.url}/experiments")
    border = "getComputedStyle(document.querySelector('.status')).borderTopStyle"
    assert page.evaluate(border) == "solid"
    window.close()


class Hands:
    """Counts what a person does with a page: each field, choice and press is one."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page, self.site, self.count = page, site, 0

    def go(self, path: str) -> None:
        """Open a page by the menu and the button on its list."""
        self.page.goto(self.site.url + path)
        self.count += 2

    def fill(self, fields: dict[str, str]) -> None:
        for field, text in fields.items():
            self.page.locator(f'[id="{field}"]').fill(text)
            self.count += 1

    def choose(self, fields: dict[str, str]) -> None:
        for field, value in fields.items():
            self.page.locator(f'[id="{field}"]').select_option(value)
            self.count += 1

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button).last.click()
        self.count += 1


def test_first_experiment__without_script__from_nothing_to_start_in_45_steps(
    browser: Browser, site: Site, context: Context
) -> None:
    """The whole path by forms alone: no script, nothing stored beforehand (U4, U11)."""
    window = browser.new_context(java_script_enabled=False)
    page = window.new_page()
    watch = Watch(page, site)
    set_up(page, site)
    hands = Hands(page, site)
    define_segment_and_metrics(hands)
    plan_experiment(hands)
    hands.press("Start and lock the plan")
    assert "The experiment runs, and its plan is locked." in page.inner_text("main")
    with transaction(context.sessions) as session:
        experiment = catalog.get(session, "guided-set-up-keeps-new-small-businesses")
    assert experiment.status == Status.RUNNING
    assert hands.count <= 45
    page.get_by_role("button", name="Sign out").first.click()
    assert page.inner_text("h1") == "Sign in"
    assert watch.faults == []
    window.close()


def set_up(page: Page, site: Site) -> None:
    with transaction(site.context.sessions) as session:
        token = sign_in_links.create(session, None, site.context.now())
        journey.seed(session)
    page.goto(f"{site.url}/sign-in/link?token={token}")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Your e-mail address").fill(site.email)
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Create my account").click()
    assert page.inner_text("h1") == "Home"


def define_segment_and_metrics(hands: Hands) -> None:
    page = hands.page
    hands.go("/segments/new")
    business = {"rules-0-attribute": "plan", "rules-0-value": "small"}
    hands.fill({"name": "New small businesses"} | business)
    hands.press("Save segment")
    assert "Plan is small." in page.inner_text("main")
    hands.go("/catalogue/new")
    hands.fill({"name": "Day-30 retention", "events": "App Opened\nInvoice Sent"})
    hands.press("Save metric")
    assert '"App Opened" or "Invoice Sent"' in page.inner_text("main")
    hands.go("/catalogue/new")
    hands.fill({"name": "CSAT"})
    page.get_by_label("CSAT, mean score").check()
    hands.count += 1
    hands.press("Save metric")
    assert "1 to 5 scale." in page.inner_text("main")


def plan_experiment(hands: Hands) -> None:
    page, story = hands.page, "new_hypothesis-"
    hands.go("/experiments/new")
    hands.fill(
        {
            f"{story}title": "Guided set-up keeps new small businesses",
            f"{story}change": "Guide them through set-up in three steps.",
            f"{story}evidence_text": "4 of 10 stop at the tax form.",
            f"{story}friction_point": "The tax form.",
            f"{story}expected_change": "1.5",
            f"{story}lift_low": "0",
            f"{story}lift_mid": "2",
            f"{story}lift_high": "5",
            f"{story}ship_probability": "50",
        }
    )
    hands.choose(
        {
            f"{story}segment": "new-small-businesses",
            f"{story}metric": "day-30-retention",
        }
    )
    hands.press("Save and continue")
    assert page.inner_text("h1") == "Which customers is it for?"
    hands.press("Save and continue")
    page.go_back()
    assert page.inner_text("h1") == "Which customers is it for?"
    page.go_forward()
    hands.fill(
        {
            "variants-0-description": "Set-up as today.",
            "variants-1-description": "Three guided steps.",
            "exposure_point": "When the set-up page opens.",
        }
    )
    hands.press("Save and continue")
    hands.fill({"metrics-1-margin": "0.05"})
    hands.press("Save and continue")
    hands.fill({"duration-baseline": "70", "duration-weekly_customers": "5800"})
    hands.press("Work out duration")
    # Four looks take 2 % more than the 14,437 of one (tests/web/test_planning.py).
    assert "you need 14,72" in page.inner_text("main")
    hands.press("Save and continue")
    assert "5 of 6 done" in page.inner_text("main")
    hands.press("Save and continue")
    assert page.inner_text("h1") == "Check your answers"
    assert "day-30 retention will rise" in page.inner_text("main").lower()
