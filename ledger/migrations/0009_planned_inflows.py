import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0008_settling_bills"),
    ]

    operations = [
        migrations.AddField(
            model_name="fundingaccount",
            name="institution",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="fundingaccount",
            name="priority",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="PlannedInflow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("amount", models.BigIntegerField()),
                (
                    "repeats",
                    models.CharField(
                        choices=[
                            ("monthly", "every month"),
                            ("fortnightly", "every two weeks"),
                            ("weekly", "every week"),
                            ("once", "once"),
                        ],
                        max_length=12,
                    ),
                ),
                ("day", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("starts_on", models.DateField()),
                ("until", models.DateField(blank=True, null=True)),
                (
                    "shift",
                    models.CharField(
                        choices=[
                            ("same_day", "on that day all the same"),
                            ("previous_workday", "on the working day before"),
                            ("next_workday", "on the working day after"),
                        ],
                        default="same_day",
                        max_length=20,
                    ),
                ),
                ("holiday_calendar", models.CharField(blank=True, max_length=20)),
                ("planned_at", models.DateTimeField()),
                ("key", models.CharField(max_length=100)),
                ("fingerprint", models.CharField(max_length=64)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="inflows", to="ledger.fundingaccount"
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="inflows", to="ledger.household"
                    ),
                ),
                (
                    "planned_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("ended_at", None)), fields=["account"], name="inflow_live")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("household", "key"), name="inflow_key_once"),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="inflow_above_zero"),
                    models.CheckConstraint(
                        condition=models.Q(("repeats__in", ["monthly", "fortnightly", "weekly", "once"])),
                        name="inflow_repeats_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("shift__in", ["same_day", "previous_workday", "next_workday"])),
                        name="inflow_shift_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("day__isnull", False), ("day__range", (1, 31)), ("repeats", "monthly")),
                            models.Q(models.Q(("repeats", "monthly"), _negated=True), ("day__isnull", True)),
                            _connector="OR",
                        ),
                        name="inflow_day_of_month",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until__isnull", True), ("until__gte", models.F("starts_on")), _connector="OR"
                        ),
                        name="inflow_ends_after_start",
                    ),
                ],
            },
        ),
    ]
