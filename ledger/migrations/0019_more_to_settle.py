"""Two more items of the settlement checklist: insurance sold with the loan, and a look at the credit report."""

from django.db import migrations, models
from django.db.models import Q

CONSTRAINT = "paperwork_of_document_or_item"
ITEMS = ["proof", "auto_debit", "credit_line", "insurance", "collateral", "report"]


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0018_facts_as_they_were_recorded"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="paperwork", name=CONSTRAINT),
        migrations.AlterField(
            model_name="paperwork",
            name="item",
            field=models.CharField(
                blank=True,
                choices=[
                    ("proof", "Proof of settlement received"),
                    ("auto_debit", "Auto-debit canceled"),
                    ("credit_line", "Credit line closed"),
                    ("insurance", "Insurance canceled"),
                    ("collateral", "Collateral released"),
                    ("report", "Credit report checked"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="paperwork",
            constraint=models.CheckConstraint(
                condition=Q(deed__in=["attached", "removed"], document__isnull=False, item="")
                | Q(deed__in=["done", "waived", "open"], document=None, item__in=ITEMS),
                name=CONSTRAINT,
            ),
        ),
    ]
