"""How often a worker died over each message."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0008_calendar_editions"),
    ]

    operations = [
        migrations.AddField(
            model_name="reminder",
            name="lost_leases",
            field=models.PositiveSmallIntegerField(default=0),
        ),
    ]
