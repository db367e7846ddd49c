"""The users of docs/redis/users.acl on Redis itself: each can do its work, and nothing beyond it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner
from cryptography.fernet import Fernet

from service.boot.app import create_app
from tests.support.actors import TESTER
from tests.support.reports import NOW_MS, ROUTINE, URGENT, a_report, a_result, deployed, glass_test_live, now_ms
from tests.support.services.redis_server import RealRedis
from tests.support.services.workers import Crew
from tests.support.waiting import wait_for
from triage_rules.cli import main
from triage_rules.consumer import Consumer, following
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.records.audit import Actor, Via
from triage_rules.records.board import Wanted
from triage_rules.records.chains import ChainPlace, ChainStanding
from triage_rules.records.events import Event
from triage_rules.records.proposals import Approval, Proposal, ProposalState
from triage_rules.store.redis import RedisStore

ROOT = Path(__file__).resolve().parents[2]
ACL = ROOT / "docs" / "redis" / "users.acl"
USERS = ("web", "web-operator", "worker", "consumer", "operator")
LOG = "triage:audit"


class Secrets:
    """The ACL file and the passwords, made by what docs/howto/redis.md shows; and one user more, who prepares the tests."""

    def __init__(self, folder: Path) -> None:
        (folder / "docs").symlink_to(ROOT / "docs")
        (block,) = re.findall(
            r"```sh\n(mkdir .*?)```", (ROOT / "docs" / "howto" / "redis.md").read_text(encoding="utf-8"), re.DOTALL
        )
        subprocess.run(["sh", "-euc", block], cwd=folder, check=True)
        self._folder = folder / "secrets"
        self.acl = self._folder / "users.acl"
        with self.acl.open("a", encoding="utf-8") as file:
            file.write("user tester reset on >tester ~* &* +@all\n")

    def url(self, user: str) -> str:
        """As it stands in its file, for a server that is called redis."""
        return (self._folder / f"redis-url-{user}").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return Secrets(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, secrets: Secrets) -> Iterator[RealRedis]:
    with RealRedis(tmp_path_factory.mktemp("acl"), "--aclfile", str(secrets.acl), "--appendonly", "yes") as started:
        yield started


@pytest.fixture
def tester(server: RealRedis) -> Iterator[redis.Redis]:
    """May do everything; the server is empty."""
    with redis.Redis.from_url(server.url_of("tester", "tester"), decode_responses=True) as client:
        client.flushall()
        client.acl_log_reset()
        yield client


@pytest.fixture
def redis_url(server: RealRedis, tester: redis.Redis) -> str:
    """Nobody is let in without saying who they are."""
    return server.url


class Roles:
    """A store and a plain client for each user."""

    def __init__(self, server: RealRedis, secrets: Secrets, data_dir: Path) -> None:
        self._server = server
        self._secrets = secrets
        self._data_dir = data_dir
        self._opened: list[RedisStore] = []

    def settings(self, user: str) -> Settings:
        return Settings(
            redis_url=self._secrets.url(user).replace("redis:6379", f"127.0.0.1:{self._server.port}"),
            data_dir=self._data_dir,
        )

    def store(self, user: str) -> RedisStore:
        self._opened.append(RedisStore(self.settings(user)))
        return self._opened[-1]

    def client(self, user: str) -> redis.Redis:
        return redis.Redis.from_url(self.settings(user).redis_url, decode_responses=True)

    def close(self) -> None:
        for store in self._opened:
            store.close()


@pytest.fixture
def roles(server: RealRedis, secrets: Secrets, tester: redis.Redis, tmp_path: Path) -> Iterator[Roles]:
    made = Roles(server, secrets, tmp_path)
    yield made
    made.close()


@pytest.fixture
def nothing_refused(tester: redis.Redis) -> Iterator[None]:
    """What a process only logs, or tries again some other way, would not be seen otherwise."""
    yield
    assert [(entry["username"], entry["reason"], entry["object"]) for entry in tester.acl_log()] == []


# --- each does its work ---------------------------------------------------------------------


@pytest.fixture
def crew(roles: Roles, tmp_path: Path) -> Iterator[Crew]:
    made = Crew(roles.settings("worker"), roles.store("worker"), tmp_path)
    yield made
    made.end()


def test_the_whole_path_goes_with_a_user_for_each_part(
    roles: Roles, crew: Crew, tester: redis.Redis, nothing_refused: None
) -> None:
    """Intake with key, idempotency, subject, waiting, batch and rate; worker and beat of Celery; a consumer's group."""
    operator = roles.store("operator")
    bundle = glass_test_live(operator)
    text, key = make_key("clinic", list(Scope), now_ms())
    operator.api_keys.add(key, by=TESTER)
    crew.worker(worker_concurrency=1, heartbeat_seconds=1)
    crew.beat(sweep_seconds=1)
    app = create_app(replace(roles.settings("web"), auth=True))
    client, headers = app.test_client(), {"Authorization": f"Bearer {text}"}
    report = {"subject": "p", "findings": URGENT}
    waited = client.post("/v1/reports", json=report, headers=headers | {"Prefer": "wait=10", "Idempotency-Key": "k"})
    assert (waited.status_code, waited.get_json()["result"]["level"]) == (200, "urgent")
    again = client.post("/v1/reports", json=report, headers=headers | {"Idempotency-Key": "k"})
    assert again.get_json()["id"] == waited.get_json()["id"]
    lines = b"\n".join(b'{"findings": {"itchy": true}}' for _ in range(3))
    batch = client.post("/v1/reports/batch", data=lines, headers=headers | {"Content-Type": "application/x-ndjson"})
    assert batch.status_code == 202
    lost = a_report(ruleset=bundle.name, digest=bundle.digest, answers=ROUTINE, received_ms=now_ms() - 60_000)
    roles.store("web").reports.accept(lost)  # its task is never sent: the sweep must bring it

    seen: list[Event] = []
    with Consumer(roles.settings("consumer").redis_url, "ward-7", levels=["urgent", "routine", "monitor"]) as consumer:
        for message in consumer:
            seen.append(message.event)
            message.ack()
            if len(seen) == 5:
                break
    wait_for(lambda: tester.zcard("triage:pending") == 0, 10)
    assert {event.level is not None for event in seen} == {True}
    paths = ["/readyz", "/v1/status", "/metrics", "/v1/rulesets", "/v1/audit", "/v1/dead-letters"]
    assert [client.get(path, headers=headers).status_code for path in paths] == [200] * len(paths)
    assert tester.keys("triage:limits:*")
    for user in ("web", "web-operator"):
        looking = create_app(replace(roles.settings(user), auth=True)).test_client()
        (group,) = looking.get("/v1/status", headers=headers).get_json()["groups"]
        assert group == {"name": "ward-7", "lag": 0, "pending": 0, "dead": 0}
        assert 'triage_group_dead{group="ward-7"} 0.0' in looking.get("/metrics", headers=headers).text.splitlines()


