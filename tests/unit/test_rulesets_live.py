"""What is live is followed between two reports, and neither a slow store nor a broken bundle stops the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rulesets import repository
from triage_rules.deployment import live as live_rulesets
from triage_rules.deployment.live import KEPT, LiveRulesets
from triage_rules.foundation.errors import BundleError, RulesetNotFound, StoreUnavailable
from triage_rules.language.bundle import Bundle, make_bundle
from triage_rules.store.rulesets import LiveRuleset

GLASS_TEST = Path("tests/acceptance/rulesets/glass-test")


class Shelf:
    """A store as far as live rulesets need it: what is live, and the bundles; it counts what it is asked."""

    def __init__(self) -> None:
        self.rulesets: dict[str, LiveRuleset] = {}
        self.bundles: dict[str, bytes] = {}
        self.asked = self.handed_out = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.was_asked = threading.Event()

    def put(self, name: str, bundle: Bundle, data: bytes | None = None) -> None:
        self.rulesets[name] = LiveRuleset(name, bundle.digest, bundle.version, 0, None)
        self.bundles[bundle.digest] = bundle.data if data is None else data

    def get_live(self) -> dict[str, LiveRuleset]:
        self.asked += 1
        self.was_asked.set()
        if not self.go_on.wait(60):
            raise StoreUnavailable("away")
        return dict(self.rulesets)

    def get_bundle(self, digest: str) -> bytes:
        self.handed_out += 1
        if digest not in self.bundles:
            raise RulesetNotFound(f"no bundle {digest} is stored")
        return self.bundles[digest]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return repository.bundle(GLASS_TEST)


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    shelf = Shelf()
    yield shelf
    shelf.go_on.set()


def _changed(bundle: Bundle, tmp_path: Path, version: str) -> Bundle:
    """The ruleset of `bundle` under another version, so under another digest."""
    folder = tmp_path / version
    folder.mkdir()
    text = (GLASS_TEST / "ruleset.yaml").read_text(encoding="utf-8")
    changed = text.replace(f"version: {bundle.version}", f"version: {version}")
    assert changed != text
    (folder / "ruleset.yaml").write_text(changed, encoding="utf-8")
    return make_bundle(folder)


def _ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_rulesets, "ASK_AFTER_SECONDS", 0.0)


def test_a_thread_that_waits_for_the_store_keeps_nobody_else_waiting(
    shelf: Shelf, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put("glass-test", bundle)
    live = LiveRulesets(shelf)  # type: ignore[arg-type]
    live.get("glass-test")
    _ask_at_once(monkeypatch)
    shelf.go_on.clear()
    shelf.was_asked.clear()
    slow = threading.Thread(target=live.names)
    slow.start()
    assert shelf.was_asked.wait(60)
    assert live.get("glass-test").digest == bundle.digest
    assert slow.is_alive()
    shelf.go_on.set()
    slow.join(5)


def test_after_a_refresh_what_was_live_before_is_not_good_enough(
    shelf: Shelf, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put("glass-test", bundle)
    live = LiveRulesets(shelf)  # type: ignore[arg-type]
    live.get("glass-test")
    newer = _changed(bundle, tmp_path, "9.0.0")
    shelf.put("glass-test", newer)
    live.refresh()
    assert live.get("glass-test").digest == newer.digest


def test_a_broken_bundle_is_told_once_and_not_opened_again_at_each_report(
    shelf: Shelf, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.put("glass-test", bundle)
    live = LiveRulesets(shelf)  # type: ignore[arg-type]
    good = live.get("glass-test")
    _ask_at_once(monkeypatch)
    shelf.put("glass-test", _changed(bundle, tmp_path, "9.0.0"), b"{")
    before = shelf.handed_out
    for _ in range(20):
        assert live.get("glass-test") is good
    assert shelf.handed_out == before + 1
    assert len(caplog.records) == 1
    assert list(live.refused()) == ["glass-test"]


def test_a_bundle_that_is_mended_is_opened_a_little_later(
    shelf: Shelf, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put("glass-test", bundle, b"{")
    live = LiveRulesets(shelf)  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="glass-test"):
        live.get("glass-test")
    shelf.put("glass-test", bundle)
    with pytest.raises(BundleError):
        live.get("glass-test")
    monkeypatch.setattr(live_rulesets, "TRY_AGAIN_SECONDS", 0.0)
    assert live.get("glass-test").digest == bundle.digest
    assert live.refused() == {}


def test_however_many_rulesets_are_live_each_is_opened_once(shelf: Shelf, bundle: Bundle, tmp_path: Path) -> None:
    many = {f"ruleset-{n}": _changed(bundle, tmp_path, f"9.0.{n}") for n in range(KEPT + 3)}
    for name, one in many.items():
        shelf.put(name, one)
    live = LiveRulesets(shelf)  # type: ignore[arg-type]
    for _ in range(3):
        for name, one in many.items():
            assert live.get(name).digest == one.digest
    assert shelf.handed_out == len(many)


def test_of_rulesets_that_are_not_live_only_a_few_are_kept(shelf: Shelf, bundle: Bundle, tmp_path: Path) -> None:
    live = LiveRulesets(shelf)  # type: ignore[arg-type]
    old: list[Any] = [_changed(bundle, tmp_path, f"9.0.{n}") for n in range(KEPT + 1)]
    for one in old:
        shelf.bundles[one.digest] = one.data
        live.by_digest(one.digest)
    assert shelf.handed_out == len(old)
    live.by_digest(old[-1].digest)
    assert shelf.handed_out == len(old)
    live.by_digest(old[0].digest)
    assert shelf.handed_out == len(old) + 1


def test_while_the_store_is_away_the_last_version_is_known_without_asking_again(
    shelf: Shelf, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each attempt may take seconds; after a refresh there is one more."""
    shelf.put("glass-test", bundle)
    live = LiveRulesets(shelf)  # type: ignore[arg-type]
    loaded, is_reached = live.get_last("glass-test")
    assert is_reached
    _ask_at_once(monkeypatch)
    get_live = shelf.get_live

    def away() -> dict[str, LiveRuleset]:
        get_live()
        raise StoreUnavailable

    monkeypatch.setattr(shelf, "get_live", away)
    before = shelf.asked
    assert [live.get_last("glass-test") for _ in range(3)] == [(loaded, False)] * 3
    assert shelf.asked == before + 1
    with pytest.raises(StoreUnavailable):
        live.get_last("never-opened")
    live.refresh()
    assert live.get_last("glass-test") == (loaded, False)
    assert shelf.asked == before + 3
    monkeypatch.setattr(shelf, "get_live", get_live)
    live.refresh()
    assert live.get_last("glass-test") == (loaded, True)
