"""POST /api/v1/assignments: which variant does this customer get?

Answered from memory: no database is asked and nothing is written. A development key
gets exactly what a production key gets, so that what was tried is what will run; the
environments part where events come in, and development events are never analysed.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson

from api import assignments_openapi
from api.door_auth import authenticate
from api.door_body import decode_json
from api.door_values import JSON_HEADERS, Door, Request, Response, in_house
from api.written import Written
from experiments.assigned_counts import Tally
from experiments.assignment import Assignment, assign, assign_all, decline, silent
from experiments.errors import InvalidInput, Unavailable
from experiments.javascript import is_number
from experiments.previews import ATTRIBUTE, Previewer, shown_by, without_shown
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import Ruleset
from experiments.vocabulary import AssignmentReason, Environment, KeyKind

PATH = "/api/v1/assignments"
BODY_CAP = 64_000  # bytes
KINDS = frozenset({KeyKind.SERVER, KeyKind.CLIENT})
MAX_UNIT = 512  # characters of a customer's id
MAX_EXPERIMENTS = 500  # named in one request
_FIELDS = frozenset({"unit", "attributes", "experiments"})
_TEXTS = frozenset({str})
_PRODUCTION = Environment.PRODUCTION
_MAX_SHOWN = 64  # characters of a field's name, where it is not one of ours
_MAX_FAULTS = 20  # named in one refusal

word = in_house

OPENAPI_PATHS: dict[str, Any] = assignments_openapi.paths(
    PATH, MAX_UNIT, MAX_EXPERIMENTS
)


class Question(NamedTuple):
    """What an app asks; `experiments` None stands for all."""

    unit: object
    attributes: Mapping[str, Any]
    experiments: Sequence[str] | None


def routes(
    reader: RulesetReader,
    previewer: Previewer | None = None,
    tally: Tally | None = None,
) -> dict[tuple[str, str], Door]:
    """List the doors of this file.

    Args:
        reader: holds the ruleset to answer from.
        previewer: reads preview links; without one none is read.
        tally: counts what is assigned to customers of production.

    Returns:
        (method, path) -> door.
    """
    return {("POST", PATH): _Door(reader, previewer, tally)}


class _Door:
    """Answers who asks, counts what was given."""

    def __init__(
        self, reader: RulesetReader, previewer: Previewer | None, tally: Tally | None
    ) -> None:
        self._reader = reader
        self._previewer = previewer
        self._tally = tally
        self._parts = Written(_write)
        self._whole = Written(_write_alone)  # most apps ask for one

    def __call__(self, request: Request) -> Response:
        key = authenticate(request, self._reader, KINDS)
        ruleset = self._reader.current
        if ruleset is None:
            raise Unavailable("Abide has just started. Try again soon.")
        unit, attributes, experiments = question = read_question(request.body)
        opted_out = ruleset.has_opted_out(unit, attributes)
        given = answer(ruleset, question, opted_out=opted_out)
        preview, assigned = None, given
        if ATTRIBUTE in attributes:
            preview = shown_by(
                self._previewer, ruleset, unit, attributes, key.environment
            )
        if preview is not None:
            assigned = without_shown(given, preview)
            given = with_preview(given, preview.given, experiments)
        if self._tally is not None and key.environment is _PRODUCTION:
            self._tally.note(key.public_id, ruleset, unit, attributes, assigned)
        if len(given) == 1:
            body = self._whole.one(ruleset, given[0])
        else:
            body = _wrap(ruleset, self._parts.of(ruleset, given))
        return Response(200, JSON_HEADERS, body)


def _write_alone(ruleset: Ruleset, given: Assignment) -> bytes:
    return _wrap(ruleset, [_write(ruleset, given)])


def _wrap(ruleset: Ruleset, parts: list[bytes]) -> bytes:
    head = b'{"revision":%d,"assignments":[' % ruleset.revision
    return head + b",".join(parts) + b"]}"


def _write(_ruleset: Ruleset, given: Assignment) -> bytes:
    shown = {
        "experiment": given.experiment,
        "variant": given.variant,
        "parameters": given.parameters,
        "reason": given.reason,
        "in_experiment": given.in_experiment,
    }
    return orjson.dumps(shown)


def answer(
    ruleset: Ruleset, question: Question, *, opted_out: bool = False
) -> list[Assignment]:
    """Assign one customer in all experiments asked for.

    Args:
        ruleset: one revision, for the whole answer.
        question: who asks, and about what.
        opted_out: whether the customer takes part in no experiment.

    Returns:
        In the order asked, each experiment once; without names, all that give
        variants, by key.
    """
    unit, attributes = question.unit, question.attributes
    if question.experiments is None:
        together = ruleset.together
        return assign_all(together, unit, attributes, opted_out=opted_out)
    one_by_one = decline if opted_out else assign
    answers = []
    for key in dict.fromkeys(question.experiments):
        design = ruleset.experiments.get(key)
        if design is not None:
            answers.append(one_by_one(design, unit, attributes))
        else:
            unknown = AssignmentReason.UNKNOWN_EXPERIMENT
            answers.append(silent(key, ruleset.silent.get(key, unknown)))
    return answers


def with_preview(
    answers: list[Assignment],
    shown: Assignment,
    experiments: Sequence[str] | None,
) -> list[Assignment]:
    """Put what a preview link shows in the place of the assignment.

    Args:
        answers: as assigned.
        shown: of one experiment.
        experiments: that were asked for; None stands for all.

    Returns:
        The answers; a previewed draft stands last where all were asked for.
    """
    told = [shown if one.experiment == shown.experiment else one for one in answers]
    return [*told, shown] if experiments is None and shown not in told else told


def read_question(body: bytes) -> Question:
    """Read and check what an app asks.

    Args:
        body: JSON object {unit, attributes, experiments?}.

    Returns:
        The question. A unit that is no usable id ("", 0, null) is let through, as
        a visitor nobody knows yet: the answer is control and says so.

    Raises:
        InvalidInput: names every field at fault.
    """
    content = decode_json(body)
    if _is_usual(content):
        unit, attributes = content["unit"], content["attributes"]
        attributes["id"] = unit
        return Question(unit, attributes, content.get("experiments"))
    if not isinstance(content, dict):
        raise InvalidInput(
            'Send one JSON object, such as {"unit": "customer-1", "attributes": {}}.'
        )
    faults = {
        _shown(name): "There is no such field."
        for name in sorted(content.keys() - _FIELDS)
    }
    attributes = content.get("attributes", {})
    experiments = content.get("experiments")
    faults |= _unit_faults(content)
    if not isinstance(attributes, dict):
        faults["attributes"] = "Give a JSON object of attributes."
    if "experiments" in content:
        faults |= _experiment_faults(experiments)
    if faults:
        named = dict(islice(faults.items(), _MAX_FAULTS))
        raise InvalidInput("This request cannot be answered.", named)
    unit = content["unit"]
    if unit:  # rules know it by this name, at every door
        attributes["id"] = unit
    return Question(unit, attributes, experiments)


def _is_usual(content: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Whether nothing needs a closer look; most requests are so, and this is quick."""
    if type(content) is not dict:
        return False
    unit, named = content.get("unit"), content.get("experiments")
    return (
        type(unit) is str
        and 0 < len(unit) <= MAX_UNIT
        and type(content.get("attributes")) is dict
        # Two fields, or three with a list: there is no other among them.
        and (
            len(content) == 2  # noqa: PLR2004
            if named is None
            else len(content) == 3  # noqa: PLR2004
            and type(named) is list
            and len(named) <= MAX_EXPERIMENTS
            and _TEXTS.issuperset(map(type, named))
        )
    )


def _unit_faults(content: Mapping[str, Any]) -> dict[str, str]:
    if "unit" not in content:
        return {"unit": "Give the customer's id."}
    unit = content["unit"]
    if unit is not None and not isinstance(unit, str) and not is_number(unit):
        return {"unit": "Give the customer's id as a text or a number."}
    if isinstance(unit, str) and len(unit) > MAX_UNIT:
        return {"unit": f"Use at most {MAX_UNIT} characters, not {len(unit)}."}
    return {}


def _experiment_faults(experiments: object) -> dict[str, str]:
    if not isinstance(experiments, list):
        return {"experiments": "Give a list of experiment keys, or leave it out."}
    if len(experiments) > MAX_EXPERIMENTS:
        return {"experiments": f"Name at most {MAX_EXPERIMENTS} experiments."}
    return {
        f"experiments.{index}": "Give an experiment's key as a text."
        for index, key in enumerate(experiments)
        if not isinstance(key, str)
    }


def _shown(name: str) -> str:
    return name if len(name) <= _MAX_SHOWN else f"{name[:_MAX_SHOWN]}..."