def test_the_operator_can_use_every_command(roles: Roles, tester: redis.Redis, nothing_refused: None) -> None:
    """As typed: deploy and rollback, status, keys, audit, erasure, follow."""
    environment = {"TRIAGE_REDIS_URL": roles.settings("operator").redis_url}

    def triage(*arguments: str) -> str:
        ran = CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    operator = roles.store("operator")
    deployed(operator)
    bundle = glass_test_live(operator)
    glass_test_live(operator, "1.0.1")
    triage("rollback", bundle.name)
    assert "is no longer live" in triage("withdraw", bundle.name)
    glass_test_live(operator)
    made = triage("key", "make", "clinic", "--scope", "report")
    triage("key", "revoke", made.split("_")[1])
    triage("key", "list")
    report = a_report(subject="p")
    roles.store("web").reports.accept(report)
    roles.store("worker").work.settle(report.id, a_result(report, "urgent"), NOW_MS)
    triage("follow", "--from-start", "--count", "1")
    triage("erase", "--subject", "p")
    dead = a_report(subject="r")
    roles.store("web").reports.accept(dead)
    roles.store("worker").work.bury(dead.id, a_result(dead, None), "worker_lost", NOW_MS)
    assert "is queued again" in triage("redrive", dead.id)
    with Consumer(roles.settings("consumer").redis_url, "ward-7") as consumer:
        next(iter(consumer)).give_up("down")
    assert [(one.name, one.dead) for one in operator.consumer_groups.get_all().shown] == [("ward-7", 1)]
    assert "is queued in ward-7 again" in triage("redrive", "--group", "ward-7", "--all")
    later = a_report(subject="q")
    roles.store("web").reports.accept(later)
    environment |= {"TRIAGE_ENCRYPTION_KEYS": Fernet.generate_key().decode(), "TRIAGE_INDEX_SECRET": "i" * 64}
    triage("rekey")
    assert b"fever" not in tester.execute_command("HGET", f"triage:report:{later.id}", "findings", NEVER_DECODE=True)
    triage("audit", "verify")
    actions = [one["action"] for one in operator.audit.read_entries()]
    others = ["key.make", "key.revoke", "erase", "redrive", "redrive.group", "rekey"]
    assert actions == ["deploy", "deploy", "deploy", "rollback", "withdraw", "deploy", *others]


