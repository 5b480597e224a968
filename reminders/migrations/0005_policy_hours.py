"""Quiet hours are the household's own now: a reminder may be set to any hour of the day."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("reminders", "0004_occasions_and_channels")]

    operations = [
        migrations.RemoveConstraint(model_name="reminderpolicy", name="policy_hour_outside_quiet_hours"),
        migrations.AddConstraint(
            model_name="reminderpolicy",
            constraint=models.CheckConstraint(
                condition=Q(hour__lte=23, quiet_from__lte=23, quiet_until__lte=23), name="policy_hours_of_a_day"
            ),
        ),
    ]
