"""The reminders's pages: one name from URL to view, template, service and test."""

app_name = "reminders"
urlpatterns: list = []
