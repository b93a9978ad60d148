"""Sample ratio."""

from analysis.stats.srm import exact_p_value, sample_ratio
from tests.reference.book import Record, Values, covers


@covers("cookie.srm")
def cookie_cats(record: Record) -> Values:
    given = record.inputs
    counts = {"control": given["n_control"], "treatment": given["n_treat"]}
    found = sample_ratio(
        counts, dict(zip(counts, record.inputs["weights"], strict=True))
    )
    return {"chi2": found.chi2, "p": found.p_value}


@covers("cookie.srm.sequential")
def cookie_cats_at_any_look(record: Record) -> Values:
    counts = dict(zip("ct", record.inputs["counts"], strict=True))
    found = sample_ratio(counts, dict.fromkeys(counts, 0.5))
    return {"logE": found.log_e_value, "p": found.anytime_p_value}


@covers("hillstrom.srm")
def hillstrom(record: Record) -> Values:
    counts = record.inputs["users"]
    found = sample_ratio(counts, dict.fromkeys(counts, 1 / 3))
    return {"chi2": found.chi2, "p": found.p_value}


@covers("cookie.srm.exact")
def cookie_cats_exactly(record: Record) -> Values:
    control, treatment = record.inputs["n_control"], record.inputs["n_treat"]
    return {"p": exact_p_value(control, control + treatment, 0.5)}
