"""Gives streams, consumers and permissions to a real NATS server and sends messages through them.

    nats_server.py version          the server's version
    nats_server.py accept DIR...    each folder holds streams/, consumers/ and permissions.conf of one design
    nats_server.py play PLAYS       messages are sent and refused; PLAYS is a JSON list of {dir, readers}, readers
                                    a list of {subject, stream, durables, user, deliveries, dead_letter, publisher};
                                    prints a list of what went wrong in each; waits are shortened. A reader with several
                                    durables has one a partition

Three servers on loopback, as the replicas of the streams demand; they are stopped at the end.
"""

import asyncio
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import nats
from nats.errors import TimeoutError as NothingThere
from ports import free_port

ADMIN = "msdesign-admin"
# Seconds: a wait between deliveries, after which a message in hand is given to somebody else, and after which
# nothing moves any more.
WAIT, ACK_WAIT, QUIET = 0.02, 0.5, 1.2


class Cluster:
    """Servers with the users of `permissions` and one who may do everything."""

    def __init__(self, permissions):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="msdesign-nats-"))
        self.names = re.findall(r"password: \$(\w+)", permissions)
        # Who may do everything stands beside the users of the design.
        mine = f'users = [\n    {{ user: "{ADMIN}", password: "{ADMIN}" }}\n'
        self.permissions = permissions.replace("users = [\n", mine, 1)
        self.servers = []

    def __enter__(self):
        ports = [free_port() for _ in range(6)]
        self.ports, routes = ports[:3], ports[3:]
        env = dict(os.environ, **{name: f"pass-{name}" for name in self.names})
        for n, (port, route) in enumerate(zip(self.ports, routes)):
            conf = self.dir / f"{n}.conf"
            others = ", ".join(f'"nats://127.0.0.1:{r}"' for r in routes)
            conf.write_text(
                f'server_name: s{n}\nlisten: "127.0.0.1:{port}"\n'
                f'jetstream {{ store_dir: "{self.dir}/{n}" }}\n'
                f'cluster {{ name: msdesign, listen: "127.0.0.1:{route}", routes: [{others}] }}\n{self.permissions}'
            )
            if n == 0:
                done = subprocess.run(["nats-server", "-t", "-c", conf], env=env, capture_output=True, text=True)
                if done.returncode != 0:
                    raise SystemExit(f"nats-server refuses the permissions: {done.stdout}{done.stderr}")
            with open(self.dir / f"{n}.log", "w") as log:
                self.servers.append(subprocess.Popen(["nats-server", "-c", conf], env=env, stdout=log, stderr=log))
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.terminate()
        for server in self.servers:
            server.wait(20)
        shutil.rmtree(self.dir, ignore_errors=True)

    async def connect(self, user):
        password = ADMIN if user == ADMIN else f"pass-NATS_PASSWORD_{user.replace('-', '_').upper()}"
        errors = []

        async def failed(e):
            errors.append(str(e))

        client = await nats.connect(
            f"nats://127.0.0.1:{self.ports[0]}",
            user=user,
            password=password,
            error_cb=failed,
            inbox_prefix=f"_INBOX_{user}".encode(),
            max_reconnect_attempts=1,
        )
        client.errors = errors
        return client

    async def admin(self):
        """Connects once the servers have found each other."""
        deadline = time.time() + 60
        while True:
            try:
                client = await self.connect(ADMIN)
                said = json.loads((await client.request("$JS.API.INFO", b"", timeout=2)).data)
                if "error" not in said:
                    return client
            except Exception as e:  # Not there yet, in any of several ways.
                said = e
            if time.time() > deadline:
                raise SystemExit(f"the servers do not come up: {said}")
            await asyncio.sleep(0.3)


async def ask(client, subject, value):
    said = json.loads((await client.request(subject, json.dumps(value).encode(), timeout=30)).data)
    if "error" in said:
        raise SystemExit(f"{subject}: {said['error']}")
    return said


def read(folder):
    folder = pathlib.Path(folder)
    streams = [json.loads(f.read_text()) for f in sorted((folder / "streams").glob("*.json"))]
    consumers = [
        (f.name.split(".")[0], json.loads(f.read_text())) for f in sorted((folder / "consumers").glob("*.json"))
    ]
    return streams, consumers, (folder / "permissions.conf").read_text()


def same(told, kept, at):
    for key, value in told.items():
        if kept.get(key) != value:
            raise SystemExit(f"{at}: {key} is {kept.get(key)!r} in place of {value!r}")


