"""A Redis Cluster of real nodes on free ports: masters, replicas, and what happens to them."""
import time

from .fault_proxy import FaultProxy
from .ports import HOST, free_port
from .redis_server import RedisClient, RedisError, RedisServer
from .waiting import until

SLOTS = 16384
NODE_TIMEOUT = 1000  # milliseconds: after so long a silent master is replaced


def slot_of(key):
    """CRC16 of the hash tag, or of the whole key, as the specification of Redis Cluster says."""
    key = key if isinstance(key, bytes) else key.encode()
    begin = key.find(b"{")
    end = key.find(b"}", begin + 1)
    if begin >= 0 and end > begin + 1:
        key = key[begin + 1 : end]
    total = 0
    for byte in key:
        total ^= byte << 8
        for _ in range(8):
            total = (total << 1 ^ 0x1021 if total & 0x8000 else total << 1) & 0xFFFF
    return total % SLOTS


class RedisCluster:
    """masters: how many. Each has one replica where replicas is true. url: of the masters, for larder.

    proxied: each node is reached by its clients through a FaultProxy (node.network), which it announces as its address;
    the nodes talk among each other as ever.
    separable: the nodes talk among each other through a FaultProxy for each (node.bus), each from an address of its own,
    so that separate() works.
    node_timeout: milliseconds after which a silent master is replaced. tls: an Authority; the nodes take TLS at tls_url,
    and speak it among each other.
    """

    def __init__(
        self,
        masters=3,
        replicas=True,
        options=(),
        full_coverage=True,
        password=None,
        acl=None,
        proxied=False,
        separable=False,
        node_timeout=NODE_TIMEOUT,
        tls=None,
    ):
        self.masters, self.replicas, self._password = [], [], password
        self._separable, self._tls, self._begun = separable, tls, 0
        self._options = [
            *(
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                node_timeout,
                "--cluster-config-file",
                "nodes.conf",
            ),
            *(
                "--cluster-require-full-coverage",
                "yes" if full_coverage else "no",
                "--cluster-replica-validity-factor",
                "0",
            ),
            *("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"),
            *options,
        ]
        if password:
            self._options += ["--masterauth", password]
        self._acl, self._proxied = acl, proxied
        try:
            self._begin(masters, replicas)
        except BaseException:
            self.stop()
            raise

    def _start(self):
        network = FaultProxy(0) if self._proxied else None
        announced = ["--cluster-announce-ip", HOST, "--cluster-announce-port", network.port] if network else []
        bus = FaultProxy(0) if self._separable else None
        self._begun += 1
        host = f"127.0.1.{self._begun}"  # its own as seen by the others' proxies
        if bus:
            announced += ["--cluster-announce-ip", HOST, "--cluster-announce-bus-port", bus.port]
            announced += ["--bind-source-addr", host, "--protected-mode", "no"]  # bound to loopback
        tls_port = free_port() if self._tls else None
        if self._tls:
            announced += self._tls_options(tls_port)
        node = RedisServer(
            password=self._password, acl=self._acl, options=[*self._options, "--cluster-port", free_port(), *announced]
        )
        node.network, node.public_port = network, network.port if network else node.port
        node.bus, node.host, node.tls_port = bus, host, tls_port
        if network:
            network.target_port = node.port
        node.bus_port = int(node("CONFIG", "GET", "cluster-port")[1])
        if bus:
            bus.target_port, node.bus_port = node.bus_port, bus.port
        node.id = node("CLUSTER", "MYID").decode()
        return node

    def _tls_options(self, port):
        certificate, key = self._tls.issue(HOST, as_file=f"node-{port}")
        return [
            *("--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key),
            *("--tls-ca-cert-file", self._tls.certificate, "--tls-auth-clients", "no"),
            *("--tls-cluster", "yes", "--tls-replication", "yes"),
        ]

    def _begin(self, masters, replicas):
        for number in range(masters):
            self.masters.append(self._start())
            self.masters[-1]("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            first, last = number * SLOTS // masters, (number + 1) * SLOTS // masters - 1
            self.masters[-1]("CLUSTER", "ADDSLOTSRANGE", first, last)
        for number in range(masters if replicas else 0):
            self.replicas.append(self._start())
        self._introduce(self.masters + self.replicas)
        for master, replica in zip(self.masters, self.replicas):
            until(
                lambda: self._try(replica, "CLUSTER", "REPLICATE", master.id),
                what="a replica's knowledge of its master",
            )
        for replica in self.replicas:
            until(lambda: b"master_link_status:up" in replica("INFO", "replication"), what="the replication")
        self.wait_until_well()

    def _introduce(self, nodes):
        for node in nodes[1:]:
            nodes[0]("CLUSTER", "MEET", HOST, node.tls_port or node.port, node.bus_port)
        until(lambda: all(self._knows(node) >= len(nodes) for node in nodes), what="the nodes' meeting")

    @staticmethod
    def _knows(node):
        return len([line for line in node("CLUSTER", "NODES").decode().splitlines() if "handshake" not in line])

    @staticmethod
    def _try(node, *words):
        try:
            return node(*words) == b"OK"
        except RedisError:
            return False

    @property
    def nodes(self):
        return self.masters + self.replicas

    @property
    def url(self):
        secret = f":{self._password}@" if self._password else ""
        return f"redis-cluster://{secret}" + ",".join(f"{HOST}:{node.public_port}" for node in self.masters)

    @property
    def tls_url(self):
        return "rediss-cluster://" + ",".join(f"{HOST}:{node.tls_port}" for node in self.masters)

    def separate(self, node):
        """No node hears of that one any more, nor it of them; clients reach all of them."""
        for other in self.nodes:
            if other is not node:
                other.bus.refused_hosts.add(node.host)
                other.bus.cut()
        node.bus.refusing = True
        node.bus.cut()

    def join(self, node):
        """Ends that."""
        for other in self.nodes:
            other.bus.refused_hosts.discard(node.host)
        node.bus.refusing = False

    def running(self):
        return [node for node in self.nodes if node.is_running()]

    def owner_of(self, key):
        """The master that owns the key's slot now, as the others say."""
        slot = key if isinstance(key, int) else slot_of(key)
        for asked in self.running():
            try:
                if b"role:master" not in RedisClient(asked.port, password=self._password, timeout=0.5)(
                    "INFO", "replication"
                ):
                    continue
                ranges = RedisClient(asked.port, password=self._password, timeout=0.5)("CLUSTER", "SLOTS")
            except (OSError, RedisError):
                continue
            for first, last, master, *_ in ranges:
                if first <= slot <= last:
                    found = [node for node in self.nodes if node.id == master[2].decode()]
                    return found[0]
        raise AssertionError(f"no node says who owns slot {slot}")

    def agreed_owner_of(self, slot):
        """The owner once all masters agree on it and on its epoch.

        A node that takes a slot without having heard of its owner's epoch takes an epoch that is too low, and gives
        the slot back when it hears.
        """

        def said_by(node):
            for line in node("CLUSTER", "NODES").decode().splitlines():
                name, _, _, _, _, _, epoch, _, *slots = line.split()
                for first, _, last in (part.partition("-") for part in slots if not part.startswith("[")):
                    if int(first) <= slot <= int(last or first):
                        return name, epoch
            return None

        def agreed():
            said = {said_by(node) for node in self.running() if b"role:master" in node("INFO", "replication")}
            return said.pop() if len(said) == 1 else None

        owner, _ = until(agreed, what=f"the masters' agreement on slot {slot}")
        return next(node for node in self.nodes if node.id == owner)

    def replica_of(self, master):
        return self.replicas[self.masters.index(master)]

    def wait_until_well(self, without=()):
        """Until every node but those says that all slots are served."""

        def well(node):
            return b"cluster_state:ok" in node("CLUSTER", "INFO")

        until(lambda: all(well(node) for node in self.running() if node not in without), 20, "the cluster's health")

    def wait_until_replaced(self, master):
        """Until the replica of that master owns its slots and the others know."""
        replica = self.replica_of(master)
        until(lambda: b"role:master" in replica("INFO", "replication"), 20, "the promotion of the replica")
        others = [node for node in self.running() if node is not master]
        until(
            lambda: all(b"cluster_state:ok" in node("CLUSTER", "INFO") for node in others), 20, "the cluster's health"
        )
        return replica

    def move_slot(self, slot, source, target, pause=0.0):
        """As an operator's tool does it: keys one after the other, under load."""
        target("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)
        while True:
            keys = source("CLUSTER", "GETKEYSINSLOT", slot, 10)
            if not keys:
                break
            for key in keys:
                try:
                    source("MIGRATE", HOST, target.port, key, 0, 5000, "REPLACE")
                except RedisError as error:
                    if "NOKEY" not in str(error):
                        raise
                time.sleep(pause)
        # The new owner first, which takes a new epoch, then the old one. The others learn it from the two: a node
        # that was told here would give the slot back when an older message of the old owner reached it.
        target("CLUSTER", "SETSLOT", slot, "NODE", target.id)
        source("CLUSTER", "SETSLOT", slot, "NODE", target.id)

    def keys(self, pattern="*"):
        return sorted(key for node in self.masters if node.is_running() for key in node.keys(pattern))

    def stop(self):
        for node in self.nodes:
            node.thaw()
            node.stop()
            for proxy in (node.network, node.bus):
                if proxy:
                    proxy.stop()