def test_a_worker_can_bury_trim_and_tidy(roles: Roles, tester: redis.Redis, nothing_refused: None) -> None:
    """What happens seldom must not be found out then."""
    deployed(roles.store("operator"))
    worker, report = roles.store("worker"), a_report(subject="p")
    roles.store("web").reports.accept(report)
    with Consumer(roles.settings("consumer").redis_url, "ward-7") as consumer:
        consumer._next_entries()
        assert worker.work.begin(report.id, NOW_MS) is not None
        assert worker.work.bury(report.id, a_result(report, None), "worker_lost", NOW_MS)
        tester.set("triage:bundle:sha256:old", "of a deployment that nobody remembers")
        for days in range(3):
            worker.trim(NOW_MS + days * 10**10)
        assert not tester.exists("triage:bundle:sha256:old")


def test_reports_can_be_amended_rekeyed_and_erased(roles: Roles, tester: redis.Redis, nothing_refused: None) -> None:
    """A chain has keys of its own, and its reports leave the board."""
    operator, web, worker = roles.store("operator"), roles.store("web"), roles.store("worker")
    deployed(operator)
    reports = [a_report(subject="p")]
    for _ in range(2):
        web.reports.accept(reports[-1])
        view = worker.work.begin(reports[-1].id, NOW_MS)
        assert view is not None
        above = view.chain.above.id if view.chain.above else ""
        shown = view.chain.shown.id if view.chain.shown else ""
        place = ChainStanding(ChainPlace.FRONT if above else None, above, shown)
        assert worker.work.settle(reports[-1].id, a_result(reports[-1], "monitor"), NOW_MS, view.history, place)
        reports.append(a_report(subject="p", amends=reports[-1].id))
    assert web.reports.get_history("spots", "p", NOW_MS, amends=reports[1].id).reports_last_48h == 0
    assert [row.noted.id for row in web.board.page(Wanted(), NOW_MS, 5).rows] == [reports[1].id]
    tester.hset(f"triage:report:{reports[1].id}", "levels", "triage:levels:spots:another-name")
    assert operator.key_rotation.rekey(NOW_MS, by=TESTER).reports == 1
    assert operator.erasure.erase("p", NOW_MS, by=TESTER).reports == 2


def test_a_consumer_can_claim_give_up_and_follow(roles: Roles, nothing_refused: None) -> None:
    """All that the library does to a group."""
    deployed(roles.store("operator"))
    reports = [a_report() for _ in range(3)]
    roles.store("web").reports.accept_many(reports)
    for report in reports:
        roles.store("worker").work.settle(report.id, a_result(report, "urgent"), NOW_MS)
    url = roles.settings("consumer").redis_url
    with Consumer(url, "ward-7", claim_after=0) as first, Consumer(url, "ward-7", claim_after=0) as second:
        next(iter(first))
        next(iter(second)).give_up("not for us")
        message = next(iter(second))
        message.ack()
        second.stop()
        assert list(second) == []
    with following(url, "0", silence=0.1) as events:
        assert len(list(events)) == 3


