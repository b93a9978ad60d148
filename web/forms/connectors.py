"""Forms of connectors: a new one, its mapping, its secret."""

from collections.abc import Mapping
from typing import Any

from experiments.connectors import MAX_OLD_HOURS, NewConnector
from experiments.errors import InvalidInput
from experiments.signatures import ALGORITHMS, ENCODINGS, SCHEMES
from experiments.vocabulary import ConnectorKind, Environment, SignatureStyle
from web.forms.base import AbideForm
from web.forms.choices import Choice, Radios
from web.forms.fields import Hidden, Json, Secret, Text
from web.forms.numbers import Whole
from web.forms.values import pick
from web.presenters.words import CONNECTOR_KIND, ENVIRONMENT, SIGNATURE_STYLE

_PLAIN = {"spellcheck": "false", "autocomplete": "off"}
_OWN = SCHEMES[ConnectorKind.GENERIC]
# Field of the rules -> field of the form.
SIGNATURE_NAMES = {
    f"signature.{name}": name
    for name in (
        "style",
        "header",
        "algorithm",
        "encoding",
        "prefix",
        "timestamp_header",
        "separator",
    )
}


class ConnectorForm(AbideForm):
    """A new connector."""

    kind = Radios(
        "Who sends the webhooks?",
        choices=[(k.value, CONNECTOR_KIND[k]) for k in ConnectorKind],
        default=ConnectorKind.INTERCOM.value,
    )
    name = Text("Name", "Such as: Support desk.", longest=100, render_kw=_PLAIN)
    environment = Choice(
        "Environment",
        "Development data is kept apart and never analysed.",
        choices=[(e.value, ENVIRONMENT[e]) for e in Environment],
    )
    secret = Secret(
        "Secret",
        "What its webhooks are signed with. Of Typeform and other tools, leave it"
        " empty and Abide makes one.",
    )
    style = Choice(
        "How it signs",
        choices=[(s.value, SIGNATURE_STYLE[s]) for s in SignatureStyle],
    )
    header = Text("Header of the signature", default=_OWN.header, render_kw=_PLAIN)
    algorithm = Choice("Algorithm", choices=[(one, one) for one in ALGORITHMS])
    encoding = Choice("Written as", choices=[(one, one) for one in ENCODINGS])
    prefix = Text(
        "Before the signature",
        longest=20,
        default=_OWN.prefix,
        optional=True,
        render_kw=_PLAIN,
    )
    timestamp_header = Text(
        "Header of the time that is signed",
        "Empty where none is.",
        default=_OWN.timestamp_header,
        optional=True,
        render_kw=_PLAIN,
    )
    separator = Text(
        "Between the time and the body",
        longest=5,
        default=_OWN.separator,
        optional=True,
        render_kw=_PLAIN,
    )

    def new(self) -> NewConnector:
        """Say what is registered."""
        kind = pick(ConnectorKind, self.kind.data)
        names = SIGNATURE_NAMES.values()
        signature = {name: self[name].data or "" for name in names}
        return NewConnector(
            kind=kind,
            environment=pick(Environment, self.environment.data),
            name=self.name.data or "",
            secret=self.secret.data or "",
            signature=signature if kind == ConnectorKind.GENERIC else None,
        )

    @property
    def signs_otherwise(self) -> bool:
        """Whether one of the fields about signing has something to look at."""
        return any(self[name].errors for name in SIGNATURE_NAMES.values())


class MappingForm(AbideForm):
    """A connector's mapping, and a body to try it on."""

    mapping = Json("Mapping", rows=20)
    body = Json(
        "A body to try it on",
        "As the tool sends it. Nothing of it is stored.",
        rows=8,
    )
    based_on = Hidden()

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  # WTForms'
        super().__init__(*given, **named)
        self.mapping.flags.optional = False

    @property
    def version(self) -> int:
        """The version that the mapping changes; -1 when the form was made by hand."""
        text = self.based_on.data or ""
        digits = text.isascii() and text.isdigit() and len(text) < 10  # noqa: PLR2004  # fits a column
        return int(text) if digits else -1


class SecretForm(AbideForm):
    """A secret in the place of another."""

    secret = Secret("New secret")
    old_valid_hours = Whole(
        "Hours for which the old one holds too",
        "Until the tool knows the new one; 0 ends it at once.",
        low=0,
        high=MAX_OLD_HOURS,
        default="24",
    )


def placed(fault: InvalidInput) -> InvalidInput:
    """Say in words where in a mapping its faults are: it is one field on the page.

    Args:
        fault: with fields such as "mapping.facts.0.score".

    Returns:
        The same with one sentence for the whole mapping.
    """
    inside = {n: s for n, s in fault.fields.items() if n.startswith("mapping")}
    if not inside:
        return fault
    others = {n: s for n, s in fault.fields.items() if n not in inside}
    return InvalidInput(fault.message, {**others, "mapping": _sentences(inside)})


def _sentences(inside: Mapping[str, str]) -> str:
    said = []
    for name, sentence in list(inside.items())[:3]:
        _, part, number, field = [*name.split(".", 3), "", "", ""][:4]
        place = part.removesuffix("s").capitalize()
        if number.isdigit():
            place += f" {int(number) + 1}"
        where = ", ".join(one for one in (place, field) if one)
        said.append(f"{where}: {sentence}" if where else sentence)
    more = len(inside) - len(said)
    return " ".join(said) + (f" And {more} more." if more else "")
