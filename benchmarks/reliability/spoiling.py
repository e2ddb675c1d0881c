"""Mutations: of texts at the level of bytes, of tokens and of the YAML tree; of binary files; of HDF5 structures."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

WORDS = """
nan .nan .inf -1 0 1e999 1e400 -1e308 1e-320 9**9**9 60nm '60_nm' '60_mT' '2_degC' [] {} null true on ' " &a *a
!!python/object:os.system !!binary <<: ? - : % @ ` | > \\ ../../etc/passwd /dev/zero /dev/stdin C:\\x . .. ~
999999999999999999999 0x1f 1_000 +1 .5. 1e 1e-3 Idep '0.3_Idep' '1_Phi0' xi lambda '1_xi_xi' '2_-_' '-_1' None
{use:wire} [[[[1]]]] {plus:[1,2]} {points:[[0,0],[1,1]]} {ramp:{from:0,to:1,over:1}} every first last outer
"""
ODD = WORDS.split()
ODD += [word.replace("_", " ") for word in ODD if "_" in word]
ODD += ["\x00", "\t", "\r", "\x1b[31m", "\ufeff", "\u2028", "\u202e", "\u200b", "\ud7ff", "\U0001f600", "é", "ſ", "xі"]
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 3, 1e-9, 1e9, 1e300, float("nan"), float("inf"), 10**40, "", " ", "xi", "0.5 xi",
    "60 nm", "2 mT", "0.3 Idep", "1e400 xi", "a" * 300, "../x", "/dev/null", "\x00", [], {}, [[]], {"": 1}, [1, "xi"],
    [0, 0, 0],
    {"ramp": {"from": 0, "to": 1, "over": 1}}, {"points": [[0, 0], [1, 1]]}, {"rectangle": {"size": [1, 1]}},
    {"disk": {"radius": 1}}, {"plus": [1]}, {"gaussian": {"depth": 0.5, "width": 1}}, {"table": {"file": "../x.csv"}},
)  # fmt: skip
TOKEN = re.compile(r"[A-Za-z_]+|[0-9][0-9.eE+-]*|\s+|.", re.S)
KINDS = ("bytes", "tokens", "tree")


def spoilt_text(text: str, others: Sequence[str], dice: random.Random, kind: str) -> bytes:
    """A text with one to four changes of a kind; `others` lend words and branches."""
    return {"bytes": _bytes, "tokens": _tokens, "tree": _tree}[kind](text, others, dice)


def _bytes(text: str, others: Sequence[str], dice: random.Random) -> bytes:
    return spoilt_bytes(text.encode(), dice)


def spoilt_bytes(content: bytes, dice: random.Random) -> bytes:
    """One to four flips, cuts, insertions, copies and truncations."""
    out = bytearray(content)
    for _ in range(dice.randint(1, 4)):
        at, length = dice.randrange(len(out) + 1), dice.choice((1, 1, 2, 4, 16, 64))
        act = dice.randrange(6)
        if act == 0 and at < len(out):
            out[at] ^= 1 << dice.randrange(8)
        elif act == 1:
            del out[at : at + length]
        elif act == 2:
            out[at:at] = dice.randbytes(length)
        elif act == 3:
            source = dice.randrange(len(out) + 1)
            out[at:at] = out[source : source + 8 * length]
        elif act == 4:
            out[at : at + length] = bytes([dice.choice((0, 255, 9, 10, 32, 45, 58))]) * length
        elif dice.random() < 0.2:
            del out[at:]
    return bytes(out)


def _tokens(text: str, others: Sequence[str], dice: random.Random) -> bytes:
    words = TOKEN.findall(text)
    strange = TOKEN.findall(dice.choice(others))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(words))
        act = dice.randrange(6)
        if act == 0:
            words[at] = dice.choice(strange)
        elif act == 1:
            words[at] = dice.choice(ODD)
        elif act == 2 and len(words) > 1:
            del words[at]
        elif act == 3:
            words.insert(at, words[at])
        elif act == 4:
            other = dice.randrange(len(words))
            words[at], words[other] = words[other], words[at]
        else:
            words.insert(at, dice.choice(ODD))
    return "".join(words).encode("utf-8", "surrogatepass")


def _tree(text: str, others: Sequence[str], dice: random.Random) -> bytes:
    data, strange = yaml.safe_load(text), yaml.safe_load(dice.choice(others))
    for _ in range(dice.randint(1, 3)):
        data = _changed(data, _branch(strange, dice), dice)
    return yaml.dump(data, sort_keys=False, allow_unicode=True, default_flow_style=dice.choice((None, False))).encode()


def _branch(data: Any, dice: random.Random) -> Any:
    """A part of a tree."""
    while isinstance(data, dict | list) and data and dice.random() < 0.75:
        data = dice.choice(list(data.values()) if isinstance(data, dict) else data)
    return data


def _changed(data: Any, strange: Any, dice: random.Random) -> Any:
    """The tree with one change somewhere in it."""
    if not isinstance(data, dict | list) or not data or dice.random() < 0.1:
        return dice.choice((copy.deepcopy(strange), dice.choice(VALUES), [data], {"x": data}, str(data)))
    key = dice.choice(list(data) if isinstance(data, dict) else range(len(data)))
    act = dice.randrange(8)
    if act == 0:
        del data[key]
    elif act == 1 and isinstance(data, dict):
        data[dice.choice((f"{key}s", str(key)[1:], "use", "plus", "", 0, "\u202e" + str(key)))] = data.pop(key)
    elif act == 2 and isinstance(data, list):
        data.extend(copy.deepcopy(data) * dice.randint(1, 3))
    else:
        data[key] = _changed(data[key], strange, dice)
    return data


# ---------------------------------------------------------------------------------------------- HDF5


def spoilt_hdf5(path: Path, dice: random.Random) -> None:
    """Changes of structure: members lost, renamed, of another type, linked elsewhere, huge or in a circle."""
    import h5py

    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        for _ in range(dice.randint(1, 3)):
            name = dice.choice(names)
            if name in file:
                dice.choice(CHANGES)(file, name, dice)


def _lost(file: Any, name: str, dice: random.Random) -> None:
    del file[name]


def _renamed(file: Any, name: str, dice: random.Random) -> None:
    file.move(name, name + dice.choice(("x", "%2F", " ")))


def _other(file: Any, name: str, dice: random.Random) -> None:
    """Another content of the same name."""
    import h5py
    import numpy as np

    del file[name]
    contents: list[Callable[[], Any]] = [
        lambda: np.zeros(dice.choice((0, 1, 7))), lambda: np.full((3, 3), np.nan), lambda: "text", lambda: b"\xff\xfe",
        lambda: np.array(["a", "b"], dtype=object), lambda: np.int8(-1), lambda: np.full(50, 2**62),
        lambda: np.zeros((2, 2, 2, 2)), lambda: "[" * 100_000, lambda: '{"a": NaN}', lambda: np.zeros(3, "c16"),
    ]  # fmt: skip
    made = dice.choice(contents)()
    words = getattr(getattr(made, "dtype", None), "kind", "") == "O"
    file.create_dataset(name, data=made, dtype=h5py.string_dtype() if words else None)


def _numbers(file: Any, name: str, dice: random.Random) -> None:
    """Some numbers of it become others."""
    import h5py
    import numpy as np

    found = file[name]
    if isinstance(found, h5py.Dataset) and 0 < found.size < 10**6 and found.dtype.kind in "iuf" and found.shape:
        values = found[()]
        flat = values.reshape(-1)
        for _ in range(dice.randint(1, 4)):
            odd = (-1, 0, 2**31 - 1, len(flat)) if found.dtype.kind in "iu" else (np.nan, np.inf, -1e300, 0.0)
            with np.errstate(all="ignore"):
                flat[dice.randrange(len(flat))] = np.array(dice.choice(odd)).astype(found.dtype)
        found[()] = values


def _huge(file: Any, name: str, dice: random.Random) -> None:
    """Far more numbers than the file has."""
    del file[name]
    file.create_dataset(name, shape=(dice.choice((10**8, 10**10, 10**13)),), dtype="f8", chunks=(10**6,))


def _packed(file: Any, name: str, dice: random.Random) -> None:
    """A little that unpacks to much."""
    import numpy as np

    del file[name]
    file.create_dataset(name, data=np.zeros(2_000_000), compression="gzip")


def _circle(file: Any, name: str, dice: random.Random) -> None:
    import h5py

    del file[name]
    file[name] = dice.choice((h5py.SoftLink("/"), h5py.SoftLink("/" + name), h5py.SoftLink("/VTKHDF")))


def _elsewhere(file: Any, name: str, dice: random.Random) -> None:
    """Numbers of another file of the machine."""
    import h5py

    del file[name]
    if dice.random() < 0.5:
        file[name] = h5py.ExternalLink("/etc/passwd", "/")
    else:
        file.create_dataset(name, shape=(16,), dtype="u1", external=[("/etc/passwd", 0, 16)])


def _attribute(file: Any, name: str, dice: random.Random) -> None:
    attributes = file[name].attrs
    if not len(attributes):
        attributes["x"] = 1
    key = dice.choice(list(attributes))
    del attributes[key]
    if dice.random() < 0.7:
        odd = ("{", "[]", '{"a": 1}', 7, -1.0, "[" * 5000, b"\xff", [1, 2])
        attributes[key] = dice.choice(odd)


CHANGES = (_lost, _renamed, _other, _numbers, _numbers, _huge, _packed, _circle, _elsewhere, _attribute)
