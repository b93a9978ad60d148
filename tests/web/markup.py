"""Reading a page as a browser without script does: its forms and their values."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from typing_extensions import override

Attributes = dict[str, str | None]


@dataclass(slots=True)
class FormMarkup:
    """One form: where it goes, what it would send, and its tags by id."""

    action: str
    values: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    by_id: dict[str, Attributes] = field(default_factory=dict)

    def sent(self, **changes: str) -> dict[str, list[str]]:
        """Give what pressing a button sends, with some values changed."""
        found: dict[str, list[str]] = {}
        for name, value in self.values:
            found.setdefault(name, []).append(value)
        return found | {name: [value] for name, value in changes.items()}


class _Reader(HTMLParser):
    """Collects the forms of a page, and the text of elements with an id."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[FormMarkup] = []
        self.texts: dict[str, str] = {}
        self._form: FormMarkup | None = None
        self._open: list[tuple[str, str | None]] = []
        self._select: str = ""
        self._options: list[tuple[str, bool]] = []
        self._textarea: str | None = None
        self._typed = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in {"input", "br", "hr", "meta", "link", "rect", "path"}:
            self._open.append((tag, found.get("id")))
        if tag == "form":
            self._form = FormMarkup(found.get("action") or "")
            self.forms.append(self._form)
        if self._form is None:
            return
        if found.get("id"):
            self._form.by_id[str(found["id"])] = found
        name = found.get("name") or ""
        if tag == "input" and name:
            self._take_input(name, found)
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option":
            value = found.get("value") or ""
            self._options.append((value, "selected" in found))
        elif tag == "textarea":
            self._textarea, self._typed = name, ""
        elif tag == "button" and name:
            self._form.buttons.append((name, found.get("value") or ""))

    def _take_input(self, name: str, found: Attributes) -> None:
        assert self._form is not None
        is_choice = found.get("type") in {"radio", "checkbox"}
        if not is_choice or "checked" in found:
            self._form.values.append((name, found.get("value") or ""))

    @override
    def handle_endtag(self, tag: str) -> None:
        if self._form is not None and tag == "select":
            chosen = [value for value, is_selected in self._options if is_selected]
            first = [value for value, _ in self._options[:1]]
            self._form.values += [(self._select, v) for v in (chosen or first)[:1]]
        if self._form is not None and tag == "textarea" and self._textarea is not None:
            # The parser of a browser drops the first line end.
            text = self._typed.removeprefix("\r").removeprefix("\n")
            self._form.values.append((self._textarea, text))
            self._textarea = None
        if tag == "form":
            self._form = None
        if tag in {name for name, _ in self._open}:
            while self._open.pop()[0] != tag:
                pass

    @override
    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._typed += data
        for _, name in self._open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data


def read_page(text: str) -> tuple[list[FormMarkup], dict[str, str]]:
    """Read the forms of a page, and the text of each element with an id."""
    reader = _Reader()
    reader.feed(text)
    return reader.forms, reader.texts


def main_form(text: str, button: str | None = None) -> FormMarkup:
    """Find the largest form of a page, or the one with a certain button."""
    forms, _ = read_page(text)
    if button is not None:
        forms = [f for f in forms if button in {value for _, value in f.buttons}]
    return max(forms, key=lambda form: len(form.values))


def form_to(text: str, action: str) -> FormMarkup:
    """Find the form of a page that is sent to an address."""
    return next(form for form in read_page(text)[0] if form.action == action)


def text_of(page: str) -> str:
    """Read a page's words: no tags, no drawings."""
    page = re.sub(r"<svg.*?</svg>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
