"""How much a line loses, and whether to send pictures twice for it. Pure: no clock, no I/O.

A lost packet is asked for again once the next one has come, which with one packet a picture is a picture later; then
the way there and back is waited for, and the pictures after it wait too. Where every packet of a picture is sent once
more at once, nearly nothing has to be asked for.
"""

from __future__ import annotations

# Of each report in what is known of the line. A report covers about a second, in which a dozen packets may have come:
# one alone says little.
WEIGHT = 0.2
# Below, one lost packet in hundreds, asking for it again will do.
MIN_SHARE = 0.005
# Above, the line is too full rather than bad, and more packets would make it worse.
MAX_SHARE = 0.2
# Pictures of more packets are not sent twice: that would be a burst of its own.
MAX_PACKETS = 8


class Losses:
    def __init__(self) -> None:
        self.share = 0.0

    def report(self, share: float) -> None:
        """`share`: of the packets since the last report that did not come, 0 to 1."""
        self.share += WEIGHT * (share - self.share)

    def is_worth_twice(self, num_packets: int) -> bool:
        """A picture of so many packets."""
        return num_packets <= MAX_PACKETS and MIN_SHARE <= self.share <= MAX_SHARE
