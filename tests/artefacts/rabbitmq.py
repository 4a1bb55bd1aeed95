"""Imports definitions into a real RabbitMQ and sends messages through what they define.

    rabbitmq.py version             the broker's version
    rabbitmq.py accept FILE...      each file is imported
    rabbitmq.py play PLAYS          messages are sent and refused; PLAYS is a JSON list of {definitions, readers},
                                    readers a list of {exchange, queues, deliveries, dead_letter, ordered};
                                    prints a list of what went wrong in each; waits are shortened. A reader with several
                                    queues has one a partition

The broker runs on loopback with a name, folder and ports of its own, and is stopped at the end.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from ports import free_port

SERVER = "/usr/lib/rabbitmq/bin"
# Waits of minutes become waits of milliseconds; their order and number stay.
SHORTER = 1000
# Seconds after which nothing moves any more, and at most to wait for what the chapter promises.
QUIET = 0.6
PATIENCE = 6


class Broker:
    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="msdesign-rabbitmq-"))
        self.port = free_port()
        # What the files ask for where order needs partitions.
        (self.dir / "plugins").write_text("[rabbitmq_consistent_hash_exchange].\n")
        (self.dir / "rabbitmq.conf").write_text("")
        (self.dir / "env").write_text("")
        self.env = dict(
            os.environ,
            HOME=str(self.dir),
            RABBITMQ_NODENAME=f"msdesign{self.port}@localhost",
            RABBITMQ_NODE_IP_ADDRESS="127.0.0.1",
            RABBITMQ_NODE_PORT=str(self.port),
            RABBITMQ_DIST_PORT=str(free_port()),
            RABBITMQ_MNESIA_BASE=str(self.dir / "db"),
            RABBITMQ_LOG_BASE=str(self.dir / "log"),
            RABBITMQ_PID_FILE=str(self.dir / "pid"),
            RABBITMQ_ENABLED_PLUGINS_FILE=str(self.dir / "plugins"),
            RABBITMQ_CONFIG_FILE=str(self.dir / "rabbitmq"),
            RABBITMQ_CONF_ENV_FILE=str(self.dir / "env"),
            RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+S 2:2",
            ERL_EPMD_PORT=str(free_port()),
            ERL_EPMD_ADDRESS="127.0.0.1",
        )
        self.log = open(self.dir / "out", "w")
        self.server = subprocess.Popen(
            [f"{SERVER}/rabbitmq-server"],
            env=self.env,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        try:
            self.ctl("await_startup", "--timeout", "90")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run([f"{SERVER}/rabbitmqctl", "shutdown"], env=self.env, capture_output=True)
        try:
            self.server.wait(30)
        except subprocess.TimeoutExpired:
            self.server.kill()
        # The port mapper that came up with the node belongs to it, and refuses to end while it knows the node.
        for _ in range(20):
            if subprocess.run(["epmd", "-kill"], env=self.env, capture_output=True).returncode == 0:
                break
            time.sleep(0.2)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def ctl(self, *arguments):
        deadline = time.time() + 90
        while True:
            done = subprocess.run(
                [f"{SERVER}/rabbitmqctl", *arguments], env=self.env, capture_output=True, text=True
            )
            if done.returncode == 0:
                return done.stdout
            # Until the node has its name, nobody can ask it to wait.
            starting = arguments[0] == "await_startup" and self.server.poll() is None
            if not starting or time.time() > deadline:
                raise SystemExit(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
            time.sleep(1)

    def load(self, definitions):
        path = self.dir / "definitions.json"
        path.write_text(json.dumps(definitions))
        self.ctl("import_definitions", str(path))


def accept(files):
    with Broker() as broker:
        for file in files:
            definitions = json.loads(pathlib.Path(file).read_text())
            broker.load(definitions)
            vhost = definitions["vhosts"][0]["name"]
            for kind in ("queues", "exchanges", "policies"):
                said = broker.ctl("-q", "--formatter", "json", f"list_{kind}", "-p", vhost)
                got = {x["name"] for x in json.loads(said)}
                missing = {x["name"] for x in definitions[kind]} - got
                if missing:
                    raise SystemExit(f"{file}: {kind} that are not there: {sorted(missing)}")
            for user in definitions["users"]:
                said = broker.ctl("-q", "--formatter", "json", "list_user_permissions", user["name"])
                if [p["vhost"] for p in json.loads(said)] != [vhost]:
                    raise SystemExit(f"{file}: {user['name']} has other rights than here: {said}")
                broker.ctl("delete_user", user["name"])
            broker.ctl("delete_vhost", vhost)


def shorter(definitions):
    for queue in definitions["queues"]:
        arguments = queue["arguments"]
        if "x-message-ttl" in arguments:
            arguments["x-message-ttl"] = max(5, arguments["x-message-ttl"] // SHORTER)
    return definitions


class Play:
    """All readers of a design at once: each event is published once and each reader gives its verdicts."""

    def __init__(self, broker, vhost, readers):
        import pika

        self.pika = pika
        self.readers = readers
        # Somebody who may do everything here; the users of the definitions have no passwords.
        broker.ctl("add_user", "player", "player")
        broker.ctl("set_permissions", "-p", vhost, "player", ".*", ".*", ".*")
        self.connection = pika.BlockingConnection(
            pika.ConnectionParameters(
                "127.0.0.1",
                broker.port,
                vhost,
                credentials=pika.PlainCredentials("player", "player"),
                heartbeat=0,
            )
        )
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.wrong, self.channels = [], []

    def publish(self, body, expiration=None):
        properties = self.pika.BasicProperties(
            delivery_mode=2, message_id="m-1", headers={"traceparent": "t"}, expiration=expiration
        )
        for exchange in sorted({r["exchange"] for r in self.readers}):
            self.channel.basic_publish(exchange, "any.key", body, properties, mandatory=True)

    def consume(self):
        """Every reader has one message in hand at a time."""
        for reader in self.readers:
            for queue in reader["queues"]:
                channel = self.connection.channel()
                channel.basic_qos(prefetch_count=1)
                channel.basic_consume(queue, self.on_message(reader))
                self.channels.append(channel)

    def on_message(self, reader):
        def delivered(channel, method, properties, body):
            self.last = time.time()
            reader["seen"] += 1
            if body != self.body:
                self.wrong.append(f"{reader['queues'][0]}: {body!r} in place of {self.body!r}")
            # A message that comes without end is taken, and the count tells.
            most = reader["deliveries"] * (reader["deliveries"] + 1)
            verdict = self.verdict(reader) if reader["seen"] <= most else "take"
            if verdict == "take":
                channel.basic_ack(method.delivery_tag)
            else:
                channel.basic_nack(method.delivery_tag, requeue=verdict == "return")

        return delivered

    def run(self, name, verdict):
        """One message an event, until nothing moves any more."""
        self.body, self.verdict = name.encode(), verdict
        for reader in self.readers:
            reader["seen"] = 0
        start = self.last = time.time()
        self.publish(self.body)
        while True:
            self.connection.process_data_events(0.05)
            now = time.time()
            done = all(r["seen"] >= r["deliveries"] for r in self.readers)
            if now - self.last > QUIET and (done or now - start > PATIENCE):
                return

    def counts(self, name):
        for r in self.readers:
            if r["seen"] != r["deliveries"]:
                self.wrong.append(
                    f"{r['queues'][0]}: {name}: {r['seen']} deliveries, the chapter says {r['deliveries']}"
                )

    def dead(self, name, wanted):
        """What lies among the dead letters of each reader: the message of this name, or nothing."""
        for r in self.readers:
            deadline = time.time() + (5 if wanted else 0)
            while True:
                method, properties, body = self.channel.basic_get(r["dead_letter"], auto_ack=True)
                if method or time.time() > deadline:
                    break
                time.sleep(0.02)
            if bool(method) != wanted or (method and body != name.encode()):
                self.wrong.append(f"{r['dead_letter']}: {name}: {body!r}")
            elif method and (properties.message_id, properties.headers.get("traceparent")) != ("m-1", "t"):
                self.wrong.append(f"{r['dead_letter']}: {name}: its headers are lost: {properties}")


    def in_order(self):
        """Messages of many keys at once: those of one key come in their order though some are returned at first, only
        one instance of a reader has a message of a queue, and the keys are spread over the queues."""
        spread = [r for r in self.readers if len(r["queues"]) > 1]
        keys, each = [f"k{n}" for n in range(24)], 3
        for reader in spread:
            reader.update(taken=[], used=set(), held={}, refused=set())
        # Two new instances of each reader: the broker lets one that returned a message too often hold one more.
        for channel in self.channels:
            channel.close()
        for reader in spread:
            for queue in reader["queues"] * 2:
                channel = self.connection.channel()
                channel.basic_qos(prefetch_count=1)
                channel.basic_consume(queue, self.on_keyed(reader, queue))
        for exchange in sorted({r["exchange"] for r in spread}):
            for n in range(each):
                for key in keys:
                    properties = self.pika.BasicProperties(delivery_mode=2)
                    self.channel.basic_publish(exchange, key, f"{key} {n}".encode(), properties, mandatory=True)
        deadline = time.time() + 30
        while any(len(r["taken"]) < len(keys) * each for r in spread) and time.time() < deadline:
            self.connection.process_data_events(0.05)
        for reader in spread:
            for key in keys:
                order = [n for k, n in reader["taken"] if k == key]
                if order != list(range(each)):
                    self.wrong.append(f"{reader['queues'][0]}: {key} came in the order {order}")
            if len(reader["used"]) < 2:
                self.wrong.append(f"{reader['queues'][0]}: all keys are in one queue")

    def on_keyed(self, reader, queue):
        def delivered(channel, method, _properties, body):
            key, n = body.decode().split()
            reader["used"].add(queue)
            if reader["held"].get(queue):
                self.wrong.append(f"{queue}: two messages in hand at once")
            reader["held"][queue] = True

            def done():
                reader["held"][queue] = False
                if n == "0" and key not in reader["refused"]:
                    reader["refused"].add(key)
                    channel.basic_nack(method.delivery_tag, requeue=True)
                else:
                    reader["taken"].append((key, int(n)))
                    channel.basic_ack(method.delivery_tag)

            self.connection.call_later(0.005, done)

        return delivered

    def nobody_reads(self):
        self.publish(b"not read in time", expiration="20")
        self.dead("not read in time", True)
        self.consume()

    def refused(self):
        self.run("refused each time", refuse)
        self.counts("refused each time")
        self.dead("refused each time", True)

    def returned(self):
        self.run("returned each time", lambda reader: "return")
        self.counts("returned each time")
        self.dead("returned each time", True)

    def taken(self):
        self.run("taken at last", lambda r: "take" if r["seen"] >= r["deliveries"] else refuse(r))
        self.counts("taken at last")
        self.dead("taken at last", False)

    def mixed(self):
        """It may be delivered more often than the chapter says, and must not be lost."""
        self.run("refused, then returned", lambda r: "reject" if r["seen"] == 1 else "return")
        self.dead("refused, then returned", True)


def refuse(reader):
    """Where order counts a message must not leave its place: it is returned, not rejected."""
    return "return" if reader["ordered"] else "reject"


def play(broker, definitions, readers):
    """What went otherwise than the chapter says."""
    vhost = definitions["vhosts"][0]["name"]
    broker.load(shorter(definitions))
    p = Play(broker, vhost, readers)
    for step in (p.nobody_reads, p.refused, p.returned, p.taken, p.mixed, p.in_order):
        step()
        if p.wrong:
            break
    p.connection.close()
    broker.ctl("delete_vhost", vhost)
    broker.ctl("delete_user", "player")
    return p.wrong


def play_all(path):
    results = []
    with Broker() as broker:
        for one in json.loads(pathlib.Path(path).read_text()):
            results.append(play(broker, json.loads(one["definitions"]), one["readers"]))
    print(json.dumps(results), end="")


if __name__ == "__main__":
    if sys.argv[1] == "version":
        # Asking the program would leave a port mapper behind.
        print(*(p.name.split("-")[1] for p in pathlib.Path(SERVER).parent.glob("lib/rabbitmq_server-*")))
    elif sys.argv[1] == "accept":
        accept(sys.argv[2:])
    else:
        play_all(sys.argv[2])
