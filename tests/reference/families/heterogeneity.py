"""Whether a letter works differently in different segments."""

from analysis.stats.heterogeneity import Heterogeneity, heterogeneity
from analysis.stats.means import welch
from analysis.stats.summary import Moments, moments_of
from tests.reference.book import Record, Values, covers, read_table
from tests.reference.reading import estimated


@covers(
    "hillstrom.mens.hte.channel",
    "hillstrom.mens.hte.zip_code",
    "hillstrom.mens.hte.newbie",
)
def visits(record: Record) -> Values:
    arms = _by_segment(record.inputs["segment"])
    effects = []
    for segment in sorted({segment for _, segment in arms}):
        found = estimated(
            welch(arms["No E-Mail", segment], arms["Mens E-Mail", segment])
        )
        error = found.facts["standard_error"]
        assert isinstance(error, float)
        effects.append((segment, found.effect, error))
    whole = heterogeneity(effects)
    assert isinstance(whole, Heterogeneity)
    return {
        "Q": whole.q,
        "df": whole.dof,
        "p_Q": whole.p_value,
        "effects": [effect for _, effect, _ in effects],
        "ses": [error for _, _, error in effects],
    }


def _by_segment(name: str) -> dict[tuple[str, str], Moments]:
    table = read_table("hillstrom/hillstrom.csv")
    columns = (table[column].to_pylist() for column in ("segment", name, "visit"))
    found: dict[tuple[str, str], list[float]] = {}
    for arm, segment, visit in zip(*columns, strict=True):
        found.setdefault((arm, str(segment)), []).append(float(visit))
    return {key: moments_of(values) for key, values in found.items()}
