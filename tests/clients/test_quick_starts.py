"""The quick starts of docs/api.md run as they stand, and are the page's own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.ruleset_values import Ruleset
from experiments.vocabulary import ParameterType
from tests import rulesets
from tests.clients import shop as shops
from tests.clients.conftest import TOOLS, Node
from tests.clients.shop import Customer
from tests.servers import RunningServer
from web.presenters.quick_starts import CUSTOMER, Flag, quick_starts

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
URL = "https://abide.example.com"
FLAG = Flag(
    "first-week-checklist",
    ParameterType.STRING,
    "control",
    {"lifecycle": "new", "company_size": "small"},
)
COMMANDS = {"sh": ["sh"], "python": [sys.executable, "-W", "error"], "js": ["node"]}


def blocks() -> list[tuple[str, str]]:
    """Read language and code of each quick start out of the page."""
    section = PAGE.read_text().split("## Quick starts")[1].split("\n## ")[0]
    return re.findall(r"```(sh|python|js)\n(.*?)```", section, re.DOTALL)


def test_page__quick_starts__are_those_of_an_experiments_page() -> None:
    written = [snippet.code.rstrip() for snippet in quick_starts(FLAG, URL)]
    assert [code.rstrip() for _, code in blocks()] == written
    assert [language for language, _ in blocks()] == [
        "sh",
        "python",
        "js",
        "python",
        "js",
    ]


@pytest.mark.usefixtures("node")
@pytest.mark.parametrize("number", range(5))
def test_quick_start__run_as_it_stands__gets_the_customers_variant(
    shop: RunningServer, ruleset: Ruleset, number: int
) -> None:
    language, code = blocks()[number]
    right = shops.expected(ruleset, Customer(CUSTOMER, FLAG.attributes))[FLAG.key]
    assert right.in_experiment

    done = subprocess.run(  # noqa: S603  # our own documentation
        COMMANDS[language],
        input=code.replace(URL, shop.base_url),
        env={
            **os.environ,
            "ABIDE_SERVER_KEY": rulesets.SERVER,
            "ABIDE_CLIENT_KEY": rulesets.CLIENT,
            "NODE_PATH": str(TOOLS),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert str(right.variant) in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (ParameterType.BOOLEAN, False),
        (ParameterType.INTEGER, 3),
        (ParameterType.FLOAT, 1.0),
        (ParameterType.JSON, {"a": None, "b": [True, "é\"'"]}),
        (ParameterType.STRING, 'it\'s "é" \\ </script>'),
    ],
)
def test_quick_starts__any_default__are_code(
    node: Node, kind: ParameterType, default: object
) -> None:
    flag = Flag("a-flag", kind, default, {"o'clock": "..."})
    for snippet in quick_starts(flag, URL):
        if "Python" in snippet.title:
            compile(snippet.code, snippet.title, "exec")
        elif "JavaScript" in snippet.title:
            assert node("parses.js", {"code": snippet.code}) is True
