"""One word for one thing (promise U13): the glossary against every page's words."""

import re
from functools import cache
from pathlib import Path

from tests.house import page_words

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


@cache
def _glossary() -> dict[str, tuple[str, ...]]:
    page = (ROOT / "docs" / "glossary.md").read_text()
    rows = [row for row in _ROW.findall(page) if row[0] not in {"term", "---"}]
    never = page.partition("Never, outside the table for analysts:")[2]
    return {
        term: tuple(word.strip() for word in words.split(","))
        for term, _, words in [*rows, ("plain words", "", never.strip().rstrip("."))]
    }


def faults(texts: list[page_words.Said]) -> list[str]:
    """Name each word that has another in the glossary, with its place."""
    instead = {
        re.sub(r"\s+", " ", word).lower(): term
        for term, words in _glossary().items()
        for word in words
    }
    longest_first = sorted(instead, key=len, reverse=True)
    pattern = re.compile(
        rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))})(?![\w-])",
        re.IGNORECASE,
    )
    return [
        f'{said.file}:{said.line}: "{found[1]}" is "{instead[found[1].lower()]}" here'
        for said in texts
        for found in pattern.finditer(said.text)
    ]


def test_glossary__forty_terms__are_in_order_and_forbid_none_of_their_own() -> None:
    terms = [term for term in _glossary() if term != "plain words"]
    assert len(terms) >= 40
    assert terms == sorted(terms)
    forbidden = {word for words in _glossary().values() for word in words}
    assert forbidden & set(terms) == set()


def test_templates__words__are_those_of_the_glossary() -> None:
    texts = list(page_words.of_templates())
    assert len(texts) > 1_000
    assert faults(texts) == []


def test_sentences__words__are_those_of_the_glossary() -> None:
    texts = list(page_words.of_sentences())
    assert len(texts) > 1_000
    assert faults(texts) == []


def test_faults__planted_words__are_found_at_their_lines() -> None:
    source = (
        "{# users in a comment #}\n<p>\nThe {{ user.id }}\nUsers won</p>\n"
        '{{ hint("Choose an audience") }}\n<a class="arm" aria-label="Log in">x</a>\n'
        "<code>email</code>"
    )
    found = [
        page_words.Said("page.html", line, text)
        for line, text in page_words.template_texts(source)
    ]
    assert sorted(faults(found)) == [
        'page.html:4: "Users" is "people" here',
        'page.html:5: "audience" is "segment" here',
        'page.html:6: "Log in" is "sign in" here',
    ]
    module = '"""Users."""\nWORDS = {"user": "user", "x": f"Two arms {1}"}\n'
    said = [page_words.Said("m.py", *text) for text in page_words.module_texts(module)]
    assert faults(said) == ['m.py:2: "arms" is "variant" here']
