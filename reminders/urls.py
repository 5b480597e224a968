"""The reminders' pages: one name from URL to view, template, service and test."""

from django.urls import path

from reminders import views
from reminders.views import channels

app_name = "reminders"
urlpatterns = [
    path("mailbox/", views.mailbox, name="mailbox"),
    path("mailbox/<str:name>/", views.message, name="message"),
    path("reminders/", views.reminders, name="reminders"),
    path("reminders/<int:reminder_id>/again/", views.send_again, name="send_again"),
    path("settings/reminders/", views.settings_page, name="settings"),
    path("settings/reminders/test/", views.send_test, name="send_test"),
    path("settings/reminders/channels/", channels.channels, name="channels"),
    path("settings/reminders/channels/<int:destination_id>/remove/", channels.remove_channel, name="remove_channel"),
    path("settings/reminders/channels/<int:destination_id>/change/", channels.change_channel, name="change_channel"),
    path("settings/reminders/channels/<int:destination_id>/test/", channels.test_channel, name="test_channel"),
    path("loans/<int:loan_id>/reminders/", views.loan_settings, name="loan_settings"),
]
