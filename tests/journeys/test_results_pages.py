"""The pages of results in a real browser: U1, U3, U4, U7 and U8 of the design."""

import gzip
import itertools
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pypdfium2
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy.orm import Session

from experiments import accounts, lifecycle, plan_lock
from experiments.context import Context
from experiments.db import transaction
from experiments.decisions import Recommendation
from experiments.design_parts import SegmentRef, VariantSpec
from experiments.models import Experiment
from experiments.vocabulary import (
    Action,
    Decision,
    MetricKind,
    PersonRole,
    ResultPhase,
    Role,
    Verdict,
)
from tests.analysis.run_examples import (
    BAD_SPLIT,
    PASSED_CHECKS,
    answers,
    change,
    explored_splits,
    finish,
    readings_of,
    store_failure,
    store_run,
)
from tests.clock import FakeClock
from tests.factories import (
    CSAT,
    NOW,
    PASSWORD,
    RETENTION,
    choice,
    csat_definition,
    make_hypothesis,
    make_metric,
    make_person,
    make_segment,
    start_experiment,
    variant,
)
from tests.journeys.site import Site, running_site

if TYPE_CHECKING:
    from analysis.stats.estimate import Outcome

pytestmark = [pytest.mark.browser, pytest.mark.journey]
ROOT = Path(__file__).resolve().parents[2]
LATER = NOW + timedelta(days=60)
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
LONG = "An extraordinarily long name that nobody has shortened since it was agreed "
SHOWN = ("ship", "harm", "bad", "counting", "three", "long", "none")
KB = 1000
WIDE = 1280
Scheme = Literal["light", "dark"]


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def site(app: Flask, context: Context, now: FakeClock) -> Iterator[Site]:
    with transaction(context.sessions) as session:
        person = make_person(session, "Ada", PersonRole.ADMIN, password=PASSWORD)
        fill(session, accounts.actor_for(person))
    now.advance(days=60, hours=3)
    with running_site(app, context) as running:
        yield running


def fill(session: Session, owner: Any) -> None:  # noqa: ANN401  # an actor
    """Store one experiment in each state that a page can be in."""
    make_segment(session, "bakeries", name="Bakeries", condition={"a": "b"})

    def start(key: str, **changes: Any) -> Experiment:  # noqa: ANN401
        plain = {"hypothesis": f"because-{key}", "planned_units": 18_800}
        return start_experiment(session, owner, key=key, **{**plain, **changes})

    ship = start("ship", breakdowns=(SegmentRef("bakeries", 1),))
    tried = explored_splits()
    finish(session, ship, at=LATER, segment_per_quarter=22_100, tried=tried)
    store_failure(session, ship, at=LATER)
    worse = change(-0.12, 0.04, control=4.12, n=3_900, n_missing=5_500)
    finish(session, start("harm"), at=LATER, guardrail=worse)
    checks = [BAD_SPLIT, *PASSED_CHECKS[1:]]
    finish(session, start("bad"), at=LATER, checks=checks)
    finish(session, start("counting"), at=LATER, phase=ResultPhase.COUNTING)
    for key, number in (("three", 2), ("four", 3), ("ten", 9)):
        finish(session, start(key, variants=variants(number)), at=LATER)
    decided = start("decided")
    finish(session, decided, at=LATER)
    decide(session, decided, owner)
    start("none")
    long(session, owner)


def variants(treatments: int) -> tuple[VariantSpec, ...]:
    share = 1 / (treatments + 1)
    named = [variant(f"treatment-{i}", share=share) for i in range(treatments)]
    return (variant("control", is_control=True, share=share), *named)


def decide(session: Session, experiment: Experiment, owner: Any) -> None:  # noqa: ANN401
    lifecycle.transition(
        session,
        experiment.key,
        Action.DECIDE,
        owner,
        LATER,
        decision=Decision.SHIP,
        variant="nudge",
        reason=(LONG * 30)[:2000],
        recommendation=Recommendation(Verdict.SHIP, "nudge"),
    )


