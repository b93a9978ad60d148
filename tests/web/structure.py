"""The outline of a page as a screen reader meets it, and what is wrong with it."""

from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree.ElementTree import Element, TreeBuilder

from typing_extensions import override

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
UNLABELLED = {"hidden", "submit", "button", "reset", "image"}
REFERENCES = ("aria-labelledby", "aria-describedby", "aria-controls", "for")


class _Tree(HTMLParser):
    """Builds a tree; the house's templates close every tag they open."""

    def __init__(self) -> None:
        super().__init__()
        self.builder = TreeBuilder()
        self.open: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.builder.start(tag, found)
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    @override
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        line, _ = self.getpos()
        opened = self.open.pop() if self.open else "nothing"
        assert opened == tag, f"line {line} closes {tag} where {opened} is open"
        self.builder.end(tag)

    @override
    def handle_data(self, data: str) -> None:
        if self.open:
            self.builder.data(data)


def tree_of(text: str) -> Element:
    """Read a page into a tree.

    Raises:
        AssertionError: the page closes a tag that is not open.
    """
    reader = _Tree()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader.builder.close()


def words_of(element: Element) -> str:
    """Give all text within an element, with single blanks."""
    return " ".join("".join(element.itertext()).split())


def faults(page: Element) -> list[str]:
    """Say what a screen reader would stumble over, all of it."""
    parents = {child: parent for parent in page.iter() for child in parent}
    ids = Counter(each.get("id") for each in page.iter() if each.get("id"))
    return [
        *(f"id {name} is there {n} times" for name, n in ids.items() if n > 1),
        *_headings(page),
        *_landmarks(page),
        *_references(page, set(ids)),
        *(fault for table in page.iter("table") for fault in _table(table, parents)),
        *_pictures(page, parents),
        *_fields(page, parents),
        *_controls(page),
    ]


def _headings(page: Element) -> Iterator[str]:
    found = [each for each in page.iter() if each.tag in HEADINGS]
    levels = [int(each.tag[1]) for each in found]
    if levels.count(1) != 1:
        yield f"{levels.count(1)} h1"
    if levels[:1] != [1]:
        yield f"begins with h{levels[0] if levels else '-'}"
    for one, other in pairwise(found):
        if int(other.tag[1]) > int(one.tag[1]) + 1:
            yield f"{one.tag} {words_of(one)} is followed by {other.tag}"
    yield from (f"empty {each.tag}" for each in found if not words_of(each))


def _landmarks(page: Element) -> Iterator[str]:
    counts = Counter(each.tag for each in page.iter())
    for tag in ("main", "title"):
        if counts[tag] < 1:
            yield f"no {tag}"
    if counts["main"] > 1:
        yield "more than one main"
    if not page.get("lang"):
        yield "no language"
    for nav in page.iter("nav"):
        if not nav.get("aria-label"):
            yield f"nav without a name: {words_of(nav)}"


def _references(page: Element, ids: set[str | None]) -> Iterator[str]:
    for each in page.iter():
        for name in REFERENCES:
            for target in each.get(name, "").split():
                if target not in ids:
                    yield f"{each.tag} {name}={target} leads nowhere"


def _table(table: Element, parents: dict[Element, Element]) -> Iterator[str]:
    caption = table.find("caption")
    named = table.get("aria-label") or table.get("aria-labelledby")
    if not named and (caption is None or not words_of(caption)):
        yield f"table without a caption: {words_of(table)[:60]}"
    heads = list(table.iter("th"))
    if not heads:
        yield f"table without th: {words_of(table)[:60]}"
    for head in heads:
        if not head.get("scope"):
            yield f"th without scope: {words_of(head)}"
        if head.get("scope") == "col" and not words_of(head):
            yield f"column without a title in: {words_of(table)[:60]}"
    for row in table.iter("tr"):
        in_body = parents[row].tag == "tbody"
        if in_body and len(row) > 1 and not row.findall("th"):
            yield f"row without a th: {words_of(row)[:60]}"


def _is_inside(
    each: Element, parents: dict[Element, Element], attribute: str, value: str
) -> bool:
    while each in parents:
        each = parents[each]
        if each.get(attribute) == value:
            return True
    return False


def _pictures(page: Element, parents: dict[Element, Element]) -> Iterator[str]:
    for each in page.iter():
        is_named = each.get("aria-label") or each.get("aria-labelledby")
        if each.tag == "img" and each.get("alt") is None:
            yield f"img without alt: {each.get('src')}"
        if each.tag != "img" and each.get("role") == "img" and not is_named:
            yield f"picture without a name in {words_of(parents[each])[:60]}"
        if each.tag != "svg" or each.get("role") == "img":
            continue
        is_hidden = each.get("aria-hidden") == "true" or _is_inside(
            each, parents, "aria-hidden", "true"
        )
        if not is_hidden and not _is_inside(each, parents, "role", "img"):
            yield f"svg is neither hidden nor named: {each.attrib}"
        if each.get("class") == "icon" and not words_of(parents[each]):
            yield f"icon without a word: {parents[each].attrib}"


def _fields(page: Element, parents: dict[Element, Element]) -> Iterator[str]:
    labels = {each.get("for") for each in page.iter("label") if words_of(each)}
    for each in page.iter():
        if each.tag not in {"input", "select", "textarea"}:
            continue
        is_unseen = each.get("hidden") is not None
        if is_unseen or each.get("type") in UNLABELLED:
            continue
        is_named = each.get("aria-label") or each.get("aria-labelledby")
        around = each
        while around in parents and around.tag != "label":
            around = parents[around]
        is_within = around.tag == "label" and words_of(around)
        if not (is_named or is_within or each.get("id") in labels):
            yield f"field without a label: {each.get('name')}"


def _controls(page: Element) -> Iterator[str]:
    for each in page.iter():
        is_link = each.tag == "a" and each.get("href") is not None
        if is_link or each.tag in {"button", "summary", "legend", "label"}:
            is_named = each.get("aria-label") or words_of(each)
            if not is_named:
                yield f"{each.tag} without words: {each.attrib}"
        first = each[0].tag if len(each) else None
        if each.tag == "fieldset" and first != "legend":
            yield f"fieldset without a legend: {words_of(each)[:60]}"
        if each.tag == "details" and first != "summary":
            yield f"details without a summary: {words_of(each)[:60]}"
