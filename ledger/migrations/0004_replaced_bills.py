from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0003_benchmark_rates"),
    ]

    operations = [
        migrations.AddField(
            model_name="bill",
            name="is_replaced",
            field=models.BooleanField(default=False),
        ),
    ]
