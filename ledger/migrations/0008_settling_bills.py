"""How, and until when, the bills of a loan settle simply."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0007_wider_mandates_hold"),
    ]

    operations = [
        migrations.AddField(
            model_name="bill",
            name="changes_after",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="loan",
            name="settling",
            field=models.CharField(blank=True, default="", max_length=10),
            preserve_default=False,
        ),
    ]
