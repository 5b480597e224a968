"""What breaks, by name: each scenario lets `kills` faults strike while bills come due, and leaves the rest to `run`."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event, Thread

from dateutil.relativedelta import relativedelta

from loantracker.celery import app
from tests.faults.forms import at_once, repayment, repayment_path
from tests.faults.invariants import Acknowledged, out_of_order
from tests.faults.mails import Mails
from tests.faults.processes import restart
from tests.faults.run import Run

TABS = 10
COPIES = 20
FREEZE = 2.0  # seconds past the visibility timeout for which a worker is stopped
QUICK = 5.0  # seconds within which a form is answered without Redis; it is promised within one, on an idle machine
DAY = 86_400
EVERYWHERE_MORNING = 18  # o'clock UTC: in no household's zone is it between midnight and the first debit


def kill_workers(run: Run, kills: int) -> None:
    """A worker is killed, whatever it is doing, and started again."""
    run.begin()
    for _ in range(kills):
        run.arrive(4)
        run.pause()
        run.fault(lambda: run.kill_any(run.product.workers))


def beat_faults(run: Run, kills: int) -> None:
    """A beat, or both of them, is killed and started again."""
    run.begin()
    for _ in range(kills):
        run.arrive(3)
        run.pause()
        both = run.random.random() < 0.3

        def strike(both: bool = both) -> None:
            for beat in run.product.beats if both else [run.random.choice(run.product.beats)]:
                restart(beat)

        run.fault(strike)


def power_cut(run: Run, kills: int) -> None:
    """Everything is killed at once, Redis and the web server too, while two people keep sending forms."""
    run.begin()
    over = Event()

    def keep_sending(who: int) -> None:
        home = run.world.homes[who]
        browser, loan = run.browser(home), loans[who]
        while not over.is_set():
            run.send_form(browser, home, loan)
            time.sleep(0.05)

    loans = [run.world.by_hand(home).pk for home in run.world.homes[:2]]
    people = [Thread(target=keep_sending, args=(who,)) for who in (0, 1)]
    for person in people:
        person.start()
    try:
        for _ in range(kills):
            run.arrive(6)
            run.pause(1)
            run.fault(run.product.kill)
            run.product.start(CLOCK_OFFSET_SECONDS=str(run.offset))
            run.ticks(run.now)
    finally:
        over.set()
        for person in people:
            person.join()


def redis_faults(run: Run, kills: int) -> None:
    """Redis is killed, wiped, stopped for seconds, or does not answer; forms are answered all the same."""
    run.begin()
    home = run.world.homes[0]
    browser, loan = run.browser(home), run.world.by_hand(home).pk
    run.send_form(browser, home, loan)  # the first one waits for the server to load
    redis = run.product.redis
    slowest = 0.0

    def off() -> None:
        nonlocal slowest
        redis.process.kill()
        slowest = max(slowest, run.send_form(browser, home, loan))
        run.pause(5)
        redis.start()

    def frozen() -> None:
        nonlocal slowest
        redis.process.send(signal.SIGSTOP)
        slowest = max(slowest, run.send_form(browser, home, loan))
        run.pause(3)
        redis.process.send(signal.SIGCONT)

    strikes = [redis.restart, redis.wipe, off, frozen]
    for number in range(kills):
        run.arrive(3)
        run.pause()
        run.fault(strikes[number % len(strikes)])
    run.notes.append(f"slowest form without Redis {slowest:.2f} s")
    if slowest > QUICK:
        run.broken.append(f"a form took {slowest:.2f} s while Redis was away")


def database_faults(run: Run, kills: int) -> None:
    """The database cuts its connections, restarts or crashes; a SQLite file is held by somebody else. At every other
    time a worker is killed in the middle of it."""
    run.begin()
    for number in range(kills):
        run.arrive(3)
        run.pause()
        worker = run.random.choice(run.product.workers)

        def meanwhile(number: int = number, worker: object = worker) -> None:
            if number % 2:
                restart(worker)

        run.fault(lambda meanwhile=meanwhile: run.database.disturb(run.random, meanwhile))


def freeze(run: Run, kills: int) -> None:
    """A worker stands still for longer than a message may take, so that its work is given to the other; then it goes
    on where it was."""
    run.begin()
    for _ in range(kills):
        run.arrive(6)
        run.pause()
        worker = run.random.choice(run.product.workers)

        def strike(worker: object = worker) -> None:
            worker.send(signal.SIGSTOP)
            time.sleep(visibility_timeout() + FREEZE)
            worker.send(signal.SIGCONT)

        run.fault(strike)


def clock_jumps(run: Run, kills: int) -> None:
    """The wall clock of workers and beats is set up to two days forward or back while they run."""
    run.jumping = run.folder / "clock"
    run.jumping.write_text("0")
    run.begin()
    for _ in range(kills):
        run.arrive(3)
        seconds = run.random.randint(-2 * DAY, 2 * DAY)
        run.fault(lambda seconds=seconds: replace(run, str(seconds)))
        run.pause(4)
    replace(run, "0")


def many_hands(run: Run, kills: int) -> None:
    """`kills` bills, each sent in full from ten tabs by two people, with different keys, while auto-repay gets to
    them too: one of them pays it."""
    run.begin()
    home = run.world.homes[0]
    people = [run.browser(home, who) for who in (0, 1)]
    run.send_form(people[0], home, run.world.by_hand(home).pk)
    day = home.household.today(run.now).isoformat()
    for number in range(kills):
        auto = number % 5 != 4  # without a mandate, a person always wins
        loan = run.world.one_bill(home, mandate=auto)
        path, bill = repayment_path(loan.pk), loan.bills.get(number=1)
        fields = [
            repayment(bill.open.total, day, apply_to="bill", bill="1", seen=str(loan.version)) for _ in range(TABS)
        ]
        sends = [
            lambda person=people[tab % 2], path=path, form=form: person.post(path, form)
            for tab, form in enumerate(fields)
        ]
        app.send_task("ledger.tasks.tick")
        run.pause(0.1)
        answers = at_once(sends)
        run.struck()
        won = [form for form, answer in zip(fields, answers, strict=True) if answer.status == 302]
        if auto and not won:
            run.world.add_owed(home, loan)
        elif len(won) != 1:
            run.broken.append(f"loan {loan.pk}: {len(won)} of {TABS} tabs were told that they had paid its bill")
        run.acknowledged += [Acknowledged(form["key"], loan.pk, bill.open.total) for form in won]
        run.broken += [f"loan {loan.pk}: answered with {a.status}" for a in answers if a.status not in (302, 409, 422)]
    run.notes.append(f"{len(run.acknowledged) - 1} of {kills} paid by a person, the rest by auto-repay")


def double_submit(run: Run, kills: int) -> None:
    """`kills` forms, each sent 20 times at once: recorded once, and answered alike. The same key with another
    amount is answered with 409 and not recorded."""
    run.begin()
    home = run.world.homes[0]
    browser = run.browser(home)
    loans = [run.world.by_hand(home, due=12) for _ in range(5)]
    day = home.household.today(run.now).isoformat()
    for number in range(kills):
        loan = loans[number % len(loans)]
        loan.refresh_from_db()
        path = repayment_path(loan.pk)
        form = repayment(100 + number % 7, day, seen=str(loan.version))
        answers = at_once([lambda form=form, path=path: browser.post(path, form)] * COPIES)
        run.struck()
        if {(answer.status, answer.location) for answer in answers} != {(302, f"/loans/{loan.pk}/")}:
            run.broken.append(f"answers differ: {sorted(answer.status for answer in answers)}")
        run.acknowledged.append(Acknowledged(form["key"], loan.pk, 100 + number % 7))
        other = browser.post(path, form | {"amount": "9.99", "seen": ""})
        if other.status != 409:
            run.broken.append(f"other content under the same key was answered with {other.status}")
    run.notes.append(f"{kills * COPIES} posts")


def mail_kills(run: Run, kills: int) -> None:
    """A worker is killed while mails go out, five households of two at a time."""
    mails = Mails(run)
    run.begin(unfunded=False)
    for _ in range(kills):
        mails.arrive(5)
        run.pause()
        run.fault(lambda: run.kill_any(run.product.workers))
    mails.settle()
    mails.look()


def bad_mail_server(run: Run, kills: int) -> None:
    """A mail server that refuses, stalls, hangs up before the final dot and after it, at every third mail; now and then
    a worker is killed in the middle of it."""
    mails = Mails(run)
    run.begin(unfunded=False)
    mails.sink.trouble = 1 / 3
    for number in range(kills):
        mails.arrive(5)
        run.pause()
        run.fault(lambda number=number: run.kill_any(run.product.workers) if number % 4 == 3 else None)
    mails.settle()
    mails.look()


def down_days(run: Run, kills: int) -> None:
    """Everything is off for `kills` days, over the end of a month, in which bills come due each day; then all are
    recorded, oldest first, each under its own day."""
    back = run.now.replace(day=2, hour=EVERYWHERE_MORNING) - relativedelta(months=1)
    off = timedelta(days=kills)
    run.offset = _seconds(back - off - run.now)
    run.begin(unfunded=False)
    for home in run.world.homes:
        for days in range(1, kills + 1, max(1, kills // 10)):
            day = home.household.today(back - off) + timedelta(days=days)
            run.world.falling_due(home, day, home.household.today(back))
    run.ticks(run.now)
    done = len(run.world.owed) - run.world.waiting()
    if done:
        run.broken.append(f"{done} bills were paid before they were due")
    run.fault(run.product.kill)
    run.offset += _seconds(off)
    run.product.start(CLOCK_OFFSET_SECONDS=str(run.offset))


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())


def visibility_timeout() -> float:
    return float(app.conf.broker_transport_options["visibility_timeout"])


def replace(run: Run, text: str) -> None:
    """Set the clocks, all in one moment."""
    assert run.jumping is not None
    new = run.jumping.with_suffix(".new")
    new.write_text(text)
    new.rename(run.jumping)


SCENARIOS: dict[str, Callable[[Run, int], None]] = {
    scenario.__name__: scenario
    for scenario in (
        *(kill_workers, beat_faults, power_cut, redis_faults, database_faults, freeze, clock_jumps),
        *(many_hands, double_submit, mail_kills, bad_mail_server, down_days),
    )
}


def carry_out(run: Run, name: str, kills: int) -> None:
    """Let it all happen, wait until everything due is done, and look at the books."""
    SCENARIOS[name](run, kills)
    run.settle()
    run.look_at_books()
    if name == "down_days":
        run.broken += out_of_order(run.world)
