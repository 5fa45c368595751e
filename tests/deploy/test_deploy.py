"""Tests that the files in `deploy/` fit the server: its flags, paths, metrics and time limits.

Where kubectl, kubernetes-validate, hadolint or Prometheus is installed, it judges the files, too.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from keras_gallery.serving.config import flags, model_config, server_config
from keras_gallery.serving.config.flag_table import FLAGS
from keras_gallery.serving.launcher import ServerProcess
from keras_gallery.serving.observe.prometheus import FAMILIES
from keras_gallery.serving.ports import free_port
from keras_gallery.serving.server.model_server import STOP_SECONDS

from ..hardening.line_model import write

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "model-server.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((DEPLOY / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
METRIC = re.compile(r"(?<![\w\"])(?::tensorflow|keras_gallery):[\w:]+")


def documents(name: str) -> list[Any]:
    return list(yaml.safe_load_all((KUBERNETES / name).read_text(encoding="utf-8")))


def container(name: str) -> Any:
    (document,) = documents(name)
    spec = document["spec"]
    (found,) = spec["template"]["spec"]["containers"] if "template" in spec else spec["containers"]
    return found


def entry_point() -> list[str]:
    line = re.search(r"^ENTRYPOINT (.+)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert line
    program, *arguments = json.loads(line[1])
    assert program == "gallery-model-server"
    return arguments


def arguments_of(name: str) -> list[str]:
    """Returns the flags with which a container starts the server."""
    if name == "compose.yaml":
        own = yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))["services"]["server"]["command"]
    elif name == "tls":
        patch = (KUBERNETES / "tls" / "kustomization.yaml").read_text(encoding="utf-8")
        return [*arguments_of("deployment.yaml"), *re.findall(r"value: (--[^}\n]+)", patch)]
    else:
        own = [each.replace("{{.Name}}", "m") for each in container(name)["args"]]
    return [*entry_point(), *own]


QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
QUERIES += [rule["expr"] for rule in ALERTS]


# === The server's own code ===


@pytest.mark.parametrize("name", ["compose.yaml", "deployment.yaml", "serving-runtime.yaml", "tls"])
def test_the_server_takes_the_flags(name: str) -> None:
    values = flags.parse(arguments_of(name), {"MODEL_NAME": "m"})
    assert values.model_config_file or values.model_base_path
    ports = {flag: getattr(values, flag) for flag in ("port", "rest_api_port")}
    assert ports == (
        {"port": 9000, "rest_api_port": 8080} if "runtime" in name else {"port": 8500, "rest_api_port": 8501}
    )


def test_the_image_has_the_model_of_tensorflow_servings_image() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    variables = dict(each.split("=", 1) for each in re.search(r"^ENV (.+)$", text, re.MULTILINE)[1].split())  # type: ignore[index]
    values = flags.parse(entry_point(), variables)
    assert (values.model_name, values.model_base_path) == ("model", "/models/model")
    mine = flags.parse([*entry_point(), "--port=9"], variables | {"MODEL_NAME": "mine"})
    assert (mine.model_base_path, mine.port) == ("/models/mine", 9)


def test_the_image_has_all_packages() -> None:
    """The context of the build has all folders with packages, and none that a package does not need."""
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = {line[1:] for line in lines if line.startswith("!")}
    names = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {name.split(".")[1] for name in names if "." in name} - {"pretrained"}
    assert copied == folders | {
        *("LICENSE", "MANIFEST.in", "README.md", "constraints.txt", "keras_gallery", "pyproject.toml"),
        "saved_models/pretrained",
    }
    assert all((ROOT / name).exists() for name in copied)


def test_the_configuration_files_are_valid() -> None:
    (model,) = model_config.parse_config_file(KUBERNETES / "config" / "models.config")
    assert model.name == "denoising_autoencoder"
    path = server_config.monitoring(KUBERNETES / "config" / "monitoring.config").path
    annotations = documents("deployment.yaml")[0]["spec"]["template"]["metadata"]["annotations"]
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"][0]
    runtime = documents("serving-runtime.yaml")[0]["spec"]["annotations"]
    found = {annotations["prometheus.io/path"], scraped["metrics_path"], runtime["prometheus.kserve.io/path"]}
    assert found == {path} == {server_config.METRICS_PATH}


def test_kubernetes_waits_until_the_server_has_stopped() -> None:
    """The server ends itself after the grace period and four times `STOP_SECONDS`."""
    spec = documents("deployment.yaml")[0]["spec"]["template"]["spec"]
    pause = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = next(flag.default for flag in FLAGS if flag.name == "shutdown_grace_seconds")
    assert spec["terminationGracePeriodSeconds"] >= pause + grace + 4 * STOP_SECONDS
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["server"]
    assert float(compose["stop_grace_period"].removesuffix("s")) >= grace + 4 * STOP_SECONDS


@pytest.mark.parametrize("query", QUERIES)
def test_the_server_has_the_metrics(query: str) -> None:
    names = METRIC.findall(query)
    assert names or query.startswith("up{")
    for name in names:
        family = FAMILIES.get(name) or FAMILIES[re.sub("_(bucket|sum|count)$", "", name)]
        assert (family.kind == "histogram") == name.endswith(("_bucket", "_sum", "_count"))
        selected = re.search(re.escape(name) + r"\{([^}]*)\}", query)
        labels = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", selected[1]) if selected else []
        grouped = re.findall(r"by \(([^)]*)\)", query)
        labels += [label for group in grouped for label in group.split(", ")]
        assert set(labels) <= {*family.labels, "instance", "le"}


def test_the_autoscaler_uses_a_metric_of_the_server() -> None:
    (rule,) = documents("prometheus-adapter-values.yaml")[0]["rules"]["custom"]
    (metric,) = documents("autoscaler.yaml")[0]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    (name,) = METRIC.findall(rule["name"]["matches"])
    assert FAMILIES[name].kind == "gauge" and f'__name__="{name}"' in rule["seriesQuery"]


# === A real server and a real Prometheus ===


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the metrics of the deployment."""
    folder = tmp_path_factory.mktemp("deploy")
    write(folder / "line" / "1")
    ports = {"port": free_port(), "rest_port": free_port()}
    monitoring = f"--monitoring_config_file={KUBERNETES / 'config' / 'monitoring.config'}"
    with ServerProcess("embedded", {"line": folder / "line"}, **ports, flags=(monitoring,)) as started:
        started.wait_until_ready(60)
        yield started


