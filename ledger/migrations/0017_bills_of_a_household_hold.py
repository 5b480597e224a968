"""Every bill has its household, and lies by day among that household's."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0016_fill_bills_of_a_household"),
    ]

    operations = [
        migrations.AlterField(
            model_name="bill",
            name="household",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ledger.household"
            ),
        ),
        migrations.RemoveIndex(
            model_name="bill",
            name="bill_open_by_day",
        ),
        migrations.AddIndex(
            model_name="bill",
            index=models.Index(
                fields=["household", "settled_on", "payable_on", "id"],
                condition=Q(is_needed=True, settled_on__isnull=True),
                name="bill_open_of_household",
            ),
        ),
        migrations.AddIndex(
            model_name="bill",
            index=models.Index(fields=["household", "payable_on", "id"], name="bill_of_household"),
        ),
        migrations.AddIndex(
            model_name="bill",
            index=models.Index(fields=["household"], condition=Q(presumed__gt=0), name="bill_presumed"),
        ),
    ]
