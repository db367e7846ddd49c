"""TLS to Redis, on Redis itself: every client of ours verifies who is there, and talks to nobody else."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from celery import Celery
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kombu import pools
from kombu.exceptions import OperationalError

from service.boot.app import create_app
from service.use.dispatch import CeleryDispatch
from tests.support.actors import TESTER
from tests.support.reports import URGENT, glass_test_live, now_ms
from tests.support.services.ports import free_port
from tests.support.services.redis_server import RealRedis
from tests.support.services.workers import Crew
from triage_rules.consumer import Consumer
from triage_rules.foundation.errors import StoreUnavailable
from triage_rules.foundation.settings import Settings
from triage_rules.records.api_keys import Scope, make_key
from triage_rules.records.reports import Lane
from triage_rules.store.redis import RedisStore
from workers.app import celery_settings

DAY = dt.timedelta(days=1)


@dataclass
class Authority:
    """A CA of the test's own, and what it signs, as files in a folder."""

    folder: Path
    name: str

    def __post_init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        self.file = self.folder / f"{self.name}.pem"
        self._write(self.file, self._signed(self._issuer, self._key, [], is_ca=True))

    def certificate(self, name: str, *others: x509.GeneralName) -> tuple[Path, Path]:
        """A certificate and its key, for a host of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        cert_file, key_file = self.folder / f"{self.name}-{name}.crt", self.folder / f"{self.name}-{name}.key"
        self._write(cert_file, self._signed(subject, key, [x509.DNSName(name), *others], is_ca=False))
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(*pem))
        return cert_file, key_file

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName], *, is_ca: bool
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if is_ca:
            signs = dict.fromkeys(
                (
                    "content_commitment",
                    "key_encipherment",
                    "data_encipherment",
                    "key_agreement",
                    "encipher_only",
                    "decipher_only",
                ),
                False,
            )
            usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **signs)
            made = made.add_extension(usage, critical=True)
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return made.sign(self._key, hashes.SHA256())

    @staticmethod
    def _write(file: Path, certificate: x509.Certificate) -> None:
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other-ca"), "others")


def served(folder: Path, ours: Authority, certificate: tuple[Path, Path], clients: str = "no") -> RealRedis:
    """A server that speaks TLS alone; its `port` is that of TLS."""
    port, (cert, key) = free_port(), certificate
    server = RealRedis(
        folder,
        *("--port", "0", "--tls-port", str(port), "--tls-auth-clients", clients),
        *("--tls-cert-file", str(cert), "--tls-key-file", str(key), "--tls-ca-cert-file", str(ours.file)),
    )
    server.port = port
    return server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, ours: Authority) -> Iterator[RealRedis]:
    """Its certificate is for localhost and for 127.0.0.1."""
    certificate = ours.certificate("localhost", x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    with served(tmp_path_factory.mktemp("tls"), ours, certificate) as started:
        yield started


@pytest.fixture
def settings(server: RealRedis, ours: Authority, tmp_path: Path) -> Settings:
    url = f"rediss://localhost:{server.port}/0?ssl_ca_certs={ours.file}"
    return Settings(redis_url=url, data_dir=tmp_path)


@pytest.fixture
def store(settings: Settings) -> Iterator[RedisStore]:
    with RedisStore(settings) as opened:
        yield opened


def test_the_whole_path_goes_over_tls(settings: Settings, store: RedisStore, crew: Crew) -> None:
    """Store, rate limits, Celery on both sides, and a consumer."""
    glass_test_live(store)
    text, key = make_key("clinic", [Scope.REPORT], now_ms())
    store.api_keys.add(key, by=TESTER)
    crew.worker(worker_concurrency=1)
    client = create_app(replace(settings, auth=True)).test_client()
    headers = {"Authorization": f"Bearer {text}", "Prefer": "wait=10"}
    answer = client.post("/v1/reports", json={"findings": URGENT}, headers=headers)
    assert (answer.status_code, answer.get_json()["result"]["level"]) == (200, "urgent")
    with Consumer(settings.redis_url, "ward-7") as consumer:
        assert next(iter(consumer)).event.subject == answer.get_json()["id"]


def refused_by_all(url: str, data_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By the store; by Celery as the web sends and as the worker receives."""
    settings = Settings(redis_url=url, data_dir=data_dir)
    with RedisStore(settings) as store, pytest.raises(StoreUnavailable):
        store.health.ping()
    caplog.clear()
    pools.reset()  # kombu's, of the whole process: it takes URLs that differ in their files alone for one
    CeleryDispatch(settings)(["id"], Lane.NORMAL)
    assert "enqueueing failed" in caplog.text
    worker = Celery("worker", set_as_current=False)
    worker.conf.update(celery_settings(settings))
    with worker.connection_for_read() as connection, pytest.raises(OperationalError):
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)


def test_a_server_of_another_authority_is_refused(
    server: RealRedis, others: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refused_by_all(f"rediss://localhost:{server.port}/0?ssl_ca_certs={others.file}", tmp_path, caplog)


def test_without_a_file_only_the_machines_authorities_count(
    server: RealRedis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Celery by itself would verify nothing then."""
    refused_by_all(f"rediss://localhost:{server.port}/0", tmp_path, caplog)


def test_a_certificate_for_another_host_is_refused(
    ours: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Signed by our own authority, but for somebody else."""
    with served(tmp_path, ours, ours.certificate("elsewhere.example")) as server:
        refused_by_all(f"rediss://localhost:{server.port}/0?ssl_ca_certs={ours.file}", tmp_path, caplog)


def test_a_plain_connection_is_refused(server: RealRedis, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    refused_by_all(f"redis://localhost:{server.port}/0", tmp_path, caplog)


def test_redis_can_ask_for_our_certificate_too(
    ours: Authority, others: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With `tls-auth-clients yes`: who has none, or one of another authority, is refused."""
    with served(tmp_path, ours, ours.certificate("localhost"), clients="yes") as server:
        url = f"rediss://localhost:{server.port}/0?ssl_ca_certs={ours.file}"

        def with_certificate(of: Authority) -> str:
            cert, key = of.certificate("web")
            return f"{url}&ssl_certfile={cert}&ssl_keyfile={key}"

        settings = Settings(redis_url=with_certificate(ours), data_dir=tmp_path)
        with RedisStore(settings) as store:
            store.health.ping()
        CeleryDispatch(settings)(["id"], Lane.NORMAL)
        assert caplog.text == ""
        refused_by_all(url, tmp_path, caplog)
        refused_by_all(with_certificate(others), tmp_path, caplog)