def long(session: Session, owner: Any) -> None:  # noqa: ANN401
    """Store an experiment in which every text is as long as it may be."""
    name = (LONG * 5)[:200].strip()
    for key in ("one", "two"):
        make_metric(session, key, name=name, definition=csat_definition())
    share = csat_definition(kind=MetricKind.CSAT_SHARE)
    make_metric(session, "share", name="Share satisfied", definition=share)
    make_segment(session, "long", name=name, condition={"a": "b"})
    text = (LONG * 20)[:1000]
    make_hypothesis(
        session,
        owner,
        key="long",
        title=name,
        segment="long",
        change=(LONG * 40)[:2000],
        if_up=text,
        if_flat=text,
        if_down=text,
    )
    treatment = "a-name-of-as-many-letters-as-a-variant-may-have-which-is-64-now"
    experiment = start_experiment(
        session,
        owner,
        key="long",
        name=name,
        hypothesis="long",
        segment="long",
        planned_units=18_800,
        variants=(variant("control", is_control=True), variant(treatment)),
        metrics=(
            choice(RETENTION),
            *(
                choice(key, Role.GUARDRAIL, change_that_matters=0.05, margin=0.05)
                for key in ("one", "two", CSAT, "share")
            ),
        ),
    )
    plan, _ = plan_lock.locked_plan(session, experiment)
    outcomes: dict[tuple[str, str, str], Outcome] = {
        (key, treatment, ""): change(-0.12, 0.04, control=4.12, n=3_900)
        for key in ("one", "two", CSAT, "share")
    }
    outcomes[RETENTION, treatment, ""] = change(0.019, 0.013, control=0.701)
    given = answers(110, 180, 420, 1_650, 1_540)
    store_run(
        session,
        experiment,
        readings_of(plan, outcomes),
        at=LATER,
        segment_per_quarter=22_100,
        histograms={CSAT: {"control": given, treatment: given}},
    )


def sign_in(window: BrowserContext, site: Site) -> Page:
    page = window.new_page()
    page.goto(site.link())
    page.click("main button")
    page.wait_for_url(f"{site.url}/")
    return page


def axe() -> str:
    path = Path(os.environ.get("ABIDE_AXE") or ROOT / ".cache" / "axe.min.js")
    if not path.exists():
        message = f"axe-core is absent: {path} (make test fetches it)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path.read_text()


def violations(page: Page, width: int, rules: list[str]) -> list[str]:
    """Run axe-core; on a wide page what it cannot decide counts as well.

    But for the colour of drawn text, for it cannot tell what lies behind text in an
    SVG: test_drawings__text_on_answers__has_the_contrast_of_text measures that. On a
    phone it cannot see what is scrolled out of a table either.
    """
    found: dict[str, Any] = page.evaluate(
        # What passed is read by nobody, so it is not described node by node.
        "rules => axe.run(document, {runOnly: rules,"
        " resultTypes: ['violations', 'incomplete']})",
        rules,
    )
    undecided = [
        {**rule, "nodes": [n for n in rule["nodes"] if not _is_drawn_text(rule, n)]}
        for rule in (found["incomplete"] if width == WIDE else [])
    ]
    return [
        f"{page.url}: {rule['id']} at {[node['target'] for node in rule['nodes']]}"
        for rule in found["violations"] + undecided
        if rule["nodes"]
    ]


def _is_drawn_text(rule: dict[str, Any], node: dict[str, Any]) -> bool:
    tag: str = node["html"]
    return rule["id"] == "color-contrast" and tag.startswith(("<text", "<tspan"))


