"""The web pages of the sign-in: plain forms, which work without scripts, with a keyboard and with a screen reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from bentley_sync_async.emulator.platform.messages import Reply

_REQUEST = "client_id redirect_uri response_type response_mode scope state nonce code_challenge code_challenge_method"
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 3rem auto; padding: 0 1rem }}
input, button {{ font: inherit; padding: 0.4rem 0.8rem }}
input {{ display: block; width: 100%; box-sizing: border-box }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""
_FORM = """\
<p><strong>{client_id}</strong> asks to work for you on the emulated iTwin Platform, with:</p>
<ul>
{scopes}
</ul>
{problem}<form method="post" action="authorize">
{hidden}
<p><label>E-mail address <input type="email" name="email" value="{email}" autocomplete="username" required></label></p>
<p>There is no password: this is the emulator, and you may be anybody.</p>
<p>
<button type="submit" name="decision" value="allow">Allow</button>
<button type="submit" name="decision" value="deny" formnovalidate>Deny</button>
</p>
</form>"""


def consent_page(
    parameters: Mapping[str, str], scopes: Iterable[str], email: str, *, problem: str | None = None
) -> Reply:
    """Return the page that asks a person; a problem with the last answer makes it a 400."""
    asked = {name: parameters[name] for name in _REQUEST.split() if name in parameters}
    content = _FORM.format(
        client_id=escape(parameters["client_id"]),
        scopes="\n".join(f"<li>{escape(scope)}</li>" for scope in scopes),
        problem=f'<p role="alert">{escape(problem)}</p>\n' if problem else "",
        hidden="\n".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in asked.items()),
        email=escape(email),
    )
    return page("Sign in", content, status=400 if problem else 200)


def refusal_page(problem: str) -> Reply:
    """Return the page for a request after which the browser must not be sent back."""
    return page("Sign-in refused", f"<p>{escape(problem)}</p>", status=400)


def page(title: str, content: str, *, status: int = 200) -> Reply:
    """Return a page with this content, which is HTML."""
    return Reply(status, _PAGE.format(title=escape(title), content=content).encode(), _HEADERS)
