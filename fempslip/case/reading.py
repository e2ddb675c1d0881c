"""YAML with places: a file becomes plain data, and every key and value knows its line and column.

Only plain YAML is read: no tags, no anchors or aliases, no duplicate keys, bounded size and depth.  Scalars mean
what they look like: ``1e-3`` is a number, ``on``, ``off``, ``yes`` and ``no`` are text, ``true`` and ``false`` are
truth values, an empty value is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fempslip.case import drawers
from fempslip.case.complaints import Complaint, Place, Source, refusal
from fempslip.contract import Refusal

Key = tuple[str | int, ...]

LARGEST = 256 * 1024  # characters of a file
DEEPEST = 24  # levels of nesting
MOST = 20_000  # values in a file

_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\Z")
# control characters, halves of characters, and what makes a text look like another: marks of direction, of no width
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, eq=False)
class Written:
    """Plain data (dict, list, str, int, float, bool, None) with the places of its values and of its keys."""

    data: Any
    values: dict[Key, Place] = field(default_factory=dict)
    keys: dict[Key, Place] = field(default_factory=dict)

    def place(self, path: Key, key: bool = False) -> Place:
        """Where a path is written, or the innermost part of it that is; with `key` the place of its name."""
        for length in range(len(path), -1, -1):
            found = self.keys.get(path[:length]) if key and length == len(path) else None
            found = found or self.values.get(path[:length]) or self.keys.get(path[:length])
            if found:
                return found
        return Place(Source.of("?", ""))


def read_file(path: Path) -> Written:
    """Read a YAML file.  Raises Refusal: not readable, not UTF-8, or not plain YAML."""
    name = drawers.label(path)
    try:
        if path.stat().st_size > 4 * LARGEST:
            raise Refusal(f"{name}: larger than {LARGEST // 1024} kB; this is not a file for fempslip")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(f"{name}: not a text file in UTF-8 ({error.reason} at byte {error.start})") from None
    except (OSError, ValueError) as error:
        raise Refusal(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return read_text(text, name)


def read_text(text: str, label: str) -> Written:
    """Read YAML text; `label` stands for the file name in messages.  Raises Refusal with all complaints."""
    if len(text) > LARGEST:
        raise Refusal(f"{label}: larger than {LARGEST // 1024} kB; this is not a file for fempslip")
    source = Source.of(label, text)
    written = Written(None, {(): Place(source)}, {})
    complaints: list[Complaint] = []
    try:
        root = _Composer(text).get_single_node()
        data = _plain(root, (), written, source, complaints) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line, mark.column) if mark else Place(source)
        raise refusal([Complaint(place, _words(error))]) from None
    except yaml.YAMLError as error:
        raise refusal([Complaint(Place(source), f"not YAML: {str(error).splitlines()[0]}")]) from None
    if complaints:
        raise refusal(complaints)
    return Written(data, written.values, written.keys)


def scalar(text: str) -> object:
    """The value of an unquoted word: a number, true, false, None, or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if not _NUMBER.match(text):
        return text
    return int(text) if len(text) < 18 and text.lstrip("+-").isdigit() else float(text)


class _Composer(yaml.SafeLoader):
    """Composes nodes and refuses, while it reads, what a case file has no use for."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.count = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._refuse("anchors and aliases (& and *) are not allowed: write the value again", event)
        if getattr(event, "tag", None):
            self._refuse("tags (words that begin with !) are not allowed", event)
        self.depth += 1
        self.count += 1
        if self.depth > DEEPEST:
            self._refuse(f"nested deeper than {DEEPEST} levels", event)
        if self.count > 2 * MOST:
            self._refuse(f"more than {MOST} values", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    @staticmethod
    def _refuse(message: str, event: Any) -> None:
        raise yaml.MarkedYAMLError(problem=message, problem_mark=event.start_mark)


def _words(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return ", ".join(parts) or "not YAML"


def _plain(node: yaml.Node, path: Key, written: Written, source: Source, complaints: list[Complaint]) -> Any:
    """The data of a node; notes the place of every key and value on the way."""
    written.values[path] = Place(source, node.start_mark.line, node.start_mark.column)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, written, source, complaints)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, i), written, source, complaints) for i, item in enumerate(node.value)]
    return _scalar(node, written.values[path], complaints)


def _mapping(node: yaml.MappingNode, path: Key, written: Written, source: Source, complaints: list[Complaint]) -> dict:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        place = Place(source, key_node.start_mark.line, key_node.start_mark.column)
        if not isinstance(key_node, yaml.ScalarNode):
            complaints.append(Complaint(place, "a key must be a word, not a list or a mapping"))
            continue
        key = key_node.value
        if key in result:
            first = written.keys[*path, key].line + 1
            complaints.append(Complaint(place, f"the key {key!r} is written twice (first in line {first})"))
            continue
        written.keys[*path, key] = place
        _scalar(key_node, place, complaints)
        result[key] = _plain(value_node, (*path, key), written, source, complaints)
    return result


def _scalar(node: Any, place: Place, complaints: list[Complaint]) -> object:
    text = node.value
    if _CONTROL.search(text):
        complaints.append(Complaint(place, "control characters are not allowed"))
        return ""
    return scalar(text) if node.style is None else text


def dump(data: Any, flow: bool = False) -> str:
    """YAML text that `read_text` reads back to the same data; `flow`: in one line."""
    text = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True,
        width=10**9 if flow else 110, default_flow_style=True if flow else None,
    )  # fmt: skip
    return text.removesuffix("...\n").rstrip("\n") if flow else text


class _Dumper(yaml.SafeDumper):
    """Quotes texts that would otherwise be read as numbers; writes short mappings and lists in one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    quoted = "'" if scalar(text) is not text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=quoted)


_Dumper.add_representer(str, _text)