def test_result_pages__in_every_state_and_look__have_no_violation(
    browser: Browser, site: Site
) -> None:
    window = browser.new_context(color_scheme="light")
    page, script, found = sign_in(window, site), axe(), []
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text))
    for key, kind in itertools.product(SHOWN, ("results", "summary")):
        page.goto(f"{site.url}/experiments/{key}/{kind}")
        page.evaluate(
            "document.querySelectorAll('main details').forEach(d => d.open = 1)"
        )
        page.evaluate(script)
        assert page.locator("h1").count() == 1
        for width in (WIDE, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme="light")
            found += violations(page, width, AXE_TAGS)
            # Dark changes colours and nothing else.
            page.emulate_media(color_scheme="dark")
            found += [f"dark: {one}" for one in violations(page, width, COLOUR_RULES)]
        for width in (WIDE, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append(f"{key}/{kind} scrolls sideways at {width}")
    window.close()
    assert found == []
    assert logged == []  # the content policy had nothing to refuse


def test_drawings__by_width__show_one_of_their_forms(
    browser: Browser, site: Site
) -> None:
    for width, shown in ((1280, "wide"), (390, "narrow")):
        window = browser.new_context(viewport={"width": width, "height": 900})
        page = sign_in(window, site)
        page.goto(f"{site.url}/experiments/ship/results")
        for form in ("wide", "narrow"):
            drawn = page.locator(f"main svg.drawn-{form}")
            assert drawn.count() == 6
            visible = [drawn.nth(i).is_visible() for i in range(6)]
            assert visible == [form == shown] * 6
        names = page.get_by_role("img").all()
        assert len(names) >= 6
        # The page of an experiment has a drawing too, and none of the results' styles.
        page.goto(f"{site.url}/experiments/counting")
        for form in ("wide", "narrow"):
            drawn = page.locator(f"main svg.drawn-{form}")
            assert [each.is_visible() for each in drawn.all()] == [form == shown]
        window.close()


def test_summary__needs_no_scrolling__and_prints_on_exactly_one_page(
    browser: Browser, site: Site
) -> None:
    window = browser.new_context(
        color_scheme="dark", viewport={"width": 1280, "height": 800}
    )
    page = sign_in(window, site)
    pages = {}
    for key in (*SHOWN, "four", "ten", "decided"):
        page.goto(f"{site.url}/experiments/{key}/summary")
        # From the link to verdict, size and sureness without scrolling (U11).
        for part in page.locator(".verdict, .box-happened .key, .sure").all():
            box = part.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 800, key
        for size in ("A4", "Letter"):
            printed = page.pdf(format=size)
            pages[key, size] = len(re.findall(rb"/Type\s*/Page\b", printed))
    for key in ("bad", "ten", "long", "decided"):
        made = page.request.get(f"{site.url}/experiments/{key}/summary.pdf").body()
        document = pypdfium2.PdfDocument(made)
        pages[key, "PDF"] = len(document)
        document.close()
    window.close()
    assert pages == dict.fromkeys(pages, 1)


def test_summary__printed__is_black_on_white_whatever_the_screen_was(
    browser: Browser, site: Site
) -> None:
    window = browser.new_context(color_scheme="dark")
    page = sign_in(window, site)
    page.goto(f"{site.url}/experiments/ship/summary")
    page.emulate_media(media="print", color_scheme="dark")
    look = page.evaluate(
        "() => { const s = getComputedStyle(document.querySelector('.verdict'));"
        " return [s.color, getComputedStyle(document.body).backgroundColor]; }"
    )
    assert look == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    assert page.locator("svg.drawn-print").first.is_visible()
    assert not page.locator("svg.drawn-wide").first.is_visible()
    assert not page.locator("nav").first.is_visible()
    window.close()


def test_results__page_weight__keeps_the_limits(browser: Browser, site: Site) -> None:
    window = browser.new_context()
    page = sign_in(window, site)
    bodies: list[bytes] = []
    page.on("response", lambda response: bodies.append(response.body()))
    page.goto(f"{site.url}/experiments/ship/results", wait_until="networkidle")
    window.close()
    assert sum(len(body) for body in bodies) <= 600 * KB
    assert sum(len(gzip.compress(body)) for body in bodies) <= 150 * KB


def test_drawings__text_on_answers__has_the_contrast_of_text(
    browser: Browser, site: Site
) -> None:
    """Measure what axe cannot see: ink on each answer's colour, in both schemes."""
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        window = browser.new_context(color_scheme=scheme)
        page = sign_in(window, site)
        page.goto(f"{site.url}/experiments/ship/results")
        colours = page.evaluate(
            "() => { const s = getComputedStyle(document.documentElement);"
            " return [1, 2, 3, 4, 5].map(i => [s.getPropertyValue(`--answer-${i}`),"
            " s.getPropertyValue(`--answer-ink-${i}`)]); }"
        )
        ratios = [contrast(*pair) for pair in colours]
        assert min(ratios) >= 4.5, ratios
        window.close()


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours: WCAG 2.2, relative luminance."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    digits = colour.strip().removeprefix("#")
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
