"""Preview links: one variant for whoever shows a signed token, and no exposure.

The token says which variant of which experiment, and until when. Doors check it with a
secret of their own in the data folder: no database is asked, and what is published
holds nothing that could sign one. A draft is in no ruleset, so the token carries the
parameters its variant had when the link was made.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from experiments.assignment import Assignment
from experiments.config import Settings
from experiments.ruleset_values import Ruleset
from experiments.running import RunningVariant
from experiments.secrets import load_or_create
from experiments.vocabulary import AssignmentReason, ParameterType, Status

ATTRIBUTE = "abide_preview"
LONGEST = 8_000  # characters of a token
PREFIX = "abp1."


@dataclass(frozen=True, slots=True)
class Preview:
    """What a customer with a preview link is shown.

    Attributes:
        given: in place of the assignment.
        types: of its parameters.
    """

    given: Assignment
    types: Mapping[str, ParameterType]


class Previewer:
    """Makes and reads the tokens of preview links."""

    def __init__(self, secret: bytes, now: Callable[[], datetime]) -> None:
        self._secret = secret
        self._now = now

    def sign(
        self,
        experiment: str,
        variant: str,
        parameters: Mapping[str, Any],
        types: Mapping[str, str],
        expires_at: datetime,
    ) -> str:
        """Make a token for one variant.

        Args:
            experiment: its key.
            variant: its name.
            parameters: of the variant, complete.
            types: of the parameters.
            expires_at: from then on the token says nothing.

        Returns:
            The token, for the attribute `abide_preview`.
        """
        content = {
            "e": experiment,
            "v": variant,
            "x": int(expires_at.timestamp()),
            "p": dict(parameters),
            "t": dict(types),
        }
        body = _encode(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
        return f"{PREFIX}{body}.{self._sign(body)}"

    def preview(
        self, ruleset: Ruleset, attributes: Mapping[str, Any]
    ) -> Preview | None:
        """Find what a customer with a token is shown.

        Args:
            ruleset: in force.
            attributes: of the customer, the token among them.

        Returns:
            The preview; None without a token, and for one that is not ours, has
            expired, or whose experiment has ended.
        """
        token = attributes.get(ATTRIBUTE)
        content = None if token is None else self._read(token)
        if content is None:
            return None
        experiment, variant = content["e"], content["v"]
        design = ruleset.experiments.get(experiment)
        reason = AssignmentReason.PREVIEW
        if design is None:
            silence = ruleset.silent.get(experiment)
            if silence is not AssignmentReason.NOT_STARTED:
                return None
            types = {name: ParameterType(kind) for name, kind in content["t"].items()}
            given = Assignment(
                experiment, variant, content["p"], reason, in_experiment=False
            )
            return Preview(given, types)
        names = [each.name for each in design.variants]
        if design.status is not Status.RUNNING or variant not in names:
            return None
        found = design.variants[names.index(variant)]
        parameters, rule = _parameters_of(found, attributes)
        given = Assignment(
            experiment, variant, parameters, reason, in_experiment=False, rule=rule
        )
        return Preview(given, design.types)

    def _sign(self, body: str) -> str:
        return _encode(hmac.digest(self._secret, body.encode(), hashlib.sha256))

    def _read(self, token: object) -> dict[str, Any] | None:
        if not isinstance(token, str) or len(token) > LONGEST:
            return None
        body, _, signature = token.removeprefix(PREFIX).partition(".")
        if not token.startswith(PREFIX) or not (token.isascii()):
            return None
        if not hmac.compare_digest(signature, self._sign(body)):
            return None
        try:
            content: dict[str, Any] = orjson.loads(
                base64.urlsafe_b64decode(body + "==")
            )
        except (binascii.Error, ValueError):  # signed by us, so it does not happen
            return None
        return content if content["x"] > self._now().timestamp() else None


def preview_of(
    previewer: Previewer | None, ruleset: Ruleset, attributes: Mapping[str, Any]
) -> Preview | None:
    """Find what is previewed, at no cost for who has no token.

    Args:
        previewer: None where no link is read.
        ruleset: in force.
        attributes: of the customer.

    Returns:
        The preview, or None.
    """
    if previewer is None or ATTRIBUTE not in attributes:
        return None
    return previewer.preview(ruleset, attributes)


def load_previewer(settings: Settings, now: Callable[[], datetime]) -> Previewer:
    """Read the secret that signs preview links; it is made at first use.

    Args:
        settings: say where secrets are.
        now: the clock.

    Returns:
        What makes and reads tokens.
    """
    return Previewer(load_or_create(settings.keys_dir, "preview"), now)


def _parameters_of(
    variant: RunningVariant, attributes: Mapping[str, Any]
) -> tuple[Mapping[str, Any], str | None]:
    """Choose as the assignment does, which cannot spare the call."""
    for rule in variant.rules:
        if rule.test(attributes):
            return rule.parameters, rule.segment
    return variant.parameters, None


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
