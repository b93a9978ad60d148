"""Lists in pages."""

from api.schemas.fields import Count, Items, Part, StrictSchema, Text

DEFAULT_LIMIT = 50
MAX_LIMIT = 100
MAX_CURSOR = 500


class PageQuery(StrictSchema):
    """What a list may be asked."""

    limit = Count(
        MAX_LIMIT,
        load_default=DEFAULT_LIMIT,
        metadata={"description": "How many items to give at most."},
    )
    cursor = Text(
        metadata={
            "description": "The next_cursor of the page before; leave it out at first.",
            "maxLength": MAX_CURSOR,
        },
    )


def page_schema(item: type[StrictSchema]) -> type[StrictSchema]:
    """Make the schema of one page of `item`s."""
    name = item.__name__.removesuffix("Schema")
    fields = {
        "items": Items(Part(item), required=True),
        "next_cursor": Text(
            required=True,
            allow_none=True,
            metadata={"description": "Ask for the next page with it; null at the end."},
        ),
    }
    return type(f"{name}PageSchema", (StrictSchema,), fields)
