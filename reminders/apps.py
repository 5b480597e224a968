"""The reminders app: telling people in time."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save

NOT_PLANNED = ""  # for no time zone: what is planned for another one is planned anew


class RemindersConfig(AppConfig):
    name = "reminders"

    def ready(self) -> None:
        post_save.connect(self.plan_for_newcomer, sender="ledger.Membership")

    def plan_for_newcomer(self, instance: Any, *, created: bool, **_: Any) -> None:
        """Whoever joins a household is told of what comes from the next tick on, also of what was planned before."""
        if created:
            steps = self.get_model("LoanWatch")._default_manager.filter(loan__household=instance.household_id)
            steps.update(time_zone=NOT_PLANNED)
            occasions = self.get_model("OccasionWatch")._default_manager.filter(household=instance.household_id)
            occasions.update(time_zone=NOT_PLANNED)
