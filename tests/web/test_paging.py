"""Long lists: 50 rows a page, both ways, with the filter kept."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from experiments.context import Context
from experiments.db import transaction
from experiments.vocabulary import PersonRole
from tests import factories
from tests.web.conftest import Visitor

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MANY = 120
Make = Callable[[Session, str], object]


@pytest.fixture
def viewer(signed_in: Callable[..., Visitor]) -> Visitor:
    return signed_in(PersonRole.VIEWER)


def fill(context: Context, make: Make) -> None:
    with transaction(context.sessions) as session:
        for number in range(MANY):
            make(session, f"thing-{number:03}")


def keys_on(text: str) -> list[str]:
    return re.findall(r'href="/[a-z]+/(thing-\d{3})"', text)


def link(text: str, rel: str) -> str | None:
    found = re.search(rf'<a rel="{rel}" href="([^"]+)"', text)
    return None if found is None else found[1].replace("&amp;", "&")


def walk(visitor: Visitor, path: str, rel: str) -> tuple[list[list[str]], str]:
    """Follow the links; give the rows of each page, and the last one's address."""
    pages: list[list[str]] = []
    while len(pages) < MANY:
        text = visitor.get(path).text
        pages.append(keys_on(text))
        onward = link(text, rel)
        if onward is None:
            break
        path = onward
    return pages, path


def make_segment(session: Session, key: str) -> None:
    factories.make_segment(session, key)


def make_metric(session: Session, key: str) -> None:
    factories.make_metric(session, key)


@pytest.mark.parametrize(
    ("path", "make"), [("/segments", make_segment), ("/catalogue", make_metric)]
)
def test_list_by_key__many_rows__shows_each_once_and_goes_back_the_same_way(
    viewer: Visitor, context: Context, path: str, make: Make
) -> None:
    fill(context, make)
    there, last = walk(viewer, path, "next")
    assert [len(page) for page in there] == [50, 50, 20]
    assert [key for page in there for key in page] == [
        f"thing-{number:03}" for number in range(MANY)
    ]
    back, _ = walk(viewer, last, "prev")
    assert back == there[::-1]


def test_experiments__filtered__keeps_the_filter_and_is_newest_first(
    viewer: Visitor, context: Context
) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Grace")
        for number in range(60):
            factories.make_experiment(session, actor, key=f"thing-{number:03}")
    first = viewer.get("/experiments?status=draft").text
    assert keys_on(first) == [f"thing-{number:03}" for number in range(59, 9, -1)]
    onward = link(first, "next")
    assert onward is not None
    assert "status=draft" in onward
    second = viewer.get(onward).text
    assert keys_on(second) == [f"thing-{number:03}" for number in range(9, -1, -1)]
    back = link(second, "prev")
    assert back is not None
    assert keys_on(viewer.get(back).text) == keys_on(first)
    assert link(second, "next") is None
    assert link(first, "prev") is None


@pytest.mark.parametrize("asked", ["after=0", "after=x", f"before={2**70}", "after="])
def test_list__place_that_cannot_be__is_the_first_page(
    viewer: Visitor, context: Context, asked: str
) -> None:
    with transaction(context.sessions) as session:
        factories.make_experiment(session, factories.make_actor(session, "Grace"))
    answer = viewer.get(f"/experiments?{asked}")
    assert answer.status_code == 200
    assert factories.EXPERIMENT in answer.text


def test_list_by_key__what_is_no_key__is_not_found(viewer: Visitor) -> None:
    assert viewer.get("/segments?after=%00").status_code == 404
