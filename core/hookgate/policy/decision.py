"""What is known of one request on its way through the checks."""

from collections.abc import Iterable
from typing import NamedTuple

from hookgate.signing.verify import Signed

from .contract import Unknown
from .document import Document
from .request import Head
from .route import Route
from .source import Origin
from .verdict import Finding, Reason


class Remarks(NamedTuple):
    """Tell what a contract does not name, and point to what it only tolerates."""

    unknown: Unknown | None
    unusual: tuple[str, ...]


class Decision:
    """Hold one request on its way through the checks: what was seen, found and concluded.

    `finding` is what refuses it, `observed` what would have. `route` is that of its path, `signed`
    what a right signature said, and `remarks` are what its contract says of a document beside a
    finding; most have none.
    """

    __slots__ = (
        "body",
        "document",
        "finding",
        "head",
        "observed",
        "origin",
        "remarks",
        "route",
        "signed",
    )

    def __init__(
        self,
        head: Head,
        body: bytes | None = None,
        origin: Origin | None = None,
        route: Route | None = None,
        observed: Iterable[Finding] = (),
    ) -> None:
        self.head = head
        self.body = body
        self.origin = origin
        self.route = route
        self.document: Document | None = None
        self.remarks: Remarks | None = None
        self.signed: Signed | None = None
        self.finding: Finding | None = None
        self.observed = [*observed] if observed else []

    @property
    def reason(self) -> Reason:
        """Return `Reason.CLEAN`, or the reason of the finding that refuses."""
        return Reason.CLEAN if self.finding is None else self.finding.reason
