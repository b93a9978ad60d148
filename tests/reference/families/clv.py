"""What customers may still buy."""

from analysis.stats.clv import BgNbd, Buyers, fit_bg_nbd
from tests.reference.book import Record, Values, covers, read_table


def cdnow() -> list[Buyers]:
    table = read_table("cdnow/cdnow_calibration_summary_2357.csv")
    columns = (table[name].to_pylist() for name in ("frequency", "recency", "T"))
    return [Buyers(*row) for row in zip(*columns, strict=True)]


@covers("cdnow.bgnbd")
def repeat_buyers(record: Record) -> Values:
    buyers = cdnow()
    assert len(buyers) == record.inputs["n"]
    found = fit_bg_nbd(buyers)
    assert isinstance(found, BgNbd)
    return {"r": found.r, "alpha": found.alpha, "a": found.a, "b": found.b}
