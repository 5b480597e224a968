"""A household's facts lie together as they were recorded: as the activity page lists them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0017_bills_of_a_household_hold")]

    operations = [
        migrations.RemoveIndex(model_name="fact", name="fact_household_newest"),
        migrations.AddIndex(
            model_name="fact",
            index=models.Index(fields=["household", "-recorded_at", "-id"], name="fact_household_recorded"),
        ),
    ]
