"""Is the clockwork running? For monitors: 200 while every tick is recent, 503 otherwise."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from ledger import clock
from ledger.models import Heartbeat
from ledger.selectors.banners import late_jobs
from ledger.services.heartbeat import JOBS, MAIL


def healthz(request: HttpRequest) -> JsonResponse:
    """Each job's age in seconds since it last ended well; 503 if any is late or never ran. With `?ticks` a mail server
    that is away does not count: starting our processes again would not bring it back."""
    now = clock.now()
    late = [job for job in late_jobs(now) if job != MAIL or "ticks" not in request.GET]
    ages = {
        job: int((now - finished).total_seconds())
        for job, finished in Heartbeat.objects.filter(job__in=JOBS).values_list("job", "finished_at")
        if finished is not None
    }
    return JsonResponse({"ok": not late, "late": late, "seconds_since": ages}, status=503 if late else 200)
