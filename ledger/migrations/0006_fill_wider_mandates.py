"""Existing mandates and attempts in their new columns."""

from django.db import migrations
from django.db.models import F, OuterRef, Subquery


def fill(apps, schema_editor):
    mandates, sources = apps.get_model("ledger", "AutoRepayMandate"), apps.get_model("ledger", "MandateSource")
    attempts, loans = apps.get_model("ledger", "AutoRepayAttempt"), apps.get_model("ledger", "Loan")
    currency = loans.objects.filter(pk=OuterRef("loan")).values("currency")
    mandates.objects.update(currency=Subquery(currency), retry_days=[1, 2, 3, 4, 5])
    rows = mandates.objects.values_list("pk", "account_id")
    sources.objects.bulk_create([sources(mandate_id=pk, account_id=account, position=1) for pk, account in rows])
    for mandate in mandates.objects.filter(ended_at=None):
        moved = {"auto_repay_at": mandate.next_debit_at, "auto_repay_failures": mandate.failures}
        moved["auto_repay_trouble"] = mandate.trouble
        loans.objects.filter(pk=mandate.loan_id).update(mandate=mandate, **moved)
    account = mandates.objects.filter(pk=OuterRef("mandate")).values("account")
    attempts.objects.update(account=Subquery(account))
    attempts.objects.filter(outcome="insufficient").update(outcome="failed", reason="insufficient")
    attempts.objects.filter(repayment__isnull=False).update(debited=F("requested"))
    # Whatever else is computed anew by this version, the tick will: it takes every loan for overtaken by a day.
    loans.objects.filter(projected_on__isnull=False).update(next_change_on=F("projected_on"))


def unfill(apps, schema_editor):
    mandates, loans = apps.get_model("ledger", "AutoRepayMandate"), apps.get_model("ledger", "Loan")
    attempts = apps.get_model("ledger", "AutoRepayAttempt")
    for source in apps.get_model("ledger", "MandateSource").objects.filter(position=1):
        mandates.objects.filter(pk=source.mandate_id).update(account=source.account_id)
    for loan in loans.objects.exclude(mandate=None):
        back = {"next_debit_at": loan.auto_repay_at, "failures": loan.auto_repay_failures}
        mandates.objects.filter(pk=loan.mandate_id, loan=loan).update(trouble=loan.auto_repay_trouble, **back)
    attempts.objects.filter(outcome="failed").update(outcome="insufficient")
    # What could not be said before: of a debit in part, what it took is all there was of it.
    attempts.objects.filter(outcome="partial").update(outcome="success", requested=F("debited"), missing=0)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_wider_mandates")]

    operations = [migrations.RunPython(fill, unfill)]
