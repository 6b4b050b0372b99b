"""A process that writes to a review desk, to run beside others and to be killed.

``python -m tests.serve.review.store_worker decide URL NAME COUNT`` decides on sentence after
sentence and says each decision's number when it is stored; ``... import URL ARTICLES`` imports, and
says how far it is. Both begin when they are sent a line.
"""

from __future__ import annotations

import sys

from claimwire.serve.review.decisions import undo
from claimwire.serve.review.importing import import_records
from claimwire.serve.review.store import ReviewStore

from .store_support import decide, many


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(what: str, url: str, *rest: str) -> None:
    with ReviewStore.open(url) as store:
        say("ready")
        sys.stdin.readline()
        if what == "decide":
            name, count = rest
            for number in range(int(count)):
                # Everybody on the same sentences; each fifth decision is undone.
                decision = decide(store, name, number % 7 + 1, note=f"{name} {number}")
                say(decision.id)
                if number % 5 == 4:
                    say(undo(store, name, decision.id, f"undo {name} {number}").id)
        else:
            import_records(store, many(int(rest[0])), progress=say)


if __name__ == "__main__":
    main(*sys.argv[1:])
