"""What went out together: the Message-ID of the letter that a message was last handed over in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("reminders", "0005_policy_hours")]

    operations = [
        migrations.AddField(
            model_name="reminder",
            name="letter",
            field=models.CharField(blank=True, default="", max_length=200),
            preserve_default=False,
        ),
    ]
