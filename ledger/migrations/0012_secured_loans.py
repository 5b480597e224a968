"""Whether something is pledged for a loan, to be given back once it is paid off."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0011_documents"),
    ]

    operations = [
        migrations.AddField(
            model_name="loan",
            name="is_secured",
            field=models.BooleanField(default=False),
        ),
    ]
