"""Many at once: one wins, the others are told so, nothing is doubled."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from experiments import audit, metrics
from experiments.context import Context
from experiments.db import transaction
from tests import factories
from tests.api.conftest import Answer, Caller, metric_body

THREADS = 5


def at_once(api_app: Flask, api: Caller, call: Callable[[Caller], Answer]) -> list[int]:
    def one(_number: int) -> int:
        return call(Caller(api_app.test_client(), api.key)).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


@pytest.mark.usefixtures("drafted")
def test_start__by_many_at_once__happens_once(
    api_app: Flask, api: Caller, context: Context
) -> None:
    path = f"/experiments/{factories.EXPERIMENT}/actions/start"
    statuses = at_once(api_app, api, lambda caller: caller.post(path))
    assert Counter(statuses) == {200: 1, 409: THREADS - 1}
    with transaction(context.sessions) as session:
        rows = audit.entries(session, subject_key=factories.EXPERIMENT)
        assert [row.action for row in rows].count("experiment.start") == 1
        assert audit.verify(session) == []


def test_creation__same_key_by_many_at_once__is_made_once(
    api_app: Flask, api: Caller, context: Context
) -> None:
    statuses = at_once(
        api_app, api, lambda caller: caller.post("/metrics", metric_body())
    )
    assert Counter(statuses) == {201: 1, 409: THREADS - 1}
    with transaction(context.sessions) as session:
        assert len(metrics.listing(session)) == 1


def test_creation__same_idempotency_key_at_once__answers_all_alike(
    api_app: Flask, api: Caller, context: Context
) -> None:
    headers = {"Idempotency-Key": "once"}
    statuses = at_once(
        api_app,
        api,
        lambda caller: caller.post("/metrics", metric_body(), headers=headers),
    )
    assert Counter(statuses) == {201: THREADS}
    with transaction(context.sessions) as session:
        assert len(metrics.listing(session)) == 1
