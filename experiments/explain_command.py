"""`abide explain`: why a customer gets a variant, from a published ruleset alone."""

import os
from pathlib import Path

import click
import orjson

from experiments import explaining
from experiments.condition_trace import Branch, Trace
from experiments.config import Settings
from experiments.context import utc_now
from experiments.errors import AbideError
from experiments.receipt_values import Receipt, to_json
from experiments.vocabulary import StepOutcome

_SIGNS = {
    StepOutcome.PASSED: "yes",
    StepOutcome.DECIDED: "->",
    StepOutcome.OUTSIDE: "no",
    StepOutcome.NOT_USED: "-",
    StepOutcome.NOT_ASKED: "?",
}


@click.command("explain")
@click.argument("experiment")
@click.argument("unit")
@click.option("--attributes", default="", help="Of the customer, as a JSON object.")
@click.option(
    "--ruleset",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A published ruleset file; the one in force if none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the receipt as JSON.")
def explain(
    experiment: str, unit: str, attributes: str, ruleset: Path | None, *, as_json: bool
) -> None:
    """Say why the customer UNIT gets what they get in EXPERIMENT.

    No database is asked: the same ruleset gives the same answer anywhere.
    """
    try:
        published = explaining.read_ruleset(Settings.from_environ(os.environ), ruleset)
        known = explaining.read_attributes(attributes)
        receipt = explaining.receipt_of(published, experiment, unit, known, utc_now())
    except AbideError as error:
        raise click.ClickException(error.message) from error
    if as_json:
        click.echo(orjson.dumps(to_json(receipt), option=orjson.OPT_INDENT_2))
        return
    for line in _lines(receipt):
        click.echo(line)


def _lines(receipt: Receipt) -> list[str]:
    source, given = receipt.source, receipt.given
    taking_part = "in" if given.in_experiment else "not in"
    lines = [
        receipt.sentence,
        f"parameters: {orjson.dumps(given.parameters).decode()}",
        f"reason: {given.reason}; {taking_part} the experiment",
        f"ruleset: revision {source.revision}, {source.checksum[:12]}",
        "",
    ]
    for step in receipt.steps:
        lines.append(f"{_SIGNS[step.outcome]:>4}  {step.sentence}")
        if "seed" in step.facts:
            lines.append(f"      seed {step.facts['seed']}")
        if step.trace is not None:
            lines += _rule(step.trace, "      ")
    return lines


def _rule(part: Trace, indent: str) -> list[str]:
    sign = "yes" if part.holds else "no"
    if isinstance(part, Branch):
        lines = [f"{indent}{sign:>4}  {part.words}"]
        for inner in part.parts:
            lines += _rule(inner, f"{indent}  ")
        return lines
    found = orjson.dumps(part.found).decode() if part.found is not None else "nothing"
    return [f"{indent}{sign:>4}  {part.words}; found {found}"]