async def create(client, streams, consumers):
    some = asyncio.Semaphore(8)

    async def make(subject, value, config, at):
        async with some:
            same(config, (await ask(client, subject, value))["config"], at)

    await asyncio.gather(
        *(make(f"$JS.API.STREAM.CREATE.{c['name']}", c, c, c["name"]) for c in streams)
    )
    await asyncio.gather(
        *(
            make(
                f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{c['durable_name']}",
                {"stream_name": stream, "config": c},
                c,
                f"{stream} {c['durable_name']}",
            )
            for stream, c in consumers
        )
    )


async def accept(folder):
    streams, consumers, permissions = read(folder)
    with Cluster(permissions) as cluster:
        client = await cluster.admin()
        await create(client, streams, consumers)
        await client.close()


class Play:
    def __init__(self, cluster, admin, readers):
        self.cluster, self.admin, self.readers, self.wrong = cluster, admin, readers, []

    async def connect(self):
        """Every reader and publisher with its own rights."""
        self.clients = {}
        for user in {r["user"] for r in self.readers} | {r["publisher"] for r in self.readers}:
            self.clients[user] = await self.cluster.connect(user)

    def subjects(self):
        """Where each event is published, by whom; the key is the last part where there are partitions."""
        return sorted(
            {(r["subject"] + ("." if len(r["durables"]) > 1 else ""), r["publisher"]) for r in self.readers}
        )

    async def publish(self, body):
        for subject, user in self.subjects():
            subject += "some-key" if subject.endswith(".") else ""
            await self.clients[user].jetstream().publish(subject, body, timeout=30)

    async def holder(self, reader):
        """The durable of the partition to which the message went."""
        deadline = time.time() + 5
        while True:
            for durable in reader["durables"]:
                subject = f"$JS.API.CONSUMER.INFO.{reader['stream']}.{durable}"
                said = await ask(self.clients[reader["user"]], subject, {})
                if said["num_pending"] + said["num_ack_pending"] > 0 or len(reader["durables"]) == 1:
                    return durable
            if time.time() > deadline:
                return reader["durables"][0]
            await asyncio.sleep(0.05)

    async def read(self, reader, verdict):
        client = self.clients[reader["user"]]
        subscription = await client.jetstream().pull_subscribe_bind(await self.holder(reader), reader["stream"])
        seen = 0
        while seen <= reader["deliveries"] + 2:
            try:
                quiet = QUIET if seen >= reader["deliveries"] else 5
                message = (await subscription.fetch(1, timeout=quiet))[0]
            except NothingThere:
                break
            seen += 1
            await verdict(message, seen)
        await subscription.unsubscribe()
        return seen

    async def dead(self, reader, body, wanted):
        """The advisories among its dead letters point at the message."""
        client, lost = self.clients[reader["user"]], reader["dead_letter"]
        deadline = time.time() + (4 if wanted else 0)
        while True:
            state = (await ask(client, f"$JS.API.STREAM.INFO.{lost}", {}))["state"]
            if state["messages"] > 0 or time.time() > deadline:
                break
            await asyncio.sleep(0.05)
        if state["messages"] != int(wanted):
            self.wrong.append(f"{lost}: {state['messages']} advisories, and {int(wanted)} expected of {body!r}")
            return
        if wanted:
            at = state["first_seq"]
            said = (await ask(client, f"$JS.API.STREAM.MSG.GET.{lost}", {"seq": at}))["message"]
            advisory = json.loads(base64.b64decode(said["data"]))
            subject = f"$JS.API.STREAM.MSG.GET.{reader['stream']}"
            found = (await ask(client, subject, {"seq": advisory["stream_seq"]}))["message"]
            if base64.b64decode(found["data"]) != body:
                self.wrong.append(f"{lost}: points at {found}")
            await ask(client, f"$JS.API.STREAM.MSG.DELETE.{lost}", {"seq": at})

    async def run(self, what, verdict, deliveries, dead):
        body = what.encode()
        await self.publish(body)
        seen = await asyncio.gather(*(self.read(r, lambda m, n, r=r: verdict(r, m, n)) for r in self.readers))
        for reader, seen in zip(self.readers, seen):
            wanted = deliveries(reader)
            if seen != wanted:
                self.wrong.append(f"{reader['durables'][0]}: {what}: {seen} deliveries and not {wanted}")
        if not self.wrong:
            await asyncio.gather(*(self.dead(r, body, dead) for r in self.readers))

    async def in_order(self):
        """Messages of many keys at once: those of one key come in their order though some are refused at first, a
        reader has one of each partition in hand, and the keys are spread over the partitions."""
        keys, each = [f"k{n}" for n in range(12)], 2
        for subject, user in self.subjects():
            if subject.endswith("."):
                for n in range(each):
                    for key in keys:
                        await self.clients[user].jetstream().publish(f"{subject}{key}", f"{key} {n}".encode(), timeout=30)
        await asyncio.gather(*(self.all_partitions(r, keys, each) for r in self.readers if len(r["durables"]) > 1))

    async def all_partitions(self, reader, keys, each):
        taken, used, refused = [], set(), set()
        deadline = time.time() + 30

        async def partition(durable):
            client = self.clients[reader["user"]]
            subscription = await client.jetstream().pull_subscribe_bind(durable, reader["stream"])
            while len(set(taken)) < len(keys) * each and time.time() < deadline:
                try:
                    messages = await subscription.fetch(5, timeout=0.25)
                except asyncio.TimeoutError:
                    continue
                # One that is held for too long comes again meanwhile.
                held = {m.metadata.sequence.stream for m in messages}
                if len(held) > 1:
                    self.wrong.append(f"{durable}: {len(held)} messages in hand at once")
                for message in messages:
                    key, n = message.data.decode().split()
                    used.add(durable)
                    if n == "0" and (key, n) not in refused:
                        refused.add((key, n))
                        await message.nak(delay=WAIT)
                    else:
                        taken.append((key, int(n)))
                        await message.ack_sync()
            await subscription.unsubscribe()

        await asyncio.gather(*map(partition, reader["durables"]))
        for key in keys:
            # What was acknowledged too late comes again.
            order = list(dict.fromkeys(n for k, n in taken if k == key))
            if order != list(range(each)):
                self.wrong.append(f"{reader['user']}: {key} came in the order {order}")
        if len(used) < 2:
            self.wrong.append(f"{reader['user']}: all keys are in one partition")

    async def trespass(self):
        """What is not theirs is refused, and what is theirs was not."""
        stream = self.readers[0]["stream"]
        for user, client in self.clients.items():
            refused = [e for e in client.errors if "permissions violation" in e.lower()]
            if refused:
                self.wrong.append(f"{user}: refused what is theirs: {refused}")
            client.errors.clear()
            subjects = ("somebody.elses", "$JS.API.STREAM.LIST", f"$JS.API.STREAM.PURGE.{stream}")
            for subject in subjects:
                await client.publish(subject, b"")
            await client.flush()
            await asyncio.sleep(0.1)
            if len(client.errors) < len(subjects):
                self.wrong.append(f"{user} may publish more than the chapter says: {client.errors}")


