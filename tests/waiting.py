"""Waiting for what another thread or process does, with a limit."""

import time
from collections.abc import Callable

import pytest


def wait_until(holds: Callable[[], bool], seconds: float = 5.0) -> float:
    """Wait until something holds.

    Args:
        holds: asked every 10 ms.
        seconds: the test fails when it takes longer.

    Returns:
        How many seconds it took.
    """
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            pytest.fail(f"did not happen within {seconds} s")
        time.sleep(0.01)
    return time.monotonic() - began
