"""Why somebody does not come in."""

from __future__ import annotations

import math

from relatum.values.problems import RelatumError


class SignInRefused(RelatumError):
    """Whoever asks did not show who they are. Never says which half was wrong."""

    status = 401
    code = "sign-in-refused"
    title = "Not signed in"


class LinkSpent(RelatumError):
    """A one-time link that is unknown, used or expired; the three look alike."""

    status = 410
    code = "link-spent"
    title = "This link is no longer good"


class TooManyAttempts(RelatumError):
    """Somebody guesses; ``extra["retry_after"]`` says in how many seconds to come back."""

    status = 429
    code = "too-many-attempts"
    title = "Too many attempts"

    @classmethod
    def wait(cls, seconds: float) -> TooManyAttempts:
        """Come back in so many seconds."""
        whole = max(1, math.ceil(seconds))
        return cls(
            f"expected fewer wrong attempts, got too many; wait {whole} s, then try again",
            extra={"retry_after": whole},
        )
