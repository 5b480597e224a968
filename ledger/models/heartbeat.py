"""When each recurring job last began and last ended well."""

from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    job = models.CharField(max_length=50, primary_key=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.job
