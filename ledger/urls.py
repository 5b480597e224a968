"""The ledger's pages: one name from URL to view, template, service and test."""

from django.urls import path

from ledger.views import activity, bills, loan, overview

app_name = "ledger"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("bills/", bills.bills, name="bills"),
    path("activity/", activity.activity, name="activity"),
    path("repayments/new/", loan.choose_loan, name="choose_loan"),
    path("loans/<int:loan_id>/", loan.loan, name="loan"),
    path("loans/<int:loan_id>/facts/<int:fact_id>/undo/", loan.reverse_fact, name="reverse_fact"),
    path("loans/<int:loan_id>/facts/<int:fact_id>/confirm/", loan.confirm_repayment, name="confirm_repayment"),
]
