"""A paginator for lists of the admin whose tables have millions of rows."""

from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator

#: No list counts more rows than these, or has pages beyond them: searches, filters and sorting find the rest.
MAX_COUNTED = 10_000


class LargeTablePaginator(Paginator):  # type: ignore[type-arg]
    """Count at most `MAX_COUNTED` rows, and read the keys of a page before its rows.

    The database so skips keys in an index, not joined rows with all their columns.
    """

    @cached_property
    def is_capped(self) -> bool:
        """Whether there are more rows than are counted."""
        return self._counted > MAX_COUNTED

    @cached_property
    def count(self) -> int:
        return min(self._counted, MAX_COUNTED)

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: MAX_COUNTED + 1].count())

    def page(self, number: Any) -> Page[Any]:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        rows: Any = self.object_list
        keys = list(rows.values_list("pk", flat=True)[start : min(start + self.per_page, self.count)])
        return Page(rows.filter(pk__in=keys), number, self)
