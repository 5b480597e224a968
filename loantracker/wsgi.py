"""The door for web servers: `loantracker.wsgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loantracker.settings")
application = get_wsgi_application()