def test_the_operators_web_can_do_what_operators_do(roles: Roles, tester: redis.Redis, nothing_refused: None) -> None:
    """The scopes deploy and admin over HTTP, for a web of their own."""
    operator, web = roles.store("operator"), roles.store("web-operator")
    bundle = glass_test_live(operator)
    text, key = make_key("ops", list(Scope), now_ms())
    operator.api_keys.add(key, by=TESTER)
    glass_test_live(web, "1.0.1")
    client = create_app(replace(roles.settings("web-operator"), auth=True)).test_client()
    headers = {"Authorization": f"Bearer {text}"}
    assert client.post(f"/v1/rulesets/{bundle.name}/rollback", headers=headers).status_code == 200
    assert client.post("/v1/reports", json={"subject": "p", "findings": ROUTINE}, headers=headers).status_code == 202
    (report_id,) = tester.zrange("triage:pending", 0, -1)
    worker = roles.store("worker")
    assert worker.work.begin(report_id, NOW_MS)
    assert worker.work.bury(report_id, a_result(a_report(), None) | {"id": report_id}, "worker_lost", NOW_MS)
    acknowledgement, letter = f"/v1/reports/{report_id}/acknowledgement", f"/v1/dead-letters/{report_id}/redrive"
    for method, path in (("POST", acknowledgement), ("DELETE", acknowledgement), ("POST", letter)):
        answer = client.open(path, method=method, headers=headers)
        assert answer.status_code in (200, 202), answer.get_json()
    erased = client.post("/v1/erasures", json={"subject": "p"}, headers=headers)
    assert erased.status_code == 200, erased.get_json()
    followed_up = ["acknowledge", "acknowledge.undo", "redrive"]
    actions = [one["action"] for one in operator.audit.read_entries()]
    assert actions == ["deploy", "key.make", "deploy", "rollback", *followed_up, "erase"]


def test_the_board_can_be_read_by_every_web(roles: Roles, nothing_refused: None) -> None:
    """What people do there is written down, and so for the operators' web alone."""
    deployed(roles.store("operator"))
    report = a_report(subject="p")
    roles.store("web").reports.accept(report)
    roles.store("worker").work.bury(report.id, a_result(report, None), "worker_lost", NOW_MS)
    for user in ("web", "web-operator", "operator"):
        reader = roles.store(user)
        assert len(reader.board.page(Wanted(), NOW_MS, 5).rows) == 1
        assert reader.board.tally(NOW_MS).open[None] == 1
        assert sum(reader.board.count_received([0], NOW_MS + 1)[0].counts.values()) == 1
        assert len(reader.dead_letters.page(5)) == 1
        assert reader.health.get_queues(NOW_MS).all.waiting == 0
        reader.health.get_last_heard()


def test_a_proposal_goes_its_whole_way_by_the_operators_web(
    roles: Roles, tester: redis.Redis, nothing_refused: None
) -> None:
    """Proposed, declined, proposed anew, approved with its files; and the worker drops what is old."""
    web, files = roles.store("web-operator"), {"ruleset.yaml": "spots"}
    ann, ben = Actor("ann", Via.HTTP), Actor("ben", Via.HTTP)
    for number, digest in enumerate(("sha256:a", "sha256:b")):
        web.proposals.propose(Proposal(f"p{number}", "spots", "1.0.0", digest, None, "ann", NOW_MS), files, by=ann)
    web.proposals.close("p0", ProposalState.DECLINED, NOW_MS, by=ben)
    web.rulesets.deploy("spots", "1.0.0", "sha256:b", b"b", NOW_MS, by=ben, files=files, approving=Approval("p1", None))
    assert roles.store("web").rulesets.get_files("sha256:b") == files
    assert [one.id for one in roles.store("web").proposals.get_all(NOW_MS)] == ["p1", "p0"]
    assert roles.store("web").proposals.get("p1")[1] == files
    roles.store("worker").trim(NOW_MS + 10**10)
    assert not tester.exists("triage:proposals")


def test_web_cannot_propose(roles: Roles) -> None:
    """A proposal is written to the audit log, which the web that forms reach can't."""
    proposal = Proposal("p", "spots", "1.0.0", "sha256:a", None, "ann", NOW_MS)
    with pytest.raises(StoreUnavailable):
        roles.store("web").proposals.propose(proposal, {}, by=Actor("ann", Via.HTTP))


# --- nobody does more -----------------------------------------------------------------------

EVERYBODY = USERS
PROCESSES = ("web", "web-operator", "worker", "consumer")

