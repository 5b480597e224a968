"""The new columns hold, and the old ones go."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_fill_wider_mandates")]

    operations = [
        migrations.AlterField(
            model_name="autorepayattempt",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.RESTRICT, related_name="attempts", to="ledger.fundingaccount"
            ),
        ),
        migrations.RemoveField(
            model_name="autorepaymandate",
            name="account",
        ),
        migrations.RemoveField(
            model_name="autorepaymandate",
            name="failures",
        ),
        migrations.RemoveField(
            model_name="autorepaymandate",
            name="next_debit_at",
        ),
        migrations.RemoveField(
            model_name="autorepaymandate",
            name="trouble",
        ),
        migrations.AddConstraint(
            model_name="autorepayattempt",
            constraint=models.UniqueConstraint(fields=("bill", "window_at", "account"), name="attempt_window_once"),
        ),
        migrations.AddConstraint(
            model_name="autorepayattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["success", "partial", "presumed", "failed", "skipped"])),
                name="attempt_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepayattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "reason__in",
                        ["", "insufficient", "card_limit", "card_closed", "mandate_expired", "lender_outage", "other"],
                    )
                ),
                name="attempt_reason_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepayattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("debited__gt", 0),
                        ("outcome__in", ["success", "partial", "presumed"]),
                        ("repayment__isnull", False),
                    ),
                    models.Q(("debited", 0), ("outcome__in", ["failed", "skipped"]), ("repayment__isnull", True)),
                    _connector="OR",
                ),
                name="attempt_repayment_where_debited",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepayattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "failed"), ("reason__gt", "")),
                    models.Q(("outcome", "failed"), _negated=True),
                    _connector="OR",
                ),
                name="attempt_failed_for_a_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepayattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("missing__gte", 0), ("requested__gte", models.F("debited"))),
                name="attempt_amounts_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None), ("loan__isnull", False)),
                fields=("loan",),
                name="mandate_one_live_a_loan",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("credit_line__isnull", False), ("ended_at", None)),
                fields=("credit_line",),
                name="mandate_one_live_a_line",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None), ("lender__isnull", False)),
                fields=("lender", "currency"),
                name="mandate_one_live_a_lender",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("credit_line", None), ("lender", None), ("loan__isnull", False)),
                    models.Q(("credit_line__isnull", False), ("lender", None), ("loan", None)),
                    models.Q(("credit_line", None), ("lender__isnull", False), ("loan", None)),
                    _connector="OR",
                ),
                name="mandate_of_one_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["bill", "full", "minimum", "fixed"])), name="mandate_mode_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("fixed_amount__gt", 0), ("fixed_amount__isnull", False), ("mode", "fixed")),
                    models.Q(models.Q(("mode", "fixed"), _negated=True), ("fixed_amount", None)),
                    _connector="OR",
                ),
                name="mandate_fixed_amount_where_needed",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("cap", None), ("cap__gt", 0), _connector="OR"), name="mandate_cap_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("day_offset__in", [-1, 0])), name="mandate_day_offset_0_or_1_before"
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_on", None), ("expires_on__gte", models.F("started_on")), _connector="OR"),
                name="mandate_expires_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="autorepaymandate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("resumes_on", None),
                    models.Q(("paused_on__isnull", False), ("resumes_on__gt", models.F("paused_on"))),
                    _connector="OR",
                ),
                name="mandate_resumes_after_pause",
            ),
        ),
        migrations.AddConstraint(
            model_name="mandatesource",
            constraint=models.UniqueConstraint(fields=("mandate", "position"), name="mandate_source_position_once"),
        ),
        migrations.AddConstraint(
            model_name="mandatesource",
            constraint=models.UniqueConstraint(fields=("mandate", "account"), name="mandate_source_account_once"),
        ),
    ]
