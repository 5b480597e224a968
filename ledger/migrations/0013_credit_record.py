"""What a household says for its credit record: its income, and how long adverse marks are kept where it borrows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0012_secured_loans"),
    ]

    operations = [
        migrations.AddField(
            model_name="household",
            name="monthly_income",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="household",
            name="income_currency",
            field=models.CharField(blank=True, max_length=3),
        ),
        migrations.AddField(
            model_name="household",
            name="marks_kept_years",
            field=models.PositiveSmallIntegerField(default=5),
        ),
        migrations.AddField(
            model_name="household",
            name="marks_kept_from",
            field=models.CharField(default="end", max_length=5),
        ),
        migrations.AddConstraint(
            model_name="household",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("monthly_income", None),
                    models.Q(("income_currency__gt", ""), ("monthly_income__gt", 0)),
                    _connector="OR",
                ),
                name="household_income_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="household",
            constraint=models.CheckConstraint(
                condition=models.Q(("marks_kept_from__in", ["end", "start"])),
                name="household_marks_kept_from_known",
            ),
        ),
    ]
