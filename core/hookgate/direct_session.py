"""HTTP to whom it was meant for, and to nobody else."""

import requests


class DirectSession(requests.Session):
    """A session of requests for which a redirect is an answer like any other.

    requests reads the whole body of a redirect, decoded and without a bound, even where it is not
    to follow it: it prepares what would come next (`Session.send`).
    """

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  # as requests has it
        """Name no target: so none is prepared."""
        return
