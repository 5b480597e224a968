"""The ledger's pages: one name from URL to view, template, service and test."""

from django.urls import path

app_name = "ledger"
urlpatterns: list = []
