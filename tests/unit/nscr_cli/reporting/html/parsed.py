"""A page taken apart as a browser would, to look for what must not be in it and for what must."""

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Parsed(HTMLParser):
    """Elements, attributes and text of a page.

    Attributes:
        elements: name and attributes of each, in order.
        text: all of it but for styles.
        headings: text of each h2.
        pictures: name and description of each picture.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.headings: list[str] = []
        self.pictures: list[tuple[str, str]] = []
        self._by_id: dict[str, str] = {}
        self._wanted: list[str] = []
        self._id = ""
        self.feed(text)
        self.close()
        for name in self._wanted:
            title, description = (self._by_id.get(one, "") for one in name.split())
            self.pictures.append((title, description))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "h2":
            self.headings.append("")
        if attributes.get("role") == "img":
            self._wanted.append(f"{attributes.get('aria-labelledby')} {attributes.get('aria-describedby')}")
        self._id = attributes.get("id") or "" if tag in ("title", "desc") else ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if self._id:
            self._by_id[self._id] = self._by_id.get(self._id, "") + data
        if self.open and self.open[-1] == "h2":
            self.headings[-1] += data
        if not self.open or self.open[-1] != "style":
            self.text += data
