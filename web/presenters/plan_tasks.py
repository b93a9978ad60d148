"""The tasks of a plan: how far each is, and what has been answered so far in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from analysis.wording import joined
from experiments import catalog
from experiments.models import Experiment
from experiments.plan import definition_from_json
from experiments.plan_tasks import TASK_NAMES, task_of
from experiments.signing import named, needed
from experiments.vocabulary import PlanTask, Risk, Role, Unit
from web.presenters.formats import count, day, percent
from web.presenters.hypotheses import sentence
from web.presenters.monitoring import estimates_in_words
from web.presenters.plans import plan_in_words
from web.presenters.words import DRAWN, RISK

QUESTIONS: Mapping[PlanTask, str] = {
    PlanTask.HYPOTHESIS: "What do you believe?",
    PlanTask.SEGMENT: "Which customers is it for?",
    PlanTask.VARIANTS: "What will customers get?",
    PlanTask.METRICS: "What decides, and what must not get worse?",
    PlanTask.DURATION: "How many customers, and how long?",
    PlanTask.RISK: "Who else has to agree?",
}
# The hypothesis has answered a part of these before their page is opened.
_BEGUN = frozenset({PlanTask.SEGMENT, PlanTask.METRICS})


class TaskState(StrEnum):
    """How far a task is."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    NEEDS_A_CHANGE = "needs_a_change"


STATE_WORDS: Mapping[TaskState, str] = {
    TaskState.NOT_STARTED: "Not started",
    TaskState.IN_PROGRESS: "In progress",
    TaskState.DONE: "Done",
    TaskState.NEEDS_A_CHANGE: "Needs a change",
}


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One task of the list.

    Attributes:
        task: which.
        title: its name.
        state: how far it is.
        sentences: what was answered; none before.
        faults: what is wrong with the answer.
    """

    task: PlanTask
    title: str
    state: TaskState
    sentences: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def state_words(self) -> str:
        """The state as a person reads it."""
        return STATE_WORDS[self.state]


def before_any() -> list[TaskLine]:
    """List the tasks of a plan that nobody has begun."""
    return [
        TaskLine(task, TASK_NAMES[task], TaskState.NOT_STARTED) for task in PlanTask
    ]


def task_lines(experiment: Experiment, faults: Mapping[str, str]) -> list[TaskLine]:
    """List the tasks of a draft.

    Args:
        experiment: with all it names.
        faults: all that is wrong with it, by field.

    Returns:
        Six lines in the order they are asked. While a plan that was sent back is as
        it was, none is done: any of them may be what the reviewer means.
    """
    lines = [_line(experiment, task, faults) for task in PlanTask]
    if not _is_as_sent_back(experiment):
        return lines
    done, wrong = TaskState.DONE, TaskState.NEEDS_A_CHANGE
    return [replace(e, state=wrong) if e.state == done else e for e in lines]


def _is_as_sent_back(experiment: Experiment) -> bool:
    found = experiment.sent_back
    return found is not None and experiment.revision <= found["revision"]


def sent_back_in_words(experiment: Experiment) -> str | None:
    """Say who sent a plan back, and why; None where nobody did."""
    found = experiment.sent_back
    if found is None:
        return None
    return f"{found['name']} sent it back: {found['reason']}"


def _line(
    experiment: Experiment, task: PlanTask, faults: Mapping[str, str]
) -> TaskLine:
    title = TASK_NAMES[task]
    if task.value in experiment.open_tasks:
        begun = task in _BEGUN
        state = TaskState.IN_PROGRESS if begun else TaskState.NOT_STARTED
        return TaskLine(task, title, state)
    wrong = tuple(said for name, said in faults.items() if task_of(name) == task)
    state = TaskState.NEEDS_A_CHANGE if wrong else TaskState.DONE
    return TaskLine(task, title, state, tuple(_WORDS[task](experiment)), wrong)


def done_in_words(lines: Sequence[TaskLine]) -> str:
    """Say how far the plan is, as "5 of 6 done"."""
    done = sum(line.state == TaskState.DONE for line in lines)
    return f"{done} of {len(lines)} done"


def following(lines: Sequence[TaskLine]) -> PlanTask | None:
    """Find the first task that still needs an answer; None when all are done."""
    return next((line.task for line in lines if line.state != TaskState.DONE), None)


def is_whole(lines: Sequence[TaskLine]) -> bool:
    """Whether each task has an answer that nothing is wrong with."""
    return all(line.sentences and not line.faults for line in lines)


def _hypothesis(experiment: Experiment) -> list[str]:
    row = experiment.hypothesis
    versions = {
        m.metric_version.metric_id: m.metric_version for m in experiment.metrics
    }
    version = versions.get(row.metric_id)
    said = [f"{experiment.name}."]
    if version is not None:
        said.append(sentence(row, definition_from_json(version.definition)))
    if row.wrong_if:
        said.append(f"We would be wrong if: {row.wrong_if}")
    return said


def _segment(experiment: Experiment) -> list[str]:
    name = experiment.segment_version.segment.name
    said = [f"For {name}: {percent(experiment.coverage)} of them are enrolled."]
    if experiment.layer is not None:
        said.append(f"It excludes other experiments of the layer {experiment.layer}.")
    return said


def _variants(experiment: Experiment) -> list[str]:
    shares = [f"{v.name} {percent(v.share)}" for v in experiment.variants]
    said = [f"{joined(shares)}. {DRAWN[Unit(experiment.unit)]}."]
    if experiment.exposure_point:
        said.append(f"First difference seen: {experiment.exposure_point}")
    return said


def _metrics(experiment: Experiment) -> list[str]:
    names: dict[str, list[str]] = {role: [] for role in Role}
    for each in experiment.metrics:
        names[each.role].append(each.metric_version.metric.name)
    said = []
    if names[Role.PRIMARY]:
        said.append(f"{joined(names[Role.PRIMARY])} decides.")
    if names[Role.GUARDRAIL]:
        said.append(f"Must not get worse: {joined(names[Role.GUARDRAIL])}.")
    if names[Role.PRIMARY]:
        said.append(plan_in_words(experiment).rule)
    return said


def _duration(experiment: Experiment) -> list[str]:
    size = f"{count(experiment.planned_units)} {experiment.unit}s"
    return [
        f"{size} until {day(experiment.planned_end_at)}, all variants together.",
        f"{estimates_in_words(catalog.to_design(experiment))}.",
    ]


def _risk(experiment: Experiment) -> list[str]:
    if not experiment.risks:
        return ["It touches nothing that somebody else answers for."]
    touched = joined([RISK[Risk(risk)].lower() for risk in experiment.risks])
    return [
        f"It touches {touched}.",
        f"Has to be approved for {named(needed(experiment.risks))}.",
    ]


_WORDS = {
    PlanTask.HYPOTHESIS: _hypothesis,
    PlanTask.SEGMENT: _segment,
    PlanTask.VARIANTS: _variants,
    PlanTask.METRICS: _metrics,
    PlanTask.DURATION: _duration,
    PlanTask.RISK: _risk,
}
