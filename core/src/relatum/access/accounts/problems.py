"""Why somebody does not come in."""

from __future__ import annotations

import math

from relatum.values.problems import RelatumError, TooMany, Unauthenticated


class SignInRefused(Unauthenticated):
    """Whoever asks did not show who they are. Never says which half was wrong."""

    code = "sign-in-refused"
    title = "Not signed in"


class LinkSpent(RelatumError):
    """A one-time link that is unknown, used or expired; the three look alike."""

    status = 410
    code = "link-spent"
    title = "This link is no longer good"


class TooManyAttempts(TooMany):
    """Somebody guesses; ``extra["retry_after"]`` says in how many seconds to come back."""

    code = "too-many-attempts"
    title = "Too many attempts"

    @classmethod
    def wait(cls, seconds: float, what: str = "wrong attempts") -> TooManyAttempts:
        """Come back in so many seconds, rounded up."""
        whole = max(1, math.ceil(seconds))
        return cls(
            f"expected fewer {what}, got too many; wait {whole} s, then try again",
            extra={"retry_after": whole},
        )
