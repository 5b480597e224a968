"""Bills know their household, late ones the penalty to come, and loans what their bills come to."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0014_lender_how_to_pay"),
    ]

    operations = [
        migrations.AddField(
            model_name="bill",
            name="household",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="ledger.household",
            ),
        ),
        migrations.AddField(
            model_name="bill",
            name="penalty_next",
            field=models.BigIntegerField(null=True),
        ),
        *(
            migrations.AddField(
                model_name="loan",
                name=name,
                field=models.BigIntegerField(default=0),
            )
            for name in ("open_total", "paid_total", "presumed_total", "interest_left", "fee_left")
        ),
        migrations.AddField(
            model_name="loan",
            name="ends_on",
            field=models.DateField(null=True),
        ),
    ]
