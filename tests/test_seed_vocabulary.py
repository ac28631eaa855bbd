"""The plan's contract (seed_vocabulary.toml) against the package: what exists is exact, what does not is listed.

`NOT_YET` names what papertape does not have, with the step of the road that brings it. An entry for
something that exists fails, and so does something that neither exists nor stands in the list.
"""

import importlib
import importlib.util
import inspect
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import msgspec
import pytest

NOT_YET = {
    "BinanceConnector": 3,
    "DataQualityMonitor": 4,
    "HistoricalDataManager": 4,
    "VirtualPortfolioManager": 5,
    "TradeExecutionSimulator": 5,
    "PerformanceAnalyticsEngine": 6,
    "ABTestingFramework": 6,
    "DataMCPBridge": 7,
    "Session3IntegrationTests": 8,
}
"""A class, or one method of a class that exists as `Class.method`, and the road step."""

KEYS_NOT_YET = {
    "real_time.quality.max_gap_seconds": 4,
    "real_time.quality.outlier_threshold": 4,
    "real_time.quality.completeness_threshold": 4,
    "real_time.quality.alert_threshold": 4,
    "accounts.default_capital": 5,
    "accounts.max_positions": 5,
    "accounts.risk_per_trade": 5,
    "accounts.max_daily_risk": 5,
    "execution.slippage_model": 5,
    "execution.commission_rate": 5,
    "execution.execution_delay": 5,
    "execution.market_impact": 5,
    "analytics.update_frequency": 6,
    "analytics.metrics_retention": 6,
    "analytics.benchmark_symbol": 6,
    "mcp_bridge.data_feed_priority": 7,
    "mcp_bridge.circuit_breaker_integration": 7,
    "mcp_bridge.event_sourcing": 7,
    "mcp_bridge.performance_monitoring": 7,
    "ml_bridge.feature_pipeline_ready": 9,
    "ml_bridge.model_serving_ready": 9,
    "ml_bridge.online_learning_ready": 9,
}
"""A configuration key and the road step."""

CONTRACT = tomllib.loads((Path(__file__).parent / "seed_vocabulary.toml").read_text(encoding="utf-8"))
CLASSES: list[dict[str, Any]] = CONTRACT["class"]
KEYS: dict[str, Any] = CONTRACT["keys"]
SIGNATURE = re.compile(r"async def (\w+)\((.*)\) -> (\w+)$")


class Method(NamedTuple):
    """One method as the plan writes it."""

    module: str
    owner: str
    name: str
    signature: str
    types: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"{self.owner}.{self.name}"


def methods_of(entry: dict[str, Any]) -> list[Method]:
    methods = []
    for signature in entry["methods"]:
        match = SIGNATURE.match(signature)
        assert match, signature
        types = tuple(name for name in entry["types"] if re.search(rf"\b{name}\b", signature))
        methods.append(Method(entry["module"], entry["name"], match[1], signature, types))
    return methods


METHODS = [method for entry in CLASSES for method in methods_of(entry)]


def find_module(name: str) -> ModuleType | None:
    """The module, or None where there is no such file; a module that fails to import fails the test."""
    try:
        if importlib.util.find_spec(name) is None:
            return None
    except ModuleNotFoundError as error:
        if name.startswith(f"{error.name}."):
            return None
        raise
    return importlib.import_module(name)


