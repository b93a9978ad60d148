"""Whether the metric that decides an experiment has a valid certificate."""

from sqlalchemy.orm import Session

from experiments import certificates
from experiments.models import Experiment
from experiments.vocabulary import Unit
from web.presenters.certificates import doubt


def primary_doubt(database: Session, experiment: Experiment) -> str | None:
    """Say what is to be doubted of the metric that decides; None where it is certified.

    Args:
        database: open transaction.
        experiment: drafted, running or over.

    Returns:
        One sentence, or None.
    """
    decides = certificates.of_primary(database, experiment)
    if decides is None:
        return None
    version, standing = decides
    return doubt(version.metric.name, standing, Unit(experiment.unit))
