"""Bayesian read-outs of retention."""

from analysis.stats.bayes import Belief, Prior, believe, relative_error
from analysis.stats.beta_binomial import believe_shares
from tests.reference.book import Record, Values, covers
from tests.reference.families.proportions import arms
from tests.reference.reading import ends


@covers(
    "cookie.retention_1.bayes.flat",
    "cookie.retention_1.bayes.N0_0.3",
    "cookie.retention_1.bayes.N0_0.05",
    "cookie.retention_7.bayes.flat",
    "cookie.retention_7.bayes.N0_0.3",
    "cookie.retention_7.bayes.N0_0.05",
)
def normal(record: Record) -> Values:
    control, treatment = arms(record)
    p_c, p_t = (arm.successes / arm.n for arm in (control, treatment))
    error = relative_error(
        p_c, p_c * (1 - p_c) / control.n, p_t, p_t * (1 - p_t) / treatment.n
    )
    prior = record.inputs["prior"]
    found = believe(p_t / p_c - 1, error, Prior(*prior) if prior else None)
    assert isinstance(found, Belief)
    return {
        "chance_to_win": found.better,
        "post_mean": found.mean,
        "post_sd": found.sd,
        "cri": ends(found.interval),
        "risk_keep_control": found.loss_of_keeping,
        "risk_ship_treatment": found.loss_of_shipping,
    }


@covers("cookie.retention_1.betabinom", "cookie.retention_7.betabinom")
def beta_binomial(record: Record) -> Values:
    found = believe_shares(*arms(record))
    assert isinstance(found, Belief)
    return {"p_better": found.better, "exp_loss_ship": found.loss_of_shipping}