REFUSED: list[tuple[str, tuple[str, ...], tuple[object, ...]]] = [
    ("empty the store", EVERYBODY, ("FLUSHALL",)),
    ("empty the database", EVERYBODY, ("FLUSHDB",)),
    ("change the server", EVERYBODY, ("CONFIG", "SET", "maxmemory", "1")),
    ("read the server's settings", EVERYBODY, ("CONFIG", "GET", "*")),
    ("change users", EVERYBODY, ("ACL", "SETUSER", "web", "+@all")),
    ("stop the server", EVERYBODY, ("SHUTDOWN", "NOSAVE")),
    ("copy the store elsewhere", EVERYBODY, ("REPLICAOF", "198.51.100.1", "6379")),
    ("list all keys", EVERYBODY, ("KEYS", "*")),
    ("watch what others send", EVERYBODY, ("MONITOR",)),
    ("write under a name that isn't ours", EVERYBODY, ("SET", "other", "1")),
    ("read what isn't ours", EVERYBODY, ("GET", "other")),
    ("cut the audit log", EVERYBODY, ("XTRIM", LOG, "MAXLEN", "0")),
    ("delete an entry of the audit log", EVERYBODY, ("XDEL", LOG, "1-1")),
    ("delete the audit log", EVERYBODY, ("DEL", LOG)),
    ("move the audit log away", EVERYBODY, ("RENAME", LOG, "triage:other")),
    ("let the audit log pass", EVERYBODY, ("EXPIRE", LOG, "1")),
    ("write to the audit log", ("web", "worker", "consumer"), ("XADD", LOG, "*", "a", "b")),
    ("read the audit log", ("worker", "consumer"), ("XRANGE", LOG, "-", "+")),
    ("deploy", ("web", "worker", "consumer"), ("HSET", "triage:live", "spots", "{}")),
    ("store a bundle", ("web", "worker", "consumer"), ("SET", "triage:bundle:sha256:x", "x")),
    ("forge what rollback returns to", ("web", "worker", "consumer"), ("LPUSH", "triage:deployments:spots", "{}")),
    ("make a key", PROCESSES, ("HSET", "triage:keys", "x", "{}")),
    ("revoke a key", PROCESSES, ("HDEL", "triage:keys", "x")),
    ("read the keys", ("worker", "consumer"), ("HGETALL", "triage:keys")),
    ("delete a report", ("web", "worker", "consumer"), ("DEL", "triage:report:x")),
    ("delete a result", ("web", "worker", "consumer"), ("XDEL", "triage:results", "1-1")),
    ("cut the results", ("web", "consumer", "operator"), ("XTRIM", "triage:results", "MAXLEN", "0")),
    ("publish a result", ("web", "web-operator", "consumer", "operator"), ("XADD", "triage:results", "*", "a", "b")),
    ("read a report", ("consumer",), ("HGETALL", "triage:report:x")),
    ("read what live rulesets there are", ("consumer",), ("HGETALL", "triage:live")),
    ("read who waits", ("consumer",), ("ZRANGE", "triage:pending", "0", "-1")),
    ("send a task", ("consumer", "operator"), ("LPUSH", "triage:celery:urgent", "{}")),
    ("take a task", ("web", "consumer", "operator"), ("RPOP", "triage:celery:urgent")),
    ("read a group's dead letters", ("web",), ("XRANGE", "triage:dead:g", "-", "+")),
    ("put back for a group", ("web", "web-operator", "worker"), ("XCLAIM", "triage:results", "g", "me", "0", "1-1")),
    ("remove another group", ("web", "worker", "consumer"), ("XGROUP", "DESTROY", "triage:results", "g")),
    ("read by a script", ("consumer", "worker"), ("EVAL", "return redis.call('HGETALL', 'triage:keys')", "0")),
    ("listen to who is settled", ("worker", "consumer", "operator"), ("SUBSCRIBE", "triage:settled:x")),
]  # fmt: skip


@pytest.mark.parametrize(("what", "users", "command"), REFUSED, ids=[what for what, _, _ in REFUSED])
def test_nobody_can(roles: Roles, what: str, users: tuple[str, ...], command: tuple[object, ...]) -> None:
    for user in users:
        with roles.client(user) as client, pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)


