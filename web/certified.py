"""Whether the metric that decides an experiment has a valid certificate."""

from sqlalchemy.orm import Session

from experiments import certificates
from experiments.models import Experiment
from experiments.vocabulary import Role, Unit
from web.presenters.certificates import doubt


def primary_doubt(database: Session, experiment: Experiment) -> str | None:
    """Say what is to be doubted of the metric that decides; None where it is certified.

    Args:
        database: open transaction.
        experiment: drafted, running or over.

    Returns:
        One sentence, or None.
    """
    for choice in experiment.metrics:
        if choice.role == Role.PRIMARY.value:
            version = choice.metric_version
            standing = certificates.standings(database, [version])[version.id]
            return doubt(version.metric.name, standing, Unit(experiment.unit))
    return None
