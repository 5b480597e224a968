"""The ledger's pages: one name from URL to view, template, service and test."""

from django.urls import path

from ledger.views import (
    accounts,
    activity,
    add_loan,
    bills,
    cost,
    credit_lines,
    explain,
    facts,
    first_run,
    loan,
    members,
    overview,
    repayments,
    settings,
)

app_name = "ledger"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("bills/", bills.bills, name="bills"),
    path("activity/", activity.activity, name="activity"),
    path("repayments/new/", loan.choose_loan, name="choose_loan"),
    path("loans/new/", add_loan.add_loan, name="add_loan"),
    path("loans/<int:loan_id>/repayments/new/", repayments.record_repayment, name="record_repayment"),
    path("loans/<int:loan_id>/charges/new/", facts.record_charge, name="record_charge"),
    path("loans/<int:loan_id>/waivers/new/", facts.waive_charge, name="waive_charge"),
    path("loans/<int:loan_id>/rates/new/", facts.change_rate, name="change_rate"),
    path("loans/<int:loan_id>/deferrals/new/", facts.defer_bill, name="defer_bill"),
    path("loans/<int:loan_id>/figures/new/", facts.state_lender_figure, name="state_lender_figure"),
    path("loans/<int:loan_id>/", loan.loan, name="loan"),
    path("loans/<int:loan_id>/cost/", cost.loan_cost, name="loan_cost"),
    path("loans/<int:loan_id>/explain/<str:cell>/", explain.explain_amount, name="explain_amount"),
    path("loans/<int:loan_id>/facts/<int:fact_id>/undo/", loan.reverse_fact, name="reverse_fact"),
    path("loans/<int:loan_id>/facts/<int:fact_id>/confirm/", loan.confirm_repayment, name="confirm_repayment"),
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/new/", accounts.add_account, name="add_account"),
    path("accounts/<int:account_id>/balance/", accounts.state_balance, name="state_balance"),
    path("loans/<int:loan_id>/auto-repay/", accounts.mandate, name="mandate"),
    path("start/", first_run.first_run, name="first_run"),
    path("credit-lines/new/", credit_lines.add_credit_line, name="add_credit_line"),
    path("settings/", settings.settings, name="settings"),
    path("settings/members/", members.members, name="members"),
    path("settings/members/<int:member_id>/", members.change_member, name="change_member"),
    path("settings/household/", members.choose_household, name="choose_household"),
]
