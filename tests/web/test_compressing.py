"""Compression: much smaller where it is safe, and never where a page may echo."""

import gzip

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient
from werkzeug.wrappers import Response as BaseResponse

from web import compressing

LONG = "<p>" + "a sentence that comes again " * 100 + "</p>"
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture
def packed() -> FlaskClient:
    app = Flask("packed")
    compressing.register(app)

    @app.route("/page", methods=["GET", "POST"])
    def page() -> str:
        return LONG

    @app.get("/refused")
    def refused() -> tuple[str, int]:
        return LONG, 404

    @app.get("/short")
    def short() -> str:
        return "short"

    @app.get("/data")
    def data() -> BaseResponse:
        answer = Response(LONG, mimetype="application/json")
        answer.set_etag("v1")
        return answer.make_conditional(request)

    return app.test_client()


@pytest.mark.parametrize("path", ["/page", "/data", "/data?q=words"])
def test_answer__nothing_to_guess_with__is_compressed(
    packed: FlaskClient, path: str
) -> None:
    answer = packed.get(path, headers=GZIP)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < len(LONG) / 10
    assert gzip.decompress(answer.data).decode() == LONG
    assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/page?q=guess"),
        ("POST", "/page"),
        ("GET", "/refused"),
        ("GET", "/short"),
    ],
)
def test_answer__may_echo_or_is_short__is_as_it_is(
    packed: FlaskClient, method: str, path: str
) -> None:
    answer = packed.open(path, method=method, headers=GZIP)
    assert "Content-Encoding" not in answer.headers


def test_answer__client_does_not_ask__is_as_it_is(packed: FlaskClient) -> None:
    answer = packed.get("/page")
    assert answer.text == LONG
    assert answer.headers["Vary"] == "Accept-Encoding"


def test_etag__packed_and_plain__differ_and_both_are_known_again(
    packed: FlaskClient,
) -> None:
    plain = packed.get("/data").headers["ETag"]
    other = packed.get("/data", headers=GZIP).headers["ETag"]
    assert plain != other
    for tag, asked in ((plain, {}), (other, GZIP)):
        again = packed.get("/data", headers={**asked, "If-None-Match": tag})
        assert again.status_code == 304
        assert again.data == b""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_static_file__asked_again_or_in_part__is_right(client: FlaskClient) -> None:
    path = "/static/abide.css"
    whole = client.get(path, buffered=True).data
    answer = client.get(path, headers=GZIP, buffered=True)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == whole
    asked = {**GZIP, "If-None-Match": answer.headers["ETag"]}
    assert client.get(path, headers=asked, buffered=True).status_code == 304
    ranged = {**GZIP, "Range": "bytes=0-99"}
    part = client.get(path, headers=ranged, buffered=True)
    assert part.status_code == 206
    assert part.data == whole[:100]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/sign-in"])
def test_public_answers__asked_for__are_compressed(
    client: FlaskClient, path: str
) -> None:
    answer = client.get(path, headers=GZIP, buffered=True)
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Content-Security-Policy" in answer.headers
