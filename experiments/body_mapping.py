"""A connector's mapping: which facts a webhook's body holds, declared, never coded.

`facts` lists what may be in a body: `event` names it, `when` says for which bodies,
and the other fields say where its parts stand. `skip` lists bodies that hold none. A
part is a path; or {"at": path or paths, "table": {...}}, where the first path that
holds something counts and the table says what its text means; or {"is": constant}.
`when` asks paths for a value, for one of several, or for {"exists": true}.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from experiments import json_paths
from experiments.field_faults import Faults
from experiments.json_paths import Path, PathFault, text_of

MAX_FACTS = 20
MAX_LINES = 50  # of a table, of values in a condition, of conditions
PARTS = (
    "customer",
    "anonymous",
    "score",
    "scale",
    "survey",
    "comment",
    "value",
    "occurred_at",
    "message_id",
)
_FIELDS = {"event", "when", *PARTS}
_OPTIONAL = frozenset({"anonymous", "survey", "comment", "value"})
_UNIX_MILLISECONDS_FROM = 100_000_000_000  # as seconds, the year 5138
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Condition:
    """What must stand at a path: one of `values` (None: nothing), or anything."""

    path: Path
    values: frozenset[str | None] = frozenset()
    exists: bool | None = None

    def holds(self, document: object) -> bool:
        """Whether it does."""
        found = self.path.read(document)
        if self.exists is not None:
            return (found is not None) == self.exists
        return text_of(found) in self.values


Conditions = tuple[Condition, ...]


class Unmapped(Exception):  # noqa: N818  # a finding, not a failure
    """Why a body gives no facts; the detail never quotes the body."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Part:
    """Where a part of a fact comes from.

    Attributes:
        paths: asked in order; none for a constant.
        constant: what it always is.
        table: text in the body -> what it means; None when it is taken as it is.
    """

    paths: tuple[Path, ...] = ()
    constant: object = None
    table: Mapping[str, object] | None = None

    def read(self, document: object, name: str) -> object:
        """Give the part, None when the body does not have it.

        Args:
            document: the body.
            name: of the part, for the words.

        Returns:
            A plain value.

        Raises:
            Unmapped: what stands there is no plain value, or not in the table.
        """
        if not self.paths:
            return self.constant
        found = next(
            (v for path in self.paths if (v := path.read(document)) not in (None, "")),
            None,
        )
        if found is None:
            return None
        text = text_of(found)
        if text is None:
            raise Unmapped(f"{name}: what stands at {self.where} is no plain value.")
        if self.table is None:
            return found
        if text not in self.table:
            raise Unmapped(
                f"{name}: the table has no line for what {self.where} holds."
            )
        return self.table[text]

    @property
    def where(self) -> str:
        """Name the places that are asked."""
        return " or ".join(path.text for path in self.paths) or "the mapping"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact that a body may hold."""

    event: str
    when: Conditions
    parts: Mapping[str, Part]

    def message(self, document: object, fingerprint: str) -> dict[str, Any]:
        """Read the fact out of a body, as an event message.

        Args:
            document: the body.
            fingerprint: of its delivery or its bytes; names it where it does not.

        Returns:
            A message as `experiments.events` reads it.
        """
        read: dict[str, Any] = {}
        for name, part in self.parts.items():
            value = part.read(document, name)
            if value is None and name not in _OPTIONAL:
                raise Unmapped(f"{name}: nothing stands at {part.where}.")
            if value is not None:
                read[name] = _READERS[name](value, name, part)
        identity = read.pop("message_id", fingerprint)
        names = {"customer": "userId", "anonymous": "anonymousId"}
        found = {names[n]: read.pop(n) for n in names if n in read}
        if "occurred_at" in read:
            found["timestamp"] = read.pop("occurred_at").isoformat()
        named = f"{self.event}\x1f{identity}".encode("utf-8", "replace")
        return {
            "type": "track",
            "event": self.event,
            "messageId": f"hook-{hashlib.sha256(named).hexdigest()[:40]}",
            **found,
            "properties": read,
        }


@dataclass(frozen=True, slots=True)
class BodyMapping:
    """A mapping, ready to read bodies with."""

    facts: tuple[Fact, ...] = ()
    skip: tuple[Conditions, ...] = ()

    def messages(
        self, document: object, body: bytes, delivery: str | None = None
    ) -> list[dict[str, Any]]:
        """Read all facts of a body.

        Args:
            document: the body, as JSON reads it.
            body: its bytes.
            delivery: what its sender calls it each time; None where it does not say.

        Returns:
            Messages; none when the mapping says that such a body holds no fact.

        Raises:
            Unmapped: the mapping does not fit.
        """
        fitting = [fact for fact in self.facts if _hold(fact.when, document)]
        if not fitting and not any(_hold(when, document) for when in self.skip):
            raise Unmapped("No fact of the mapping is for such a body.")
        fingerprint = delivery or hashlib.sha256(body).hexdigest()
        return [fact.message(document, fingerprint) for fact in fitting]


def parse(document: object) -> BodyMapping:
    """Read a mapping, or refuse it with every fault by field.

    Args:
        document: JSON as Python reads it.

    Returns:
        The mapping.
    """
    faults = Faults()
    found = _Reader(faults).mapping(document)
    faults.raise_if_any("This mapping cannot be used yet.")
    return found


def _hold(when: Conditions, document: object) -> bool:
    return all(condition.holds(document) for condition in when)


@dataclass
class _Reader:
    """Reads a mapping's JSON, and notes faults as it goes."""

    faults: Faults

    def mapping(self, document: object) -> BodyMapping:
        given = self._object("mapping", document, {"facts", "skip"})
        facts = list(self._items("mapping.facts", given.get("facts"), MAX_FACTS))
        skip = list(self._items("mapping.skip", given.get("skip", []), MAX_FACTS))
        if not facts and not self.faults.fields:
            self.faults.add("mapping.facts", "List at least one fact.")
        return BodyMapping(
            tuple(self._fact(name, one) for name, one in facts),
            tuple(self._when(name, one) for name, one in skip),
        )

    def _fact(self, field: str, given: object) -> Fact:
        said = self._object(field, given, _FIELDS)
        event = said.get("event")
        if not isinstance(event, str):
            self.faults.add(f"{field}.event", "Name the event, as in CSAT Submitted.")
        else:
            self.faults.text(f"{field}.event", event, 200, "the name of the event")
        if "customer" not in said and "anonymous" not in said:
            self.faults.add(f"{field}.customer", "Say where the customer's id stands.")
        parts = {
            name: self._part(f"{field}.{name}", said[name])
            for name in PARTS
            if name in said
        }
        when = self._when(f"{field}.when", said.get("when", {}))
        return Fact(str(event), when, parts)

    def _when(self, field: str, given: object) -> Conditions:
        if not isinstance(given, dict) or len(given) > MAX_LINES:
            self.faults.add(
                field, 'Give an object of paths and values, as in {"type": ["ping"]}.'
            )
            return ()
        return tuple(
            self._condition(f"{field}.{path}", path, asked)
            for path, asked in given.items()
        )

    def _condition(self, field: str, path: str, asked: object) -> Condition:
        where = self._path(field, path)
        if isinstance(asked, dict):
            exists = asked.get("exists")
            if len(asked) != 1 or not isinstance(exists, bool):
                self.faults.add(field, 'Give values, or {"exists": true}.')
            return Condition(where, exists=bool(exists))
        values = asked if isinstance(asked, list) else [asked]
        plain = all(value is None or text_of(value) is not None for value in values)
        if not plain or not 0 < len(values) <= MAX_LINES:
            self.faults.add(field, f"Give one to {MAX_LINES} texts or numbers.")
        return Condition(where, frozenset(text_of(value) for value in values))

    def _part(self, field: str, given: object) -> Part:
        if isinstance(given, str):
            return Part((self._path(field, given),))
        if isinstance(given, (int, float)) and not isinstance(given, bool):
            return Part(constant=given)
        said = self._object(field, given, {"at", "table", "is"})
        if ("at" in said) == ("is" in said):
            self.faults.add(field, 'Give a path, {"at": path} or {"is": constant}.')
            return Part()
        if "is" in said:
            return Part(constant=self._plain(field, said["is"]))
        at = said["at"] if isinstance(said["at"], list) else [said["at"]]
        if not 0 < len(at) <= MAX_LINES:
            self.faults.add(field, "Give at least one path.")
        paths = tuple(self._path(field, path) for path in at)
        return Part(paths, table=self._table(field, said.get("table")))

    def _table(self, field: str, given: object) -> Mapping[str, object] | None:
        if given is None:
            return None
        if not isinstance(given, dict) or not 0 < len(given) <= MAX_LINES:
            self.faults.add(
                field, f'Give a table of 1 to {MAX_LINES} lines, as in {{"good": 2}}.'
            )
            return None
        return {text: self._plain(field, value) for text, value in given.items()}

    def _plain(self, field: str, value: object) -> object:
        if text_of(value) is None:
            self.faults.add(field, "A constant must be a text or a number.")
        return value

    def _path(self, field: str, given: object) -> Path:
        try:
            return json_paths.parse(given if isinstance(given, str) else "")
        except PathFault as fault:
            self.faults.add(field, str(fault))
            return Path("", ())

    def _object(self, field: str, given: object, known: set[str]) -> dict[str, Any]:
        if not isinstance(given, dict):
            self.faults.add(field, "Send an object, in braces.")
            return {}
        for name in sorted(given.keys() - known):
            self.faults.add(
                f"{field}.{name}",
                f"There is no such field; there are {', '.join(sorted(known))}.",
            )
        return {name: value for name, value in given.items() if name in known}

    def _items(
        self, field: str, given: object, most: int
    ) -> Iterator[tuple[str, object]]:
        if not isinstance(given, list) or len(given) > most:
            self.faults.add(field, f"Give a list of at most {most}.")
            return
        for number, item in enumerate(given):
            yield f"{field}.{number}", item


