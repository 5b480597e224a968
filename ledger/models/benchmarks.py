"""What a household knows of published rates beyond those that are shipped."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from ledger.models.append_only import AppendOnly
from ledger.models.people import Household


class BenchmarkRate(AppendOnly):
    """The yearly rate a series has had since a day, as a member of the household found it; None: it did not change on
    that day after all. It stands in place of a shipped rate of that day, and of what was recorded for it before."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="benchmark_rates")
    series = models.CharField(max_length=30)
    effective_on = models.DateField()
    annual_rate = models.DecimalField(max_digits=14, decimal_places=10, null=True)
    source = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["household", "key"], name="benchmark_rate_key_once"),
            models.CheckConstraint(
                condition=Q(annual_rate__isnull=True) | Q(annual_rate__range=(0, 10)), name="benchmark_rate_possible"
            ),
        ]
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.series} from {self.effective_on}"
