import pytest

from papertape.data.connectors.proxy import proxy_for


def test_proxies_of_the_environment_are_for_others_than_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:1")
    monkeypatch.setenv("http_proxy", "http://proxy:2")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for("wss://stream.example/x") == "http://proxy:1"
    assert proxy_for("ws://stream.example/x") == proxy_for("http://stream.example/x") == "http://proxy:2"
    assert proxy_for("https://stream.example/x") == "http://proxy:1"
    for url in ("ws://127.0.0.1:1", "ws://localhost:1", "ws://[::1]:1", "wss://inside.example"):
        assert proxy_for(url) is None