def test_the_server_answers_the_probes(server: ServerProcess) -> None:
    paths = {server_config.METRICS_PATH}
    for name in ("deployment.yaml", "serving-runtime.yaml"):
        paths |= {each["httpGet"]["path"] for key, each in container(name).items() if key.endswith("Probe")}
    paths |= set(re.findall(r"localhost:8501(/\w+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8")))
    assert paths == {"/livez", "/readyz", server_config.METRICS_PATH}
    for path in paths:
        with urllib.request.urlopen(server.rest + path, timeout=30) as answer:
            assert answer.status == 200


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")
def test_prometheus_answers_all_queries(server: ServerProcess, tmp_path: Path) -> None:
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"]["scrape_interval"] = "1s"
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [server.rest.removeprefix("http://")]
    shutil.copy(DEPLOY / "alerts.yml", tmp_path)
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}"]
    process = subprocess.Popen([*command, f"--web.listen-address={address}"], stderr=subprocess.DEVNULL)
    filled = {"$__rate_interval": "5s", "$__range": "5s", "$model": ".*"}
    alerts = {rule["expr"] for rule in ALERTS}  # an alert has values only while something is wrong
    try:
        empty, end = set(QUERIES), time.monotonic() + 60
        while empty - alerts and time.monotonic() < end:
            assert _predict(server, [[0] * 8]) == 200 and _predict(server, [["a"] * 8]) == 400
            empty -= {query for query in empty if _has_values(address, query, filled)}
            time.sleep(0.2)
        assert not empty - alerts
        for query in alerts:
            _has_values(address, query, filled)  # raises an error for a wrong query
    finally:
        process.kill()
        process.wait()


def _predict(server: ServerProcess, instances: list[Any]) -> int:
    """Sends a request. Returns the HTTP status."""
    body = json.dumps({"instances": instances}).encode()
    try:
        with urllib.request.urlopen(f"{server.rest}/v1/models/line:predict", body, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _has_values(address: str, query: str, filled: dict[str, str]) -> bool:
    for name, value in filled.items():
        query = query.replace(name, value)
    url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(json.load(answer)["data"]["result"])
    except urllib.error.HTTPError as error:
        if error.code == 400:
            raise
        return False
    except urllib.error.URLError:  # Prometheus is starting
        return False


# === Other programs ===


@pytest.mark.skipif(not shutil.which("hadolint"), reason="hadolint is not installed")
def test_hadolint_has_no_complaint() -> None:
    subprocess.run(["hadolint", DEPLOY / "Dockerfile"], check=True, timeout=60)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("tls", [False, True])
def test_kustomize_and_the_schemas_of_kubernetes(tls: bool, tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "base")
    if tls:
        with open(tmp_path / "base" / "kustomization.yaml", "a", encoding="utf-8") as file:
            file.write("components: [tls]\n")
    done = subprocess.run(["kubectl", "kustomize", tmp_path / "base"], capture_output=True, check=True, timeout=60)
    found = {each["kind"]: each for each in yaml.safe_load_all(done.stdout)}
    assert found.keys() == {
        *("ConfigMap", "Deployment", "HorizontalPodAutoscaler", "PersistentVolumeClaim", "PodDisruptionBudget"),
        "Service",
    }
    (one,) = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert ("--ssl_config_file=/tls/ssl.config" in one["args"]) == tls
    assert [one[f"{kind}Probe"]["httpGet"].get("scheme") for kind in ("startup", "liveness", "readiness")] == (
        ["HTTPS"] * 3 if tls else [None] * 3
    )
    if shutil.which("kubernetes-validate"):
        (tmp_path / "all.yaml").write_bytes(done.stdout)
        subprocess.run(["kubernetes-validate", "--strict", tmp_path / "all.yaml"], check=True, timeout=120)
