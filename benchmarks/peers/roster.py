"""The list of all peers, ours first."""

from benchmarks.peers.gateway import Gateway
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.peer import Peer

PEERS: tuple[Peer, ...] = (Gateway(), HAProxy())
SUBJECTS = tuple(subject for peer in PEERS for subject in peer.subjects)
