"""What a mail says: the figures of the moment it is sent, in the language of its reader.

One letter tells one person of one or several things, each a `Reminder` row. For every row a *maker* gathers the
figures and returns a `Part` (module `parts`): its subject, its sentences, its lines in the letter's table, what the
reader can do. `letter.compose` puts the parts together, the most urgent first; one part alone is the whole letter.

To add a kind of message:

1. Write its subject and its sentences as plain text: `templates/reminders/email/<name>.subject.txt` and
   `templates/reminders/email/_say/<name>.txt`. Names need no escaping there: the HTML is made of the
   same sentences, escaped, so there is no second template.
2. Write a maker `(row, around) -> Part` in a module of its own. It runs in the recipient's language and the
   household's time zone. What several parts of a letter need is asked for once, by `around` (`around.today`,
   `around.cover(bill)`, `around.may_write`, ...); `parts.said(name, {...})` fills in both templates.
3. Enter the maker in `kinds.MAKERS`.

    def coupon(row: Reminder, around: Around) -> Part:
        subject, sentences = said("coupon", {"coupon": figures, "today": around.today})
        return Part(
            urgency=Urgency.COMING,
            on=row.about_on,
            subject=subject,
            sentences=sentences,
            lines=(Line(lender, loan, day=row.about_on, amount=figures.saved, currency="CNY"),),
            actions=(Action(_("See the loan"), link("ledger:loan", loan.pk)),),
        )
"""

from reminders.emails.letter import compose
from reminders.emails.parts import Known

__all__ = ["Known", "compose"]
