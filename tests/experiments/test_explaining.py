"""`abide explain` re-derives an assignment from a published file, with no database."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from abide import main
from experiments.assignment import assign
from experiments.config import Settings
from experiments.enrolled import FOLDER, file_name, write_set
from experiments.explaining import read_ruleset
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import seal
from tests import rulesets

ENTRY = rulesets.entry("nudge", condition={"plan": "pro"})


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    # A database that cannot be reached: nothing may ask it.
    url = "postgresql://nobody@127.0.0.1:1/none"
    return {"ABIDE_DATA_DIR": str(tmp_path / "var"), "DATABASE_URL": url}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "published.json"
    path.write_bytes(seal(rulesets.body_of([ENTRY])))
    return path


def run(environ: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["explain", *arguments], env=environ)
    return done.exit_code, done.output


def test_explain__published_file__same_answer_as_the_doors(
    environ: dict[str, str], file: Path
) -> None:
    given = ["nudge", "a", "--attributes", '{"plan": "pro"}', "--ruleset", str(file)]
    code, output = run(environ, *given, "--json")
    assert code == 0, output
    told = json.loads(output)
    design = rulesets.ruleset_of([ENTRY]).experiments["nudge"]
    expected = assign(design, "a", {"plan": "pro"})
    assert (told["variant"], told["bucket"]) == (expected.variant, expected.bucket)
    code, output = run(environ, *given)
    assert code == 0
    assert output.startswith(f"This customer gets {expected.variant}: the hash of")
    assert 'yes  plan is pro; found "pro"' in output
    assert "seed salt of nudge" in output
    # Reading makes no secret where there is none.
    assert not (Path(environ["ABIDE_DATA_DIR"]) / "keys").exists()


def test_explain__ruleset_in_force__lists_and_earlier_variants_are_asked(
    environ: dict[str, str], file: Path
) -> None:
    settings = Settings.from_environ(environ)
    hide = load_pseudonymiser(settings)
    folder = settings.data_dir / "ruleset"
    write_set(folder / FOLDER / file_name("nudge", 1), [hide.customer("a")[:8]])
    (folder / "current.json").write_bytes(seal(rulesets.body_of([ENTRY])))
    code, output = run(environ, "nudge", "a")
    assert code == 0
    assert "it was seen before and is kept." in output
    assert read_ruleset(settings).revision == 1
    # A copy of the file elsewhere has no lists beside it, and gives the same answer.
    assert run(environ, "nudge", "a", "--ruleset", str(file)) == (0, output)


@pytest.mark.parametrize(
    ("token", "experiment", "outcome", "words"),
    [
        ("right", "nudge", "decided", "Preview link 7, which works until 15 Mar 2199"),
        ("draft", "draft", "decided", "Preview link 7,"),
        ("right", "draft", "passed", "one of another experiment"),
        ("gone", "nudge", "passed", "not known, was revoked or has expired"),
        ("late", "nudge", "passed", "not known, was revoked or has expired"),
        ("over", "over", "passed", "shows nothing"),
    ],
)
def test_explain__preview_link__is_named(
    environ: dict[str, str],
    tmp_path: Path,
    token: str,
    experiment: str,
    outcome: str,
    words: str,
) -> None:
    until = "2199-03-15T09:30:00+00:00"
    links = [
        rulesets.preview("right", "nudge", until=until),
        rulesets.preview("draft", "draft", until=until),
        rulesets.preview("over", "over", until=until),
        rulesets.preview("late", "nudge"),
    ]
    entries = [ENTRY, rulesets.entry("over", status="stopped")]
    file = tmp_path / "with-links.json"
    file.write_bytes(seal(rulesets.body_of(entries, previews=links)))
    attributes = json.dumps({"abide_preview": token})
    given = [experiment, "a", "--attributes", attributes, "--ruleset", str(file)]
    code, output = run(environ, *given, "--json")
    assert code == 0, output
    told = json.loads(output)
    step = told["steps"][0]
    assert (step["name"], step["outcome"]) == ("preview", outcome)
    assert words in step["sentence"]
    assert (told["reason"] == "preview") is (outcome == "decided")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none", "a"], 'There is no experiment "none" in the ruleset.'),
        (["nudge", "a", "--attributes", "[1]"], "Give a JSON object"),
    ],
)
def test_explain__cannot_be_answered__says_why(
    environ: dict[str, str], file: Path, arguments: list[str], words: str
) -> None:
    code, output = run(environ, *arguments, "--ruleset", str(file))
    assert code == 1
    assert words in output


def test_explain__no_or_damaged_ruleset__says_so(
    environ: dict[str, str], file: Path
) -> None:
    code, output = run(environ, "nudge", "a")
    assert code == 1
    assert "cannot be read" in output
    file.write_bytes(file.read_bytes().replace(b"control", b"kontrol"))
    code, output = run(environ, "nudge", "a", "--ruleset", str(file))
    assert code == 1
    assert "checksum differs" in output