def _identifier(value: object, name: str, part: Part) -> object:
    if isinstance(value, (bool, float)):
        raise Unmapped(f"{name}: what stands at {part.where} is no id.")
    return value


def _number(value: object, name: str, part: Part) -> object:
    try:
        return value if isinstance(value, bool) else float(str(value))
    except ValueError:
        raise Unmapped(
            f"{name}: what stands at {part.where} is no number; give it a table."
        ) from None


def _scale(value: object, name: str, part: Part) -> object:
    """Take the highest score, or both ends as the text "1-7"."""
    if isinstance(value, str) and "-" in value:
        return value
    return _number(value, name, part)


def _text(value: object, _name: str, _part: Part) -> object:
    return text_of(value)


def _time(value: object, name: str, part: Part) -> datetime:
    """Read ISO 8601, or Unix seconds or milliseconds as a number or as its text."""
    try:
        if isinstance(value, str) and not value.isdigit():
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = float(str(value))
        if seconds >= _UNIX_MILLISECONDS_FROM:
            seconds /= 1000
        return _EPOCH + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        raise Unmapped(
            f"{name}: what stands at {part.where} is no time (ISO 8601 or Unix)."
        ) from None


_READERS: Mapping[str, Callable[[object, str, Part], Any]] = {
    "customer": _identifier,
    "anonymous": _identifier,
    "score": _number,
    "scale": _scale,
    "survey": _text,
    "comment": _text,
    "value": _number,
    "occurred_at": _time,
    "message_id": _text,
}


def fields_of(mapping: BodyMapping) -> Sequence[tuple[str, frozenset[str]]]:
    """List each fact's event and the parts that it gives."""
    return [(fact.event, frozenset(fact.parts)) for fact in mapping.facts]


def words_of(mapping: BodyMapping) -> Iterator[tuple[str, str]]:
    """List what a mapping itself says, each with its field: it is kept as it is."""
    for number, fact in enumerate(mapping.facts):
        yield f"{number}.event", fact.event
        for name, part in fact.parts.items():
            table = part.table or {}
            for word in (part.constant, *table, *table.values()):
                if isinstance(word, str):
                    yield f"{number}.{name}", word
