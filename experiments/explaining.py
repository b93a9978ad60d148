"""Receipts from what is published: for the door, the page and the command."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from experiments.assignment import silent
from experiments.config import Settings
from experiments.enrolled import FOLDER
from experiments.errors import InvalidInput, NotFound, Unavailable
from experiments.previews import ATTRIBUTE, find_preview, link_of
from experiments.privacy import KEY_NAME, load_pseudonymiser
from experiments.receipt import explain, explain_silent
from experiments.receipt_values import Receipt, Source, Step
from experiments.ruleset_designs import memory_in
from experiments.ruleset_files import CURRENT, open_file
from experiments.ruleset_values import Ruleset, RulesetRefusedError, parse
from experiments.vocabulary import ReceiptStep, StepOutcome


def receipt_of(
    ruleset: Ruleset,
    experiment: str,
    unit: object,
    attributes: Mapping[str, Any],
    now: datetime,
) -> Receipt:
    """Explain what a customer gets.

    Args:
        ruleset: one publication.
        experiment: its key.
        unit: the customer's id.
        attributes: of the customer; a preview link's token among them is followed.
        now: aware UTC, for links that expire.

    Returns:
        The receipt.

    Raises:
        NotFound: the ruleset knows no such experiment.
    """
    source = Source(ruleset.revision, ruleset.checksum, ruleset.published_at)
    design = ruleset.experiments.get(experiment)
    opted_out = None  # not asked where nobody is known again
    if ruleset.opted_out is not None:
        opted_out = ruleset.has_opted_out(unit, attributes)
    if design is not None:
        usual = explain(design, unit, attributes, source, opted_out=opted_out)
    else:
        reason = ruleset.silent.get(experiment)
        if reason is None:
            words = f'There is no experiment "{experiment[:64]}" in the ruleset.'
            raise NotFound(words)
        usual = explain_silent(silent(experiment, reason), source)
    if ATTRIBUTE not in attributes or opted_out:
        return usual
    return _with_link(usual, ruleset, attributes, now)


def _with_link(
    usual: Receipt, ruleset: Ruleset, attributes: Mapping[str, Any], now: datetime
) -> Receipt:
    """Let a preview link come first, as it does at the doors."""
    found = find_preview(ruleset, attributes, now)
    key = usual.given.experiment
    if found is not None and found.link.experiment == key:
        until = found.link.expires_at
        said = (
            f"Preview link {found.link.id}, which works until"
            f" {until.day} {until:%b %Y %H:%M} UTC, shows {found.given.variant}. Who"
            " used a preview link of an experiment is never analysed in it."
        )
        facts = {
            "link": found.link.id,
            "variant": found.given.variant,
            "expires_at": until.isoformat(),
        }
        step = Step(ReceiptStep.PREVIEW, StepOutcome.DECIDED, said, facts)
        return replace(usual, given=found.given, steps=(step,))
    link = link_of(ruleset, attributes[ATTRIBUTE], now)
    if link is None:
        said = "The preview link is not known, was revoked or has expired."
    elif link.experiment != key:
        said = "The preview link is one of another experiment."
    else:
        said = "The preview link shows nothing, as the experiment or the customer is."
    step = Step(ReceiptStep.PREVIEW, StepOutcome.PASSED, said)
    return replace(usual, steps=(step, *usual.steps))


def read_ruleset(settings: Settings, file: Path | None = None) -> Ruleset:
    """Read a published ruleset from disk; the database is not asked.

    Customers are known again, for lists and earlier variants, where this installation
    has its pseudonym key; who is enrolled or opted out is read beside the file,
    or, where it was copied elsewhere, in this installation.

    Args:
        settings: say where the data folder is.
        file: of a ruleset; the one in force when it is None.

    Returns:
        The ruleset.

    Raises:
        Unavailable: there is none.
        InvalidInput: the file is none, or damaged.
    """
    own = settings.data_dir / "ruleset"
    path = file or own / CURRENT
    memory = None
    if (settings.keys_dir / KEY_NAME).exists():
        # Beside a file that was copied elsewhere nobody is known again.
        beside = path.parent if (path.parent / FOLDER).is_dir() else own
        memory = memory_in(beside, load_pseudonymiser(settings))
    try:
        return parse(open_file(path.read_bytes()), memory)
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}.") from error
    except RulesetRefusedError as error:
        raise InvalidInput(str(error), {"ruleset": str(error)}) from error


def read_attributes(text: str) -> dict[str, Any]:
    """Read attributes that somebody typed.

    Args:
        text: a JSON object; nothing at all is no attribute.

    Returns:
        The attributes.

    Raises:
        InvalidInput: it is something else; names the field `attributes`.
    """
    try:
        found = orjson.loads(text) if text.strip() else {}
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        words = 'Give a JSON object, such as {"plan": "pro"}.'
        raise InvalidInput(words, {"attributes": words})
    return found