async def refuse(_reader, message, _n):
    await message.nak(delay=WAIT)


async def abandon(_reader, _message, _n):
    """Keeps it in hand until it is given to somebody else."""


async def end(_reader, message, _n):
    await message.term()


async def take_at_last(reader, message, n):
    if n >= reader["deliveries"]:
        await message.ack_sync()
    else:
        await message.nak(delay=WAIT)


def every(reader):
    return reader["deliveries"]


async def play(folder, readers):
    streams, consumers, permissions = read(folder)
    for _, config in consumers:
        config["ack_wait"] = int(ACK_WAIT * 1e9)
    with Cluster(permissions) as cluster:
        admin = await cluster.admin()
        await create(admin, streams, consumers)
        p = Play(cluster, admin, readers)
        await p.connect()
        for what, verdict, deliveries, dead in (
            ("refused each time", refuse, every, True),
            ("in hand for too long each time", abandon, every, True),
            ("ended at once", end, lambda _: 1, True),
            ("taken at last", take_at_last, every, False),
        ):
            await p.run(what, verdict, deliveries, dead)
            if p.wrong:
                break
        else:
            await p.in_order()
            await p.trespass()
        for client in [admin, *p.clients.values()]:
            await client.close()
        return p.wrong


async def main(arguments):
    if arguments[0] == "version":
        print(subprocess.run(["nats-server", "-v"], capture_output=True, text=True).stdout.strip(), end="")
    elif arguments[0] == "accept":
        await asyncio.gather(*map(accept, arguments[1:]))
    else:
        plays = json.loads(pathlib.Path(arguments[1]).read_text())
        some = asyncio.Semaphore(3)

        async def one(p):
            async with some:
                return await play(p["dir"], p["readers"])

        print(json.dumps(await asyncio.gather(*map(one, plays))), end="")


asyncio.run(main(sys.argv[1:]))
