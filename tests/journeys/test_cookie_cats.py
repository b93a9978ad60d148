"""Real players, real servers: registered over the API, sent as events, read as a page.

Expected: reference records cookie.retention_7.*, cookie.retention_1.diff, cookie.srm,
whose published figures are 19.02 % and 18.20 % on day 7.
"""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from experiments import sign_in_links
from experiments.context import open_context
from experiments.db import transaction
from tests.company import Company, found_company
from tests.journeys import cookie_cats
from tests.servers import RunningServer, running_server

BATCH = 1500  # messages; stays below the 500 KB that a request may have

pytestmark = [pytest.mark.journey, pytest.mark.browser]


def register(server: RunningServer, company: Company) -> None:
    key = cookie_cats.KEY
    bodies = [
        ("segments", cookie_cats.SEGMENT),
        *(("metrics", metric) for metric in cookie_cats.METRICS),
        ("hypotheses", cookie_cats.HYPOTHESIS),
        ("experiments", cookie_cats.EXPERIMENT),
        (f"experiments/{key}/actions/start", {"reason": "It ran in the game itself."}),
    ]
    for path, body in bodies:
        status, answer = server.request(
            "POST", f"/api/v1/{path}", body, key=company.admin
        )
        assert status in {200, 201}, (path, status, answer)


def batches(reference_data: Path) -> Iterator[list[dict[str, Any]]]:
    messages = (
        message
        for player in cookie_cats.players(reference_data)
        for message in cookie_cats.messages(player)
    )
    while batch := list(islice(messages, BATCH)):
        yield batch


def send(server: RunningServer, company: Company, reference_data: Path) -> int:
    """Send all events over one connection; give their number."""
    sent = 0
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {company.write}",
        "Content-Type": "application/json",
    }
    for batch in batches(reference_data):
        body = json.dumps({"batch": batch}).encode()
        # The inbox may be full for a moment; a client waits and sends it again.
        while (status := post(connection, body, headers)) == 429:
            time.sleep(0.5)
        assert status == 200
        sent += len(batch)
    connection.close()
    return sent


def post(
    connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str]
) -> int:
    connection.request("POST", "/v1/batch", body, dict(headers))
    answer = connection.getresponse()
    answer.read()
    return answer.status


def analyse(environ: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "abide", "analyse", cookie_cats.KEY],
        env=dict(environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sign_in_link(server: RunningServer) -> str:
    context = open_context(server.environ)
    with transaction(context.sessions) as session:
        token = sign_in_links.create(session, 1, context.now())
    context.sessions.kw["bind"].dispose()
    return f"{server.base_url}/sign-in/link?token={token}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_cookie_cats__from_registration_to_page__gives_the_published_numbers(
    environ: dict[str, str], browser: Browser, reference_data: Path
) -> None:
    company = found_company(environ)
    with running_server(environ) as server:
        walk(server, company, browser, reference_data)


def walk(
    server: RunningServer, company: Company, browser: Browser, reference_data: Path
) -> None:
    register(server, company)
    # One exposure each; 40,153 came back on day 1 and 16,781 on day 7.
    sent = send(server, company, reference_data)
    assert sent == cookie_cats.PLAYERS + 40_153 + 16_781
    said = analyse(server.environ)
    assert "Day-7 retention fell by 0.82 points" in said

    path = f"/api/v1/experiments/{cookie_cats.KEY}/results"
    status, run = server.request("GET", path, key=company.admin)
    assert status == 200
    assert run["phase"] == "final"
    assert run["verdict"] == "do_not_ship"
    results = {row["metric"]: row["outcome"] for row in run["results"]}
    day_7, day_1 = results["day-7-retention"], results["day-1-retention"]
    assert day_7["control"]["value"] == pytest.approx(0.19020, abs=5e-6)
    assert day_7["treatment"]["value"] == pytest.approx(0.18200, abs=5e-6)
    assert day_7["effect"] == pytest.approx(-0.008201, abs=5e-7)
    ends = (day_7["interval"]["low"], day_7["interval"]["high"])
    assert ends == pytest.approx((-0.01328, -0.00312), abs=5e-6)
    assert day_7["p_value"] == pytest.approx(0.00155, abs=5e-6)
    assert day_7["lift"]["value"] == pytest.approx(-0.0431, abs=5e-5)
    assert day_1["p_value"] == pytest.approx(0.0744, abs=5e-5)
    checks = {check["name"]: check for check in run["checks"]}
    assert checks["sample_ratio"]["state"] == "notice"
    assert checks["sample_ratio"]["facts"]["p_value"] == pytest.approx(0.0086, abs=5e-5)
    assert not [c for c in run["checks"] if c["state"] == "failed"]

    page = browser.new_page()
    page.goto(sign_in_link(server))
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{server.base_url}/experiments/{cookie_cats.KEY}/results")
    text = page.inner_text("main")
    page.close()
    assert "Do not ship" in text
    assert "Day-7 retention fell by 0.82 points" in text
    assert "19.0" in text
    assert "18.2" in text
    assert "50.4 % of customers got gate_40 where 50.0 % was planned" in text
