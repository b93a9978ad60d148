"""The form of "Why did this customer get this?"."""

from web.forms.base import AbideForm
from web.forms.fields import Json, Text


class ExplainForm(AbideForm):
    """Whom to explain an assignment for."""

    unit = Text(
        "Id of the customer",
        "As your app sends it. It is not stored, and stands in no address or log.",
        longest=512,
        render_kw={"spellcheck": "false", "autocomplete": "off"},
    )
    attributes = Json(
        "What your app knows of the customer",
        'Attributes as a JSON object, such as {"plan": "pro", "tenure_days": 41}. The'
        " segment decides by them.",
        rows=4,
    )
