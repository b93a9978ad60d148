"""What is at no address: programs get JSON, whichever pool is asked."""

from collections.abc import Iterable

import pytest
from werkzeug.test import Client

from abide import create_flask_app
from api import doors, front
from api.doors import Gate
from experiments.context import Context
from experiments.ruleset_mirror import RulesetMirror

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NOWHERE = ["/api", "/api/", "/api/v2", "/api/v1/nope", "/ofrep/v2/x", "/v1", "/v1/nope"]


@pytest.fixture(params=["all", "assign", "app"])
def caller(
    request: pytest.FixtureRequest, context: Context, monkeypatch: pytest.MonkeyPatch
) -> Client:
    # Its thread would go on asking when the test is over.
    monkeypatch.setattr(RulesetMirror, "start", RulesetMirror.copy)
    pool: str = request.param
    app = None if pool == "assign" else create_flask_app(context)
    return Client(front.build(context, app, doors_too=pool != "app"))


@ON_SQLITE
@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_nowhere__any_pool__is_told_in_the_error_shape(
    caller: Client, method: str, path: str
) -> None:
    answer = caller.open(path, method=method, buffered=True)
    assert answer.status_code == 404
    assert answer.mimetype == "application/json"
    assert set(answer.get_json()) == {"code", "message", "fields"}
    assert answer.get_json()["code"] == "not_found"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "method"), [("/v1/batch", "GET"), ("/api/v1/experiments", "PATCH")]
)
def test_wrong_method__any_pool__is_told_in_the_error_shape(
    caller: Client, path: str, method: str
) -> None:
    answer = caller.open(path, method=method, buffered=True)
    assert answer.status_code in {404, 405}  # 404 where the pool serves other doors
    assert answer.mimetype == "application/json"
    assert set(answer.get_json()) == {"code", "message", "fields"}
    assert (answer.status_code == 405) == ("Allow" in answer.headers)


@ON_SQLITE
def test_nowhere__for_people__is_a_page(context: Context) -> None:
    app = create_flask_app(context)
    answer = Client(app).get("/apiary")
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/x", "application/json"),
        ("/ofrep/v1/x", "application/json"),
        ("/v1/x", "application/json"),
        ("/experiments", "text/plain; charset=utf-8"),
    ],
)
def test_full_app__programs_and_people__each_read_it_in_their_way(
    path: str, kind: str
) -> None:
    def never(*_: object) -> Iterable[bytes]:
        pytest.fail("the app is full")

    mounted = doors.mount(never, [], trusted_hosts=["localhost"], app_gate=Gate(0))
    answer = Client(mounted).get(path)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == kind