def test_a_script_gives_nobody_more_than_they_have(roles: Roles, tester: redis.Redis) -> None:
    """Every command in it is looked at as if it were sent alone."""
    deep = tester.script_load("return redis.call('HSET', KEYS[1], 'x', '{}')")
    for user in ("web", "worker"):
        for key in ("triage:live", "triage:keys"):
            with roles.client(user) as client, pytest.raises(redis.ResponseError, match=r"can't access"):
                client.evalsha(deep, 1, key)
    assert tester.keys() == []


def test_what_a_user_may_not_do_is_told_as_a_refusal_and_leaves_nothing(roles: Roles, tester: redis.Redis) -> None:
    """Web deploys: neither half a deployment nor an entry in the log."""
    with pytest.raises(StoreUnavailable, match="NoPermission"):
        deployed(roles.store("web"))
    assert tester.keys() == []


def test_an_operator_without_the_right_to_put_back_leaves_the_letters_and_writes_nothing(
    server: RealRedis, roles: Roles, tester: redis.Redis
) -> None:
    """Users as they were before the update: neither half of it nor an entry in the log."""
    deployed(roles.store("operator"))
    report = a_report()
    roles.store("web").reports.accept(report)
    roles.store("worker").work.settle(report.id, a_result(report, "urgent"), NOW_MS)
    with Consumer(roles.settings("consumer").redis_url, "ward-7") as consumer:
        next(iter(consumer)).give_up("down")
    (line,) = (line for line in ACL.read_text(encoding="utf-8").splitlines() if line.startswith("user operator "))
    rules = re.sub(r"#\w+", ">former", line.replace(" (~triage:results +xclaim)", "")).split()[2:]
    tester.execute_command("ACL", "SETUSER", "former", *rules)
    environment = {"TRIAGE_REDIS_URL": server.url_of("former", "former")}
    ran = CliRunner().invoke(main, ["redrive", "--group", "ward-7", "--all"], env=environment, catch_exceptions=False)
    tester.acl_deluser("former")
    assert (ran.exit_code, "NoPermission" in ran.stderr) == (3, True)
    assert (tester.xlen("triage:dead:ward-7"), tester.xlen(LOG)) == (1, 1)


def test_web_refuses_what_only_the_operators_web_may(roles: Roles) -> None:
    """With a key of all scopes: the document says 503; what is live stays, and nobody is erased."""
    operator = roles.store("operator")
    bundle = glass_test_live(operator)
    now_live = glass_test_live(operator, "1.0.1")
    text, key = make_key("ops", list(Scope), now_ms())
    operator.api_keys.add(key, by=TESTER)
    client = create_app(replace(roles.settings("web"), auth=True)).test_client()
    headers = {"Authorization": f"Bearer {text}"}
    report = client.post("/v1/reports", json={"subject": "p", "findings": ROUTINE}, headers=headers).get_json()
    assert client.post(f"/v1/rulesets/{bundle.name}/rollback", headers=headers).status_code == 503
    assert client.post("/v1/erasures", json={"subject": "p"}, headers=headers).status_code == 503
    assert operator.rulesets.get_live()[bundle.name].digest == now_live.digest
    assert client.get(f"/v1/reports/{report['id']}", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1:{port}/0", "redis://web:wrong@127.0.0.1:{port}/0", "redis://:x@127.0.0.1:{port}/0"]
)
def test_nobody_gets_in_without_a_password(server: RealRedis, tmp_path: Path, url: str) -> None:
    settings = Settings(redis_url=url.format(port=server.port), data_dir=tmp_path)
    with RedisStore(settings) as store, pytest.raises(StoreUnavailable):
        store.health.ping()


def test_the_file_lets_nobody_in_before_its_passwords_are_set(tmp_path: Path) -> None:
    """Used as it is, Redis doesn't start."""
    with pytest.raises(AssertionError, match=r"(?i)acl"), RealRedis(tmp_path, "--aclfile", str(ACL)):
        pass


def test_the_operators_web_may_what_web_may() -> None:
    """Two lines that must stay together; a right given to one is forgotten for the other."""
    lines = {line.split()[1]: line for line in ACL.read_text(encoding="utf-8").splitlines()}
    part = re.compile(r"\([^)]*\)|[^\s()]+")
    web, operators = (set(part.findall(lines[user])) for user in ("web", "web-operator"))
    assert web - operators == {"web", "#WEB_PASSWORD_SHA256"}
