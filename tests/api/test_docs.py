"""The document and the readable page over it."""

import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, Literal

import pytest
from flask import Flask
from playwright.sync_api import Browser
from typing_extensions import override
from werkzeug.serving import make_server

from api.documentation import METHODS
from tests.api.conftest import Caller

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def document(caller: Caller) -> dict[str, Any]:
    answer = caller.client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


class Page(HTMLParser):
    """Collects what must not be there, and where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.forbidden: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in {"href", "src"}:
                self.links.append(value or "")
            if name == "style" or name.startswith("on"):
                self.forbidden.append(f"{tag} {name}")
        if tag in {"script", "style", "iframe", "img"}:
            self.forbidden.append(tag)


def test_document__every_reference__leads_somewhere(api: Caller) -> None:
    told = document(api)
    references = set(
        re.findall(r'"\$ref": ?"#/([^"]+)"', api.client.get("/openapi.json").text)
    )
    assert references
    for reference in references:
        found: Any = told
        for step in reference.split("/"):
            found = found[step]
        assert found


def test_document__hot_doors__stand_beside_the_control_plane(api: Caller) -> None:
    told = document(api)
    assert told["openapi"] == "3.1.0"
    assert {
        "/api/v1/assignments",
        "/v1/track",
        "/v1/batch",
        "/api/v1/experiments",
        "/api/v1/experiments/{key}/actions/{action}",
    } <= set(told["paths"])
    used = {
        tag
        for item in told["paths"].values()
        for method in METHODS
        for tag in item.get(method, {}).get("tags", [])
    }
    assert {tag["name"] for tag in told["tags"]} == used


def test_document__every_creation__takes_an_idempotency_key(api: Caller) -> None:
    for path, item in document(api)["paths"].items():
        if not path.startswith("/api/v1") or "post" not in item:
            continue
        creates = "201" in item["post"]["responses"]
        names = {p.get("name") for p in item["post"].get("parameters", [])}
        assert ("Idempotency-Key" in names) is creates, path


def test_page__as_served__has_no_script_no_style_and_whole_links(api: Caller) -> None:
    answer = api.client.get("/docs")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page = Page()
    page.feed(answer.text)
    assert page.forbidden == []
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link.startswith(("#", "/")), link
        assert not link.startswith("#") or link[1:] in page.ids, link


def test_page__as_served__tells_every_operation_and_object(api: Caller) -> None:
    told, page = document(api), api.client.get("/docs").text
    for path in told["paths"]:
        assert f"<code>{path}</code>" in page
    for name in told["components"]["schemas"]:
        assert f'id="object-{name}"' in page


def test_style__as_served__holds_no_outside_address(api: Caller) -> None:
    answer = api.client.get("/docs/style.css")
    assert answer.mimetype == "text/css"
    assert "url(" not in answer.text
    assert "@import" not in answer.text


@pytest.fixture
def served(api_app: Flask) -> Iterator[str]:
    """Serve the app on a free port, and give its address."""
    server = make_server("127.0.0.1", 0, api_app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page__in_a_browser__fits_and_asks_nothing_outside(
    served: str, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    asked: list[str] = []
    said: list[str] = []
    page = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{served}/docs")
    page.locator("summary").first.press("Enter")  # by keyboard, without script
    assert page.locator("details[open]").count() == 1
    # Everything open, so that the widest line counts.
    page.locator("details").evaluate_all("all => all.forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()
    assert asked == [f"{served}/docs", f"{served}/docs/style.css"]
    assert said == []
