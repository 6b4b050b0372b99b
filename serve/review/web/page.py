"""A page that was asked for: by whom, of which desk, and how it is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from claimwire.serve.review.web.auth import RoleError, Visitor
from claimwire.serve.review.web.desk import AdjudicatorDep, Desk, DeskDep, ReviewerDep


@dataclass(frozen=True, slots=True)
class Page:
    """A request for a page.

    Attributes:
        request: the request.
        desk: the desk that it is for.
        visitor: who sent it.
    """

    request: Request
    desk: Desk
    visitor: Visitor

    def render(self, template: str, status: int = 200, **context: object) -> Response:
        """Return the page.

        Args:
            template: file name in the folder ``templates``.
            status: HTTP status.
            context: what the template needs beside desk and visitor.
        """
        text = self.desk.templates.get_template(template).render(
            desk_id=self.desk.id,
            signs_in=self.desk.settings.signs_in,
            static=self.desk.statics.url,
            visitor=self.visitor,
            path=self.request.url.path,
            **context,
        )
        # Half a surrogate pair, which UTF-8 has no bytes for, must not cost the page.
        response = Response(text.encode(errors="replace"), status, media_type="text/html")
        self.desk.auth.ensure_visit(self.request, response)
        return response


def _page(request: Request, desk: DeskDep, visitor: ReviewerDep) -> Page:
    return Page(request, desk, visitor)


def _open_page(request: Request, desk: DeskDep) -> Page:
    return Page(request, desk, desk.auth.visitor(request))


def _adjudicator_page(request: Request, desk: DeskDep, visitor: AdjudicatorDep) -> Page:
    return Page(request, desk, visitor)


def _admin_page(page: Annotated[Page, Depends(_page)]) -> Page:
    if not page.visitor.is_admin:
        raise RoleError
    return page


PageDep = Annotated[Page, Depends(_page)]
"""A page for a reviewer; whoever is not signed in is sent to sign in."""

OpenPageDep = Annotated[Page, Depends(_open_page)]
"""A page for anybody."""

AdjudicatorPageDep = Annotated[Page, Depends(_adjudicator_page)]
"""A page for those who may adjudicate."""

AdminPageDep = Annotated[Page, Depends(_admin_page)]
"""A page for admins."""
