"""Documents kept with loans, and what is done about a loan beside its money."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0010_fewer_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Document",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("contract", "Contract"),
                            ("receipt", "Receipt"),
                            ("statement", "Statement"),
                            ("proof", "Proof of settlement"),
                            ("other", "Something else"),
                        ],
                        max_length=10,
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("application/pdf", "PDF"),
                            ("image/jpeg", "JPEG"),
                            ("image/png", "PNG"),
                            ("image/webp", "WebP"),
                            ("image/heic", "HEIC"),
                        ],
                        max_length=20,
                    ),
                ),
                ("size", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("storage", models.CharField(max_length=32, unique=True)),
                ("attached_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(null=True)),
                ("key", models.CharField(max_length=100)),
                ("fingerprint", models.CharField(max_length=64)),
                (
                    "attached_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "fact",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="documents",
                        to="ledger.fact",
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="documents", to="ledger.household"
                    ),
                ),
                (
                    "loan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="documents", to="ledger.loan"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("household", "key"), name="document_key_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["contract", "receipt", "statement", "proof", "other"])),
                        name="document_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "type__in",
                                ["application/pdf", "image/jpeg", "image/png", "image/webp", "image/heic"],
                            )
                        ),
                        name="document_type_known",
                    ),
                    models.CheckConstraint(condition=models.Q(("size__gt", 0)), name="document_not_empty"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Paperwork",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("deed", models.CharField(max_length=10)),
                (
                    "item",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("proof", "Proof of settlement received"),
                            ("auto_debit", "Auto-debit canceled"),
                            ("credit_line", "Credit line closed"),
                            ("collateral", "Collateral released"),
                        ],
                        max_length=12,
                    ),
                ),
                ("recorded_at", models.DateTimeField()),
                (
                    "document",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="paperwork",
                        to="ledger.document",
                    ),
                ),
                (
                    "household",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="ledger.household",
                    ),
                ),
                (
                    "loan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="paperwork", to="ledger.loan"
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "paperwork",
                "indexes": [
                    models.Index(fields=["household", "-recorded_at", "-id"], name="paperwork_newest"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("document", "deed"), name="paperwork_document_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("deed__in", ["attached", "removed"]), ("document__isnull", False), ("item", "")),
                            models.Q(
                                ("deed__in", ["done", "waived", "open"]),
                                ("document", None),
                                ("item__in", ["proof", "auto_debit", "credit_line", "collateral"]),
                            ),
                            _connector="OR",
                        ),
                        name="paperwork_of_document_or_item",
                    ),
                ],
            },
        ),
    ]
