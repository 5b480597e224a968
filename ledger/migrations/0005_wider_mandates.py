"""Mandates of more than one loan, from more than one account: the new columns."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_replaced_bills")]

    operations = [
        migrations.CreateModel(
            name="MandateSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="autorepayattempt",
            name="attempt_window_once",
        ),
        migrations.RemoveConstraint(
            model_name="autorepayattempt",
            name="attempt_outcome_known",
        ),
        migrations.RemoveConstraint(
            model_name="autorepayattempt",
            name="attempt_repayment_where_debited",
        ),
        migrations.RemoveConstraint(
            model_name="autorepayattempt",
            name="attempt_amounts_not_negative",
        ),
        migrations.RemoveConstraint(
            model_name="autorepaymandate",
            name="mandate_one_live_a_loan",
        ),
        migrations.RemoveIndex(
            model_name="autorepaymandate",
            name="mandate_next_debit",
        ),
        migrations.AddField(
            model_name="autorepayattempt",
            name="account",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="attempts",
                to="ledger.fundingaccount",
            ),
        ),
        migrations.AddField(
            model_name="autorepayattempt",
            name="debited",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="autorepayattempt",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("insufficient", "Not enough money in the account"),
                    ("card_limit", "The card’s limit was reached"),
                    ("card_closed", "The card is closed or lost"),
                    ("mandate_expired", "The permission to debit had ended"),
                    ("lender_outage", "The lender’s systems were down"),
                    ("other", "Another reason, or not known"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="ask_after",
            field=models.PositiveSmallIntegerField(default=3),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="asked_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="cap",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="credit_line",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="mandates", to="ledger.creditline"
            ),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="currency",
            field=models.CharField(default="", max_length=3),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="daily",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="day_offset",
            field=models.SmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="expires_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="fixed_amount",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="kept_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="lender",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="mandates", to="ledger.lender"
            ),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="mode",
            field=models.CharField(
                choices=[
                    ("bill", "this loan’s bill"),
                    ("full", "everything due, what is overdue included"),
                    ("minimum", "the minimum payment"),
                    ("fixed", "a fixed amount"),
                ],
                default="bill",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="partial",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="paused_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="priority",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="resumes_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="retry_days",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="retry_windows",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="tries_a_day",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="trust_days",
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="loan",
            name="auto_repay_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="loan",
            name="auto_repay_failures",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="loan",
            name="auto_repay_trouble",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="loan",
            name="bears_penalty",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="loan",
            name="mandate",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="covered_loans",
                to="ledger.autorepaymandate",
            ),
        ),
        migrations.AlterField(
            model_name="autorepayattempt",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("success", "debited"),
                    ("partial", "debited in part"),
                    ("presumed", "presumed debited"),
                    ("failed", "failed"),
                    ("skipped", "already paid"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="autorepaymandate",
            name="account",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="mandates",
                to="ledger.fundingaccount",
            ),
        ),
        migrations.AlterField(
            model_name="autorepaymandate",
            name="loan",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="mandates", to="ledger.loan"
            ),
        ),
        migrations.AddIndex(
            model_name="loan",
            index=models.Index(
                condition=models.Q(("auto_repay_at__isnull", False)), fields=["auto_repay_at"], name="loan_auto_repay"
            ),
        ),
        migrations.AddField(
            model_name="mandatesource",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.RESTRICT, related_name="+", to="ledger.fundingaccount"
            ),
        ),
        migrations.AddField(
            model_name="mandatesource",
            name="mandate",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="sources", to="ledger.autorepaymandate"
            ),
        ),
        migrations.AddField(
            model_name="autorepaymandate",
            name="accounts",
            field=models.ManyToManyField(
                related_name="mandates", through="ledger.MandateSource", to="ledger.fundingaccount"
            ),
        ),
    ]
