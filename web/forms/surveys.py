"""Forms of hosted surveys: what is asked, in which words, and of whom."""

from collections.abc import Mapping
from dataclasses import fields

from experiments.survey_inviting import MOST_AT_ONCE, Wish
from experiments.survey_kinds import Scale
from experiments.survey_links import LONGEST_DAYS
from experiments.surveys import LANGUAGES, SurveyTerms, Texts
from experiments.vocabulary import IdKind, SurveyKind
from web.forms.base import AbideForm
from web.forms.choices import Choice, Radios
from web.forms.fields import Text
from web.forms.numbers import Whole
from web.forms.values import key_from, pick
from web.presenters.survey_words import NAMES

KINDS = {
    SurveyKind.CSAT: "CSAT: how satisfied are they?",
    SurveyKind.NPS: "NPS: would they recommend you? From 0 to 10.",
    SurveyKind.CES: "CES: how easy was it?",
}
SCALES = ("1-5", "1-7", "0-10", "1-10", "1-4", "1-3", "1-2")
STATES = (("open", "Takes answers"), ("closed", "Is closed"))
LANGUAGE_CHOICES = [(code, NAMES[code]) for code in LANGUAGES]
PLAIN = {"spellcheck": "false", "autocomplete": "off"}


class TextsForm(AbideForm):
    """What customers read, in one language."""

    question = Text("Question", "One question; it is the heading of the page.")
    low_label = Text("What the lowest score means", 'Such as "very unhappy".')
    top_label = Text("What the highest score means", 'Such as "very happy".')
    comment = Text(
        "Question for a comment",
        "Leave it empty to ask for none. Comments are kept apart from scores.",
        optional=True,
    )
    thanks = Text(
        "Thanks", "Leave it empty for our own words.", longest=300, optional=True
    )

    def texts(self) -> Texts:
        """Build the value that experiments checks."""
        return Texts(
            **{part.name: str(self[part.name].data or "") for part in fields(Texts)}
        )

    def show(self, texts: Texts) -> None:
        """Fill in what is stored."""
        for part in fields(Texts):
            self[part.name].data = getattr(texts, part.name)


class TermsForm(AbideForm):
    """What of a survey may change, besides its words."""

    name = Text("Name", "As your team calls it.")
    wave = Text(
        "Wave",
        "Such as 2026-03. A customer answers a wave once; links made from now on"
        " belong to this one.",
        longest=64,
        render_kw=PLAIN,
    )
    language = Choice(
        "Main language",
        "For customers whose own language has no words here.",
        choices=LANGUAGE_CHOICES,
    )
    state = Radios("State", choices=STATES, default="open")

    def terms(self, texts: Mapping[str, Texts]) -> SurveyTerms:
        """Build the value that experiments checks."""
        return SurveyTerms(
            name=self.name.data or "",
            wave=self.wave.data or "",
            language=self.language.data or "",
            texts=texts,
            is_open=self.state.data == "open",
        )

    def show(self, terms: SurveyTerms) -> None:
        """Fill in what is stored."""
        self.name.data, self.wave.data = terms.name, terms.wave
        self.language.data = terms.language
        self.state.data = "open" if terms.is_open else "closed"


class SurveyForm(TextsForm):
    """A new survey, with its words in one language."""

    name = Text("Name", "As your team calls it.")
    kind = Radios(
        "What does it ask?",
        choices=[(kind.value, words) for kind, words in KINDS.items()],
        default=SurveyKind.CSAT.value,
    )
    scale = Choice(
        "Scale",
        "It cannot be changed later. For NPS it is 0 to 10.",
        choices=[(scale, scale.replace("-", " to ")) for scale in SCALES],
    )
    wave = Text(
        "Wave",
        "Such as 2026-03. A customer answers a wave once.",
        longest=64,
        render_kw=PLAIN,
    )
    language = Choice(
        "Language of these words",
        "You can add others afterwards.",
        choices=LANGUAGE_CHOICES,
    )
    key = Text(
        "Key",
        "The name that metrics know it by; it cannot be changed. Leave it empty to"
        " make it from the name.",
        longest=64,
        optional=True,
        render_kw=PLAIN,
    )

    @property
    def chosen_kind(self) -> SurveyKind:
        """What it asks about."""
        return pick(SurveyKind, self.kind.data)

    @property
    def chosen_scale(self) -> Scale:
        """The scale; of NPS there is one only."""
        scale = self.scale.data if self.scale.data in SCALES else SCALES[0]
        if self.chosen_kind == SurveyKind.NPS:
            scale = "0-10"
        low, top = scale.split("-")
        return Scale(int(low), int(top))

    @property
    def chosen_language(self) -> str:
        """The language of the words."""
        chosen = str(self.language.data or "")
        return chosen if chosen in LANGUAGES else LANGUAGES[0]

    def terms(self) -> SurveyTerms:
        """Build the value that experiments checks."""
        language = self.chosen_language
        return SurveyTerms(
            name=self.name.data or "",
            wave=self.wave.data or "",
            language=language,
            texts={language: self.texts()},
        )

    def new_key(self) -> str:
        """Take the key as typed, or make it from the name."""
        return str(self.key.data or key_from(self.name.data or "", "survey"))


class LinksForm(AbideForm):
    """Whose links are wanted."""

    customer_ids = Text(
        "Customer ids",
        f"One a line, as your apps send them, up to {MOST_AT_ONCE:,}. They are not"
        " stored.",
        longest=200_000,
        rows=8,
        render_kw=PLAIN,
    )
    id_kind = Radios(
        "Which ids are they?",
        choices=[
            (IdKind.CUSTOMER.value, "userId"),
            (IdKind.ANONYMOUS.value, "anonymousId"),
        ],
        default=IdKind.CUSTOMER.value,
    )
    days = Whole(
        "Days for which the links work", f"From 1 to {LONGEST_DAYS}.", default="30"
    )
    tells = Radios(
        "Do these customers count as asked?",
        "Choose no where your mail tool sends the invitation as an event itself.",
        choices=[("yes", "Yes, from now on"), ("no", "No")],
        default="yes",
    )

    def wish(self) -> Wish:
        """Build the value that experiments checks."""
        lines = (self.customer_ids.data or "").splitlines()
        return Wish(
            customer_ids=[line.strip() for line in lines if line.strip()],
            id_kind=pick(IdKind, self.id_kind.data),
            days=self.days.whole,
            tells=self.tells.data != "no",
        )


def text_faults(language: str) -> dict[str, str]:
    """Say which field of a form shows a fault of the words in one language."""
    return {f"texts.{language}.{part.name}": part.name for part in fields(Texts)}
