"""People who are signed in, and what they need to see on the pages."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from experiments import sign_in_links
from experiments.context import Context
from experiments.db import transaction
from experiments.vocabulary import PersonRole
from tests.factories import PASSWORD, make_person

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
BASE = "http://127.0.0.1:8000"


FORM = "multipart/form-data; boundary=part"


def form_with_file(fields: Mapping[str, str], content: bytes, name: str) -> bytes:
    """Write a form as browsers send one with a file; see FORM for its type.

    The framework's own client would put a large one into a temporary file.
    """
    head = "--part\r\nContent-Disposition: form-data; name="
    parts = "".join(f'{head}"{key}"\r\n\r\n{text}\r\n' for key, text in fields.items())
    file = f'{head}"file"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n'
    return (parts + file).encode() + content + b"\r\n--part--\r\n"


class Visitor:
    """A browser without script: it keeps cookies and sends tokens it was given."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, *, follow: bool = False) -> TestResponse:
        return self.client.get(path, base_url=BASE, follow_redirects=follow)

    def token(self, path: str = "/sign-in") -> str:
        found = TOKEN.search(self.get(path, follow=True).text)
        assert found is not None
        return found.group(1)

    def post(
        self, path: str, data: Mapping[str, Any] | None = None, *, follow: bool = False
    ) -> TestResponse:
        sent = {"csrf_token": self.token(), **(data or {})}
        return self.client.post(path, data=sent, base_url=BASE, follow_redirects=follow)

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        return self.post("/sign-in", {"email": email, "password": password})


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Pages are not about storage: one database is enough."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app.test_client())


@pytest.fixture
def signed_in(app: Flask, context: Context) -> Callable[..., Visitor]:
    """Make a person of a role and sign them in, each in a browser of their own."""

    def sign_in(
        role: PersonRole = PersonRole.EDITOR, name: str | None = None
    ) -> Visitor:
        name = name or role.value.capitalize()
        with transaction(context.sessions) as session:
            person = make_person(session, name, role)
            token = sign_in_links.create(session, person.id, context.now())
        visitor = Visitor(app.test_client())
        # By link, without a password: hashing one is slow on purpose.
        answer = visitor.post("/sign-in/link", {"token": token}, follow=True)
        assert "Choose a password" in answer.text
        return visitor

    return sign_in
