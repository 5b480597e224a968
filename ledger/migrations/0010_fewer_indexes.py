"""Indexes that another one begins with, or that nobody asks for, go."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0009_planned_inflows"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accountentry",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="entries",
                to="ledger.fundingaccount",
            ),
        ),
        migrations.AlterField(
            model_name="accountentry",
            name="household",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="ledger.household"
            ),
        ),
        migrations.AlterField(
            model_name="allocation",
            name="repayment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="allocations",
                to="ledger.fact",
            ),
        ),
        migrations.AlterField(
            model_name="autorepayattempt",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="attempts",
                to="ledger.fundingaccount",
            ),
        ),
        migrations.AlterField(
            model_name="autorepayattempt",
            name="bill",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="attempts", to="ledger.bill"
            ),
        ),
        migrations.AlterField(
            model_name="bill",
            name="loan",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="bills", to="ledger.loan"
            ),
        ),
        migrations.AlterField(
            model_name="fact",
            name="account",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="repayments",
                to="ledger.fundingaccount",
            ),
        ),
        migrations.AlterField(
            model_name="fact",
            name="household",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="facts", to="ledger.household"
            ),
        ),
        migrations.AlterField(
            model_name="fact",
            name="loan",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="facts", to="ledger.loan"
            ),
        ),
        migrations.AlterField(
            model_name="fact",
            name="recorded_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="loan",
            name="household",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="loans", to="ledger.household"
            ),
        ),
    ]
