"""What the calendar last said of each loan."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0010_fewer_indexes"),
        ("reminders", "0007_occasions"),
    ]

    operations = [
        migrations.CreateModel(
            name="CalendarEdition",
            fields=[
                (
                    "loan",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="calendar_edition",
                        serialize=False,
                        to="ledger.loan",
                    ),
                ),
                ("mark", models.CharField(max_length=32)),
                ("number", models.PositiveIntegerField(default=0)),
                ("changed_at", models.DateTimeField(null=True)),
            ],
        ),
    ]
