"""Every page's outline (promise U10), read without a browser."""

import pytest
from flask import Flask

from experiments import sign_in_links
from experiments.context import Context
from experiments.db import transaction
from tests.journeys.site import PAGES, furnish
from tests.web.conftest import Visitor
from tests.web.structure import faults, tree_of

VISITED = ("/sign-in", "/sign-in/link?token=x", "/set-up")
# The summary is one sheet of paper: it has no bars above and below.
FRAME = {"header", "nav", "main", "footer"}


def signed_in_first(app: Flask, context: Context) -> Visitor:
    """Sign the administrator of a furnished site in."""
    with transaction(context.sessions) as session:
        token = sign_in_links.create(session, 1, context.now())
    visitor = Visitor(app.test_client())
    visitor.post("/sign-in/link", {"token": token})
    return visitor


def test_every_page__outline__is_whole_for_a_screen_reader(
    app: Flask, context: Context
) -> None:
    furnish(context)
    visitor = signed_in_first(app, context)
    found = []
    for path in PAGES:
        page = tree_of(visitor.get(path).text)
        found += [f"{path}: {fault}" for fault in faults(page)]
        missing = FRAME - {each.tag for each in page.iter()}
        if missing and not path.endswith("/summary"):
            found.append(f"{path}: no {sorted(missing)}")
    stranger = Visitor(app.test_client())
    for path in VISITED:
        page = tree_of(stranger.get(path).text)
        found += [f"{path}: {fault}" for fault in faults(page)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<h1>a</h1><h3>b</h3>", "h1 a is followed by h3"),
        ("<h1>a</h1><h1>b</h1>", "2 h1"),
        ("<h1>a</h1><nav>b</nav>", "nav without a name: b"),
        ("<h1>a</h1><p id=x></p><p id=x></p>", "id x is there 2 times"),
        ("<h1>a</h1><label for=x>b</label>", "label for=x leads nowhere"),
        ('<h1>a</h1><input name="b">', "field without a label: b"),
        ("<h1>a</h1><button></button>", "button without words: {}"),
        ("<h1>a</h1><img src=b>", "img without alt: b"),
        ("<h1>a</h1><div role=img></div>", "picture without a name in a"),
        ("<h1>a</h1><svg></svg>", "svg is neither hidden nor named: {}"),
        ("<h1>a</h1><fieldset>b</fieldset>", "fieldset without a legend: b"),
        ("<h1>a</h1><details>b</details>", "details without a summary: b"),
        (
            "<h1>a</h1><table aria-label=t><tr><th>b</th></tr></table>",
            "th without scope: b",
        ),
    ],
)
def test_faults__planted__are_found(body: str, fault: str) -> None:
    frame = '<html lang="en"><head><title>t</title></head><body><main>'
    assert faults(tree_of(f"{frame}{body}</main></body></html>")) == [fault]
