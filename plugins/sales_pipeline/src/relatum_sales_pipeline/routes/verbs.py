"""Litestar's decorators for handlers whose ``request`` is a :class:`relatum.api.Call`.

The application gives every route one; saying so here lets a route be built outside of it as well.
"""

from __future__ import annotations

import functools

import litestar

from relatum.api import Call

delete = functools.partial(litestar.delete, request_class=Call)
get = functools.partial(litestar.get, request_class=Call)
patch = functools.partial(litestar.patch, request_class=Call)
post = functools.partial(litestar.post, request_class=Call)
put = functools.partial(litestar.put, request_class=Call)
