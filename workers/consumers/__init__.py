"""The table of consumers: what is done after a commit, a line for each (see `workers.consumer`)."""

from typing import Final

from workers.consumer import Consumer

CONSUMERS: Final[tuple[Consumer, ...]] = ()
