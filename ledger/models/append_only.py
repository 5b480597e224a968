"""Rows that are only ever added: a mistake is answered by another row."""

from __future__ import annotations

from typing import Any

from django.db import models

from ledger.querysets import AppendOnlyQuerySet


class AppendOnly(models.Model):
    """A row that cannot be changed or deleted once it is recorded."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} rows are never changed: add a reversal.")
        kwargs["force_insert"] = True
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"{type(self).__name__} rows are never deleted: add a reversal.")
