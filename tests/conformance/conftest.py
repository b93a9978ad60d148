"""The clients' own evaluators, beside ours."""

from tests.clients.conftest import node

__all__ = ["node"]
