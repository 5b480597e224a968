from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0004_replaced_bills"),
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
