"""A person at a browser: visits the page of its argument and presses the first button, or the one of $PRESS.

The name of this program is for the variable BROWSER, which the library `webbrowser` reads. It shares no code with the
package, and writes what it was asked to visit, and where it came to, to the file $VISITS.
"""

import os
import sys
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urljoin


class Form(HTMLParser):
    """The first form of a page."""

    def __init__(self, text):
        super().__init__()
        self.action = None
        self.fields = {}
        self.buttons = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "form":
            self.action = found.get("action", "")
        elif tag == "input" and "name" in found:
            self.fields[found["name"]] = found.get("value", "")
        elif tag == "button" and "name" in found:
            self.buttons.append((found["name"], found.get("value", "")))

    def pressed(self, press=None):
        """The fields that are sent when the button with this value is pressed, or the first one."""
        ordered = sorted(self.buttons, key=lambda button: button[1] != press)
        return self.fields | dict(ordered[:1])


def opened(url, data=None):
    try:
        with urllib.request.urlopen(url, data, timeout=10) as answer:
            return answer.url, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.url, refusal.read().decode()


def visit(url, press=None):
    """Return where the browser is after the page's form, if it has one, was sent, and what it shows."""
    place, text = opened(url)
    form = Form(text)
    if form.action is None:
        return place, text
    return opened(urljoin(place, form.action), urlencode(form.pressed(press)).encode())


if __name__ == "__main__":
    came_to = visit(sys.argv[1], os.environ.get("PRESS"))
    if "VISITS" in os.environ:
        with Path(os.environ["VISITS"]).open("a", encoding="utf-8") as visits:
            visits.write(f"{' '.join(sys.argv[1:])}\n{came_to[0]}\n{came_to[1]}\n")
