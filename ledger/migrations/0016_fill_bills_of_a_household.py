"""Fill in the household of each bill and the sums of each loan; loans with late bills are projected again on the next
look, which works out the penalty to come."""

from django.db import migrations
from django.db.models import F, Max, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

PARTS = ("principal", "interest", "fee", "penalty")


def fill(apps, schema_editor):
    bills, loans = apps.get_model("ledger", "Bill").objects, apps.get_model("ledger", "Loan").objects
    household = loans.filter(pk=OuterRef("loan_id")).values("household_id")[:1]
    bills.filter(household=None).update(household_id=Subquery(household))
    paid = sum((F(f"{part}_paid") for part in PARTS[1:]), F(f"{PARTS[0]}_paid"))
    left = {part: F(f"{part}_due") - F(f"{part}_paid") - F(f"{part}_waived") for part in PARTS}
    open_ = sum((left[part] for part in PARTS[1:]), left[PARTS[0]])
    loans.update(
        open_total=_of_bills(bills, Sum(open_)),
        paid_total=_of_bills(bills, Sum(paid)),
        presumed_total=_of_bills(bills, Sum("presumed")),
        interest_left=_of_bills(bills, Sum(left["interest"])),
        fee_left=_of_bills(bills, Sum(left["fee"])),
    )
    last = bills.filter(loan=OuterRef("pk"), is_needed=True).order_by().values("loan")
    loans.update(ends_on=Subquery(last.annotate(last=Max("payable_on")).values("last")))
    late = bills.filter(is_needed=True, settled_on=None, payable_on__lt=F("loan__projected_on"))
    loans.filter(pk__in=late.values("loan")).update(next_change_on=F("projected_on"))


def _of_bills(bills, total):
    found = bills.filter(loan=OuterRef("pk"), is_needed=True).order_by().values("loan").annotate(total=total)
    return Coalesce(Subquery(found.values("total")), 0)


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0015_bills_of_a_household"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
