"""Making preview links: which experiments have one, and for how long."""

from datetime import datetime, timedelta

from experiments import flags
from experiments.actors import Actor
from experiments.errors import Conflict, InvalidInput
from experiments.models import Experiment
from experiments.previews import LONGEST, Previewer
from experiments.vocabulary import AssignedBy, ParameterType, PersonRole, Status

MOST_DAYS = 30
_PREVIEWED = frozenset({Status.DRAFT, Status.IN_REVIEW, Status.RUNNING})


def may_preview(experiment: Experiment) -> bool:
    """Whether an experiment has anything to preview (any more)."""
    own = experiment.assigned_by == AssignedBy.ABIDE.value
    return own and Status(experiment.status) in _PREVIEWED


def make_token(
    previewer: Previewer,
    experiment: Experiment,
    variant: str,
    days: int,
    *,
    actor: Actor,
    now: datetime,
) -> str:
    """Make the token of a link to one variant.

    Args:
        previewer: signs it.
        experiment: not started yet, or running.
        variant: its name.
        days: until it expires.
        actor: an editor.
        now: aware UTC.

    Returns:
        The token, for the attribute `abide_preview`.

    Raises:
        Conflict: there is nothing to preview (any more).
        InvalidInput: no such variant, too many days, or too long parameters.
    """
    actor.require(PersonRole.EDITOR, "make preview links")
    if not may_preview(experiment):
        raise Conflict(
            "Only an experiment that Abide assigns can be previewed, before its start"
            " and while it runs."
        )
    if not 1 <= days <= MOST_DAYS:
        words = f"Choose from 1 to {MOST_DAYS} days."
        raise InvalidInput(words, {"days": words})
    found = next((v for v in experiment.variants if v.name == variant), None)
    if found is None:
        words = "Choose a variant of this experiment."
        raise InvalidInput(words, {"variant": words})
    control = next(v for v in experiment.variants if v.is_control)
    types = {name: ParameterType(k) for name, k in experiment.parameter_types.items()}
    token = previewer.sign(
        experiment.key,
        variant,
        flags.typed(types, found.parameters, control.parameters),
        types,
        now + timedelta(days=days),
    )
    if len(token) > LONGEST:
        words = "The parameters of this variant are too long for a link."
        raise InvalidInput(words, {"variant": words})
    return token
