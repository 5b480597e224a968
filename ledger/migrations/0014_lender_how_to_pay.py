"""How a lender is paid, in the household's own words: for whoever has to take over."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0013_credit_record"),
    ]

    operations = [
        migrations.AddField(
            model_name="lender",
            name="how_to_pay",
            field=models.CharField(blank=True, default="", max_length=500),
            preserve_default=False,
        ),
    ]
