"""What forms offer to choose from, read from the database once per page."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from sqlalchemy.orm import Session

from analysis.wording import measure_of
from experiments import (
    certificates,
    hypotheses,
    journey,
    layer_catalog,
    learnings,
    metrics,
    segments,
)
from web.forms.hypotheses import Catalogue
from web.presenters.plans import harm_in_words

MOST = 2000  # beyond, a list to choose from helps nobody
PAGE = 200


class _Keyed(Protocol):
    key: str


K = TypeVar("K", bound=_Keyed)


def everything(page: Callable[[str | None], Sequence[K]]) -> list[K]:
    """Read all pages of a listing that goes by key.

    Args:
        page: gives the page after a key, at most 200 rows.

    Returns:
        All rows, up to 2000.
    """

    def walk() -> Iterable[K]:
        after = None
        while rows := page(after):
            yield from rows
            if len(rows) < PAGE:
                return
            after = rows[-1].key

    return list(islice(walk(), MOST))


def read(database: Session) -> Catalogue:
    """Read what can be chosen."""
    all_segments = everything(
        lambda after: segments.listing(database, after_key=after, limit=PAGE)
    )
    all_metrics = everything(
        lambda after: metrics.listing(database, after_key=after, limit=PAGE)
    )
    all_hypotheses = everything(
        lambda after: hypotheses.listing(database, after_key=after, limit=PAGE)
    )
    all_layers = everything(
        lambda after: layer_catalog.listing(database, after_key=after, limit=PAGE)
    )
    standings = certificates.standings(database, [m.versions[-1] for m in all_metrics])
    newest = {m.key: metrics.definition_of(m.versions[-1]) for m in all_metrics}
    return Catalogue(
        stages=[(s.key, s.name) for s in journey.stages(database)],
        segments=[(s.key, s.name) for s in all_segments],
        metrics=[(m.key, m.name) for m in all_metrics],
        hypotheses=[(h.key, h.title) for h in all_hypotheses if h.merged is None],
        versions={s.key: s.versions[-1].version for s in all_segments},
        metric_versions={m.key: m.versions[-1].version for m in all_metrics},
        scales={key: 100 if d.is_share else 1 for key, d in newest.items()},
        measures={key: measure_of(d) for key, d in newest.items()},
        csat=next((key for key, d in newest.items() if d.is_survey), ""),
        layers=[(layer.key, layer.name) for layer in all_layers],
        uncertified=tuple(
            m.name for m in all_metrics if not standings[m.versions[-1].id].is_certified
        ),
        margins={
            m.key: m.default_margin for m in all_metrics if m.default_margin is not None
        },
        harms={key: harm_in_words(d) for key, d in newest.items()},
        decided=learnings.decided(database, MOST),
    )
