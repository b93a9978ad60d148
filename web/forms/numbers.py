"""Fields for numbers: as people type them, also in percent and with separators."""

import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from typing_extensions import override
from wtforms import ValidationError  # type: ignore[import-untyped]

from experiments.field_faults import LEAST_CHANGE, MAX_CHANGE
from web.forms.fields import Text
from web.presenters.formats import MINUS

MAX_DIGITS = 30
PERCENT = 100  # the scale of shares, which people type in percent
# As some languages write thousands: 20.000. Read as a fraction it would be 20.
_WITH_POINTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
# As pages write them: 12,480.
_WITH_SEPARATORS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")


class Number(Text):
    """A number; `scale` turns what is typed into the stored unit (100 for %).

    `unit` is how its bounds are read; a field in percent has its own. `steps` is what
    the buttons beside it add, as typed; "digit" for half of its first digit's place.
    """

    def __init__(
        self,
        label: str,
        description: str = "",
        *,
        scale: int = 1,
        low: float = -math.inf,
        high: float = math.inf,
        unit: str = "",
        steps: str = "",
        optional: bool = False,
        **others: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(
            label,
            description,
            longest=MAX_DIGITS,
            optional=optional,
            render_kw={"inputmode": "decimal", "autocomplete": "off"},
            **others,
        )
        self.scale, self.steps = scale, steps
        self.unit = unit or ("%" if scale == PERCENT else "")
        # As typed: rules about stored values would speak of shares where a person
        # typed percent.
        self.low, self.high = low, high
        # Left empty, it would be refused by those rules, in their unit.
        self.is_needed = math.isfinite(low) and not optional

    def within_metric(self, scale: int) -> None:
        """Ask for a change of a metric: of a rate in points, less than all of it.

        Args:
            scale: of the metric; 100 for a rate.
        """
        self.scale, self.low = scale, LEAST_CHANGE * scale
        self.high = 99.99 if scale == PERCENT else MAX_CHANGE
        self.unit = "points" if scale == PERCENT else ""

    @override
    def pre_validate(self, form: object) -> None:
        """Refuse what is not a number, or not in the range of the field."""
        super().pre_validate(form)
        found = self.decimal
        if self.data and found is None:
            raise ValidationError(self._how)
        is_inside = found is not None and self.low <= found <= self.high
        if not is_inside and (self.data or self.is_needed):
            raise ValidationError(f"Enter a number {self._range}.")

    @property
    def _range(self) -> str:
        low, high = (
            f"{Decimal(repr(bound)).normalize():,f}".replace("-", MINUS)
            for bound in (self.low, self.high)
        )
        if self.unit == "%":
            return f"from {low} % to {high} %"
        return f"from {low} to {high} {self.unit}".rstrip()

    @property
    def _how(self) -> str:
        if "," in (self.data or ""):
            return "Write the number as 1.5 or 12,480: a point before its fraction."
        return f"Enter a number, such as 1.5{' %' if self.unit == '%' else ''}."

    @property
    def decimal(self) -> Decimal | None:
        """The number as typed; None when there is none."""
        text = "".join((self.data or "").replace("\N{MINUS SIGN}", "-").split())
        if self.unit == "%":
            text = text.removesuffix("%")
        if _WITH_SEPARATORS.fullmatch(text):
            text = text.replace(",", "")
        try:
            value = Decimal(text)
        except InvalidOperation:
            return None
        # 1e999 is finite as a decimal and infinite as a float.
        return value if math.isfinite(float(value)) else None

    def next_to(self, way: int) -> Decimal | None:
        """Give the number one step away; None where there is none to step from.

        Args:
            way: 1 for more, -1 for less.

        Returns:
            As typed, within the bounds of the field.
        """
        now = self.decimal
        if now is None:
            return None
        if self.steps == "digit":
            size = Decimal((0, (5,), now.adjusted() - 1)) if now else Decimal(1)
        else:
            size = Decimal(self.steps)
        low, high = Decimal(repr(self.low)), Decimal(repr(self.high))
        return min(max(now + way * size, low), high)

    @property
    def value(self) -> float:
        """The number in the stored unit; NaN when there is none to read."""
        found = self.decimal
        return math.nan if found is None else float(found / self.scale)

    @property
    def value_or_none(self) -> float | None:
        """The number, or None when nothing was typed."""
        return self.value if self.data else None

    def show(self, value: float | None) -> None:
        """Put a stored value into the field, as a person would type it."""
        if value is None:
            self.data = ""
            return
        shown = (Decimal(repr(value)) * self.scale).normalize()
        self.data = f"{shown:f}"


class Whole(Number):
    """A whole number."""

    @override
    def pre_validate(self, form: object) -> None:
        """Refuse fractions too, and what is meant as thousands but does not say so."""
        text = "".join((self.data or "").split())
        if _WITH_POINTS.fullmatch(text):
            meant = int(text.replace(".", ""))
            raise ValidationError(f"Write {meant:,} or {meant}, without points.")
        super().pre_validate(form)
        found = self.decimal
        if found is not None and found != found.to_integral_value():
            raise ValidationError("Enter a whole number, such as 12.")

    @property
    def whole(self) -> int:
        """The number; 0 when there is none to read."""
        found = self.decimal
        if found is None or found != found.to_integral_value():
            return 0
        return int(found)
