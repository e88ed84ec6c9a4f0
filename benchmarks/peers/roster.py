"""The list of all peers, ours first."""

from benchmarks.peers.caddy import Caddy
from benchmarks.peers.envoy import Envoy
from benchmarks.peers.fastify import Fastify
from benchmarks.peers.gateway import OURS, PURE
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.nginx_lua import NginxLua
from benchmarks.peers.peer import Peer
from benchmarks.peers.python import AIOHTTP, FASTAPI

PEERS: tuple[Peer, ...] = (
    OURS,
    *([PURE] if PURE.tree != OURS.tree else []),
    HAProxy(),
    NginxLua(),
    Envoy(),
    Caddy(),
    Fastify(),
    FASTAPI,
    AIOHTTP,
)
SUBJECTS = tuple(subject for peer in PEERS for subject in peer.subjects)
