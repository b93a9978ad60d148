"""The arithmetic of one variant's life table: who is at risk, and what S(t) becomes.

A table row is one day; events come before that day's censorings, and S(t) is the
share still retained after the events of day t. In discrete time this is exact.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.stats.summary import LifeDay, LifeTable

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A life table as columns, one entry a listed day, days rising.

    `hazard_variance` is Greenwood's cumulated d / (n (n - d)): the squared standard
    error of S is S squared times it.
    """

    n: int
    days: NDArray[np.int64]
    at_risk: Column  # as the day begins
    events: Column
    censored: Column
    survival: Column  # after the day's events
    hazard_variance: Column

    def at(self, day: int) -> tuple[float, float]:
        """Share retained after a day's events, and Greenwood's squared error of it."""
        i = int(np.searchsorted(self.days, day, side="right")) - 1
        if i < 0:
            return 1.0, 0.0
        share = float(self.survival[i])
        return share, share * share * float(self.hazard_variance[i])

    def at_risk_on(self, days: NDArray[np.int64]) -> Column:
        """Units at risk as each of some days begins; none after the last one listed."""
        padded = np.append(self.at_risk, 0.0)
        return padded[np.searchsorted(self.days, days, side="left")]

    def events_on(self, days: NDArray[np.int64]) -> Column:
        """Events on each of some days."""
        padded = np.append(self.events, 0.0)
        i = np.searchsorted(self.days, days, side="left")
        listed = np.append(self.days, -1)[i] == days
        return np.where(listed, padded[i], 0.0)

    def censored_before(self, day: int) -> int:
        """Units lost from sight before a day begins."""
        return int(self.censored[self.days < day].sum())

    def restricted_mean(self, tau: int) -> tuple[float, float]:
        """Days retained within the first tau days, and the squared error of that.

        The area under S up to tau; the error is the sum of A_i^2 d_i / (n_i (n_i -
        d_i)), where A_i is the area from day i to tau (Uno et al. 2014, appendix).
        """
        within = self.days < tau
        edges = np.concatenate(([0], self.days[within], [tau]))
        heights = np.concatenate(([1.0], self.survival[within]))
        areas = heights * np.diff(edges)
        area_after = np.cumsum(areas[::-1])[::-1][1:]
        terms = area_after**2 * _greenwood_terms(
            self.at_risk[within], self.events[within]
        )
        return float(areas.sum()), float(terms.sum())


def curve_of(table: LifeTable) -> Curve:
    """Lay a life table out as columns, with its Kaplan-Meier curve.

    Args:
        table: life table of one variant with at least one unit.

    Returns:
        Curve; units that no day accounts for are censored on the last day listed.
    """
    rows = table.days or (LifeDay(0, 0, 0),)
    events = np.array([row.events for row in rows], dtype=np.float64)
    censored = np.array([row.censored for row in rows], dtype=np.float64)
    censored[-1] += table.n - table.ended
    ended = events + censored
    at_risk = table.n - (np.cumsum(ended) - ended)
    lost = np.divide(events, at_risk, out=np.zeros_like(events), where=at_risk > 0)
    return Curve(
        n=table.n,
        days=np.array([row.day for row in rows], dtype=np.int64),
        at_risk=at_risk,
        events=events,
        censored=censored,
        survival=np.cumprod(1 - lost),
        hazard_variance=np.cumsum(_greenwood_terms(at_risk, events)),
    )


def _greenwood_terms(at_risk: Column, events: Column) -> Column:
    """Each day's d / (n (n - d)); 0 where the last units go, for S is 0 from there."""
    left = at_risk * (at_risk - events)
    return np.divide(events, left, out=np.zeros_like(events), where=left > 0)
