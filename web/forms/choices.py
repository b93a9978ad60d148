"""Fields to choose in: a list, buttons of which one is pressed, boxes to tick."""

from collections.abc import Iterable, Sequence
from typing import Any

from wtforms import (  # type: ignore[import-untyped]
    Field,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    ValidationError,
)
from wtforms.widgets import (  # type: ignore[import-untyped]
    CheckboxInput,
    ListWidget,
)

Choices = Sequence[tuple[str, str]]
NONE = ("", "Choose")  # the empty line of a list


def options(pairs: Iterable[tuple[str, str]]) -> list[Any]:
    """Turn values and titles into what a list to choose from takes."""
    return [SelectChoice(value, title) for value, title in pairs]


def titles(field: Field) -> dict[str, str]:
    """Give value -> title of what a list offers."""
    return {choice.value: choice.label for choice in field.choices}


class Choice(SelectField):  # type: ignore[misc]
    """One of a list; `choices` may be set when the form is built.

    `needed` names what has to be chosen where the list begins with an empty line.
    """

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        choices: Iterable[tuple[str, str]] = (),
        optional: bool = False,
        needed: str = "",
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            label,
            description=description,
            choices=options(choices),
            validate_choice=False,
            **others,
        )
        self.needed = needed
        if optional:
            self.flags.optional = True

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse a value that the list does not hold; none at all is the empty one."""
        if (self.data or "") not in titles(self):
            raise ValidationError("Choose one from the list.")
        if self.needed and not self.data:
            raise ValidationError(f"Choose {self.needed}.")


class _AllShown(SelectField):  # type: ignore[misc]
    """A field that shows all it offers; what it holds is checked by its class."""

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        choices: Iterable[tuple[str, str]] = (),
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            label,
            description=description,
            choices=options(choices),
            validate_choice=False,
            **others,
        )


class Radios(_AllShown, RadioField):  # type: ignore[misc]
    """One of a few, all shown."""

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse a value that the list does not hold."""
        if self.data not in titles(self):
            raise ValidationError("Choose one.")


class Boxes(_AllShown, SelectMultipleField):  # type: ignore[misc]
    """Any of a few, each a box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: str, description: str = "", **others: Any) -> None:  # noqa: ANN401
        super().__init__(label, description, **others)
        self.flags.optional = True

    def pre_validate(self, form: object) -> None:  # noqa: ARG002  # WTForms' hook
        """Refuse a value that the list does not hold."""
        if set(self.data or ()) - titles(self).keys():
            raise ValidationError("Choose from the list only.")
