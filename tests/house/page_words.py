"""The words that people read, with the file and line each stands in."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
# Python whose texts reach a page, a print, a mail or an error; the API's
# descriptions and the statistics speak to programmers.
SENTENCES = (
    "abide.py",
    "analysis/*.py",
    "analysis/certificates/*.py",
    "analysis/health/*.py",
    "experiments/**/*.py",
    "web/**/*.py",
)
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_CODE = re.compile(r"<(script|style|code|pre)\b.*?</\1>", re.DOTALL)
_JINJA = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"<[^>]*>", re.DOTALL)
_READ_ALOUD = re.compile(r'\b(?:aria-label|alt|title|placeholder)="([^"]*)"')
_COMMAND = re.compile(r"abide user \w+( EMAIL)?")
_QUOTED = re.compile(r'"([^"]*)"|\'([^\']*)\'')


class Said(NamedTuple):
    """A text and where it begins."""

    file: str
    line: int
    text: str


def of_templates() -> Iterator[Said]:
    """Give each text of the templates, and each quoted one in their code."""
    for path in sorted((ROOT / "web" / "templates").rglob("*.*")):
        for line, text in template_texts(path.read_text()):
            yield Said(str(path.relative_to(ROOT)), line, text)


def of_sentences() -> Iterator[Said]:
    """Give each string with a blank in it of the modules that write sentences."""
    for pattern in SENTENCES:
        for path in sorted(ROOT.glob(pattern)):
            for line, text in module_texts(path.read_text()):
                yield Said(str(path.relative_to(ROOT)), line, text)


def template_texts(source: str) -> Iterator[tuple[int, str]]:
    """Take a template apart into what is read, by line."""
    source = _blanked(_CODE, _blanked(_COMMENT, source))
    for found in _JINJA.finditer(source):
        for quoted in _QUOTED.finditer(found[0]):
            text = quoted[1] or quoted[2] or ""
            if _is_sentence(text):
                yield _line(source, found.start() + quoted.start()), text
    source = _blanked(_JINJA, source)
    for found in _READ_ALOUD.finditer(source):
        yield _line(source, found.start()), found[1]
    for number, line in enumerate(_blanked(_TAG, source).splitlines(), 1):
        if line.strip():
            yield number, line.strip()


def module_texts(source: str) -> Iterator[tuple[int, str]]:
    """Find the strings of a module that are sentences or titles."""
    tree = ast.parse(source)
    aside = {
        id(node.value)
        for node in ast.walk(tree)
        # Docstrings are for programmers.
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        if id(node) in aside or not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str) and _is_sentence(node.value):
            yield node.lineno, _COMMAND.sub("", node.value)


def _is_sentence(text: str) -> bool:
    # A single word in small letters is a name in code; "Users" would be a title.
    return " " in text.strip() or text[:1].isupper()


def _blanked(pattern: re.Pattern[str], source: str) -> str:
    """Take something out and keep the lines where they are."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)


def _line(source: str, place: int) -> int:
    return source.count("\n", 0, place) + 1
