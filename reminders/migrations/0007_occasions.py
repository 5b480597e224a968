"""Watching households for occasions, and a reason for what no longer holds."""

import django.db.models.deletion
from django.db import migrations, models

REASONS = [
    ("settled", "nothing was left to pay"),
    ("moved", "the bill moved to another day"),
    ("overtaken", "a more urgent one took its place"),
    ("switched_off", "switched off in the settings"),
    ("archived", "the loan was put away"),
    ("left", "the recipient left the household"),
    ("muted", "the recipient does not want these"),
    ("digested", "one message told of everything missed"),
    ("answered", "it was answered already"),
    ("gone", "it no longer held by then"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0010_fewer_indexes"),
        ("reminders", "0006_letters"),
    ]

    operations = [
        migrations.CreateModel(
            name="OccasionWatch",
            fields=[
                (
                    "household",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="occasion_watch",
                        serialize=False,
                        to="ledger.household",
                    ),
                ),
                ("time_zone", models.CharField(max_length=64)),
                ("planned_on", models.DateField()),
                ("next_at", models.DateTimeField(null=True)),
                ("seen", models.BigIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(model_name="reminder", name="reminder_superseded_with_reason"),
        migrations.AlterField(
            model_name="reminder",
            name="reason",
            field=models.CharField(blank=True, choices=REASONS, max_length=20),
        ),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.CheckConstraint(
                condition=models.Q(reason__in=[name for name, _label in REASONS], state="superseded")
                | ~models.Q(state="superseded"),
                name="reminder_superseded_with_reason",
            ),
        ),
    ]
