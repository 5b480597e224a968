"""Without the kind and the reason of a digest of what was missed, which was never written."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reminders", "0009_lost_leases"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="reminder",
            name="reminder_subject_of_its_kind",
        ),
        migrations.RemoveConstraint(
            model_name="reminder",
            name="reminder_superseded_with_reason",
        ),
        migrations.AlterField(
            model_name="reminder",
            name="kind",
            field=models.CharField(
                choices=[
                    ("step", "bill reminder"),
                    ("attempt_done", "debit done"),
                    ("attempt_failed", "failed debit"),
                    ("attempt_partial", "debit in part"),
                    ("confirm", "please confirm a debit"),
                    ("keep_on", "auto-repay fails again and again"),
                    ("shortfall", "account runs short"),
                    ("coupon", "coupon expires"),
                    ("promotion", "promotional rate ends"),
                    ("repricing", "the rate is set anew"),
                    ("lock_in", "early repayment becomes free"),
                    ("mandate_expiring", "auto-repay expires"),
                    ("paid_off", "loan paid off"),
                    ("digest", "monthly digest"),
                    ("test", "test mail"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="reminder",
            name="reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("settled", "nothing was left to pay"),
                    ("moved", "the bill moved to another day"),
                    ("overtaken", "a more urgent one took its place"),
                    ("switched_off", "switched off in the settings"),
                    ("archived", "the loan was put away"),
                    ("left", "the recipient left the household"),
                    ("muted", "the recipient does not want these"),
                    ("answered", "it was answered already"),
                    ("gone", "it no longer held by then"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("about_on__isnull", False),
                        ("account__isnull", True),
                        ("attempt__isnull", True),
                        ("bill__isnull", False),
                        ("kind__in", ["step"]),
                        ("loan__isnull", True),
                        models.Q(("step", ""), _negated=True),
                    ),
                    models.Q(
                        ("about_on__isnull", False),
                        ("account__isnull", True),
                        ("attempt__isnull", False),
                        ("bill__isnull", False),
                        ("kind__in", ["attempt_done", "attempt_failed", "attempt_partial", "confirm", "keep_on"]),
                        ("loan__isnull", True),
                        ("step", ""),
                    ),
                    models.Q(
                        ("about_on__isnull", False),
                        ("account__isnull", False),
                        ("attempt__isnull", True),
                        ("bill__isnull", True),
                        ("kind__in", ["shortfall"]),
                        ("loan__isnull", True),
                        models.Q(("step", ""), _negated=True),
                    ),
                    models.Q(
                        ("about_on__isnull", False),
                        ("account__isnull", True),
                        ("attempt__isnull", True),
                        ("bill__isnull", True),
                        ("kind__in", ["coupon", "promotion", "repricing", "lock_in", "mandate_expiring", "paid_off"]),
                        ("loan__isnull", False),
                    ),
                    models.Q(
                        ("about_on__isnull", False),
                        ("account__isnull", True),
                        ("attempt__isnull", True),
                        ("bill__isnull", True),
                        ("kind__in", ["digest"]),
                        ("loan__isnull", True),
                        ("step", ""),
                    ),
                    models.Q(
                        ("about_on__isnull", True),
                        ("account__isnull", True),
                        ("attempt__isnull", True),
                        ("bill__isnull", True),
                        ("kind__in", ["test"]),
                        ("loan__isnull", True),
                        ("step", ""),
                    ),
                    _connector="OR",
                ),
                name="reminder_subject_of_its_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="reminder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        (
                            "reason__in",
                            [
                                "settled",
                                "moved",
                                "overtaken",
                                "switched_off",
                                "archived",
                                "left",
                                "muted",
                                "answered",
                                "gone",
                            ],
                        ),
                        ("state", "superseded"),
                    ),
                    models.Q(("state", "superseded"), _negated=True),
                    _connector="OR",
                ),
                name="reminder_superseded_with_reason",
            ),
        ),
    ]
