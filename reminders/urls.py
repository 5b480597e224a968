"""The reminders' pages: one name from URL to view, template, service and test."""

from django.urls import path

from reminders import views
from reminders.views import calendar, channels, mail_actions

app_name = "reminders"
urlpatterns = [
    path("mailbox/", views.mailbox, name="mailbox"),
    path("mailbox/<str:name>/", views.message, name="message"),
    path("reminders/", views.reminders, name="reminders"),
    path("reminders/<int:reminder_id>/again/", views.send_again, name="send_again"),
    path("settings/reminders/", views.settings_page, name="settings"),
    path("settings/reminders/mine/", views.choose, name="choose"),
    path("settings/reminders/preview/", views.preview, name="preview"),
    path("settings/reminders/test/", views.send_test, name="send_test"),
    path("settings/reminders/channels/", channels.channels, name="channels"),
    path("settings/reminders/channels/<int:destination_id>/remove/", channels.remove_channel, name="remove_channel"),
    path("settings/reminders/channels/<int:destination_id>/change/", channels.change_channel, name="change_channel"),
    path("settings/reminders/channels/<int:destination_id>/test/", channels.test_channel, name="test_channel"),
    path("loans/<int:loan_id>/bills/<int:number>/reminders/", views.bill_reminders, name="bill_reminders"),
    path("loans/<int:loan_id>/reminders/", views.loan_settings, name="loan_settings"),
    path("calendar/<str:token>.ics", calendar.calendar, name="calendar"),
    path("settings/reminders/calendar/", calendar.calendar_settings, name="calendar_settings"),
    path("loans/<int:loan_id>/calendar.ics", calendar.loan_calendar, name="loan_calendar"),
    path("act/<str:token>/", mail_actions.act, name="act"),
    path("unsubscribe/<str:token>/", mail_actions.unsubscribe, name="unsubscribe"),
]