def written(annotation: Any) -> str:
    """An annotation as the plan writes it: no module path, List and Dict for list and dict, a bare Dict for any dict."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = re.sub(r"\b\w+\.", "", text)
    text = re.sub(r"\blist\b", "List", text)
    return re.sub(r"\b[dD]ict(\[.*\])?", "Dict", text)


def signature_of(owner: type, name: str) -> str:
    """The signature of a method, written as the plan writes it."""
    function = inspect.getattr_static(owner, name)
    signature = inspect.signature(function)
    _, *parameters = signature.parameters.values()
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    bare = str(inspect.Signature(plain))
    if bare == f"({', '.join(p.name for p in parameters)})":
        bare = f"({', '.join(f'{p.name}: {written(p.annotation)}' for p in parameters)})"
    kind = "async def" if inspect.iscoroutinefunction(function) else "def"
    return f"{kind} {name}{bare} -> {written(signature.return_annotation)}"


def faults(method: Method, module: ModuleType | None, not_yet: dict[str, int]) -> list[str]:
    """What is wrong with one method of the plan; empty when it is as the plan says or rightly listed."""
    owner = getattr(module, method.owner, None)
    if owner is None:
        return [] if method.owner in not_yet else [f"{method.module} has no {method.owner}, and it is not in NOT_YET"]
    if method.owner in not_yet:
        return [f"{method.owner} exists: take it out of NOT_YET"]
    if not hasattr(owner, method.name):
        return [] if method.path in not_yet else [f"{method.path} does not exist and is not in NOT_YET"]
    if method.path in not_yet:
        return [f"{method.path} exists: take it out of NOT_YET"]
    found = []
    if (actual := signature_of(owner, method.name)) != method.signature:
        found.append(f"{method.owner}: expected {method.signature!r}, was {actual!r}")
    found += [f"{method.module} does not give {name}" for name in method.types if not hasattr(module, name)]
    return found


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.path)
def test_method_is_as_planned_or_listed(method: Method) -> None:
    assert faults(method, find_module(method.module), NOT_YET) == []


def test_lists_name_only_what_the_plan_names() -> None:
    known = {method.owner for method in METHODS} | {method.path for method in METHODS}
    assert set(NOT_YET) <= known
    assert set(KEYS_NOT_YET) <= set(KEYS)
    assert all(step in range(1, 11) for step in (*NOT_YET.values(), *KEYS_NOT_YET.values()))


def test_contract_is_whole() -> None:
    assert len(CLASSES) == 12
    assert len(METHODS) == 48
    assert len(KEYS) == 30
    named = {name for entry in CLASSES for name in entry["types"]}
    used = {name for method in METHODS for name in re.findall(r"\w+", method.signature.partition("(")[2])}
    assert named == {name for name in used if name[0].isupper() and name not in ("List", "Dict")}


def key_faults(key: str, default: Any, config: dict[str, Any], not_yet: dict[str, int]) -> list[str]:
    """What is wrong with one key of the plan in a configuration written out with its defaults."""
    value: Any = config
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return [] if key in not_yet else [f"the configuration has no {key}, and it is not in KEYS_NOT_YET"]
        value = value[part]
    if key in not_yet:
        return [f"{key} exists: take it out of KEYS_NOT_YET"]
    value = list(value) if isinstance(value, tuple) else value
    return [] if str(value) == str(default) else [f"{key}: expected the default {default!r}, was {value!r}"]


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """Every key of the configuration, by its written name, with its default."""
    module = find_module("papertape.runtime.config")
    return msgspec.to_builtins(module.Config()) if module else {}


@pytest.mark.parametrize("key", KEYS)
def test_key_is_as_planned_or_listed(key: str, config: dict[str, Any]) -> None:
    assert key_faults(key, KEYS[key], config, KEYS_NOT_YET) == []


# The checks themselves can fail.

EXAMPLE = Method("m", "Monitor", "watch", "async def watch(symbols: List[str], raw: Dict) -> Report", ("Report",))


def module_with(source: str) -> ModuleType:
    module = ModuleType("m")
    exec(source, module.__dict__)
    return module


GOOD = "class Report: ...\nclass Monitor:\n    async def watch(self, symbols: list[str], raw: dict[str, object]) -> Report: ..."


def test_a_method_as_planned_passes() -> None:
    assert faults(EXAMPLE, module_with(GOOD), {}) == []
    assert faults(EXAMPLE, module_with("from __future__ import annotations\n" + GOOD), {}) == []
    assert faults(EXAMPLE, None, {"Monitor": 3}) == []
    assert faults(EXAMPLE, module_with("class Monitor: ..."), {"Monitor.watch": 3}) == []


@pytest.mark.parametrize(
    ("source", "not_yet"),
    [
        ("", {}),
        ("class Monitor: ...", {}),
        (GOOD, {"Monitor": 3}),
        (GOOD, {"Monitor.watch": 3}),
        (GOOD.replace("async ", ""), {}),
        (GOOD.replace("symbols", "names"), {}),
        (GOOD.replace("list[str]", "list[int]"), {}),
        (GOOD.replace("-> Report", "-> str"), {}),
        (GOOD.replace("object])", "object], depth: int)"), {}),
        (GOOD.replace("object])", "object] = {})"), {}),
        (GOOD.replace("(self, ", "(self, *, "), {}),
        ("from __future__ import annotations\n" + GOOD.replace("class Report: ...", ""), {}),
    ],
)
def test_a_method_not_as_planned_is_seen(source: str, not_yet: dict[str, int]) -> None:
    assert faults(EXAMPLE, module_with(source), not_yet)


def test_a_key_not_as_planned_is_seen() -> None:
    config = {"accounts": {"max_positions": 10, "symbols": ("A", "B")}}
    assert key_faults("accounts.max_positions", 10, config, {}) == []
    assert key_faults("accounts.symbols", ["A", "B"], config, {}) == []
    assert key_faults("accounts.leverage", 1, config, {"accounts.leverage": 5}) == []
    assert key_faults("accounts.max_positions", 11, config, {})
    assert key_faults("accounts.max_positions", 10, config, {"accounts.max_positions": 5})
    assert key_faults("accounts.leverage", 1, config, {})
