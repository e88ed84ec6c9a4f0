"""Builds Crossfade with its forwarding path compiled by mypyc. Run by `build.py`, in a copy of the project.

What is not named here stays Python, in the same package. What must not be compiled: coroutines (mypyc loses exceptions
that leave an `await`), calls of uvloop (mypyc believes type stubs, which say tuple where uvloop returns a list),
dataclasses that orjson writes or pickle carries, as both look at the instance without asking its class, and a class
without the classes that inherit from it.
"""

from typing import Final

from mypyc.build import mypycify
from setuptools import setup

MODULES: Final = {
    "core": "block cell clock http turn",
    "config": "identity issuer snapshot",
    "observability": "histogram",
    "wire": "answer body fault hop line request",
    "downstream": "bounds connection fault serving",
    "upstream": "arrival asker connection fault home pool queue replica",
    "policy": "adapt arrivals auth charging cohort decide decision identity jws permission phase quota ratelimit"
    " refusal route verified",
    "proxy": "composing copy exchange failure fallback forwarding mark pending record service shadow shared",
}

if __name__ == "__main__":
    paths = [f"gateway/{room}/{module}.py" for room, modules in MODULES.items() for module in modules.split()]
    setup(ext_modules=mypycify(paths, opt_level="3", debug_level="0"))
