"""What is handed to systemd, containers, Kubernetes and CI holds together and is understood."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from admitted import errors
from understood import understood

from monitor.build import catalogue
from monitor.cli.formats import FORMATS
from monitor.config.load import loads, variables
from monitor.core.settings import Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "docs" / "deploy"
PAGE = (ROOT / "docs" / "deploy.md").read_text()
CATALOGUE = catalogue()


def meant(text: str) -> Settings:
    """A config with every variable set to what passes for an address and a key."""
    env = dict.fromkeys(variables("config.yaml", text), "https://planted.example.com/x")
    return loads("config.yaml", text, CATALOGUE, env, need_secrets=False)


# -- every example of a config in the documentation -----------------------------------------


def blocks() -> Iterator[tuple[str, str]]:
    """The blocks of YAML in the documentation, with a name each."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        found = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
        yield from ((f"{page.name}-{n}", text) for n, text in enumerate(found, 1))


BLOCKS = dict(blocks())
CONFIGS = [name for name, text in BLOCKS.items() if re.search("^accounts:", text, re.MULTILINE)]


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_of_yaml_in_the_documentation_is_yaml(name: str) -> None:
    assert yaml.safe_load(BLOCKS[name])


@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_in_the_documentation_is_sound_and_fits_the_schema(name: str) -> None:
    assert meant(BLOCKS[name]).accounts
    assert errors(BLOCKS[name], CATALOGUE) == []


def test_there_are_configs_in_the_documentation() -> None:
    assert {"README.md-1", "providers.md-1", "deploy.md-1"} <= set(CONFIGS)


# -- commands -------------------------------------------------------------------------------


def commands() -> list[str]:
    """The lines of the page in which the command line is called."""
    lines = re.findall(r"^    (.*\bmonitor (?:--|[a-z-]+).*)$", PAGE, re.MULTILINE)
    other = ("docker", "systemctl", "install", "kubectl", "journalctl", "python3", "ln", "--")
    return [
        line.replace("monitor  set -a; . /etc/monitor/keys.env; ", "").removeprefix(
            "*/5 * * * *  "
        )
        for line in lines
        if not line.startswith(other)
    ]


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_page_is_understood(line: str) -> None:
    understood(line.removeprefix("command_line  "))


def test_what_containers_and_actions_call_is_understood() -> None:
    command = re.search(r"^CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    assert command is not None
    understood(" ".join(["monitor", *json.loads(command[1])]))
    action = yaml.safe_load((DEPLOY / "github-action" / "action.yml").read_text())
    script = action["runs"]["steps"][-1]["run"].replace("\\\n", " ")
    line = next(line for line in script.splitlines() if "bin/monitor" in line)
    defaults = {name: given["default"] for name, given in action["inputs"].items()}
    line = line.replace("$FAIL_ON", defaults["fail-on"]).replace("$TIMEOUT", defaults["timeout"])
    understood(line.replace('"${globs[@]}"', "--only 'kie/*'"))


def test_the_action_puts_no_input_into_its_script() -> None:
    """What a caller hands over must not be able to end the script and begin another."""
    action = yaml.safe_load((DEPLOY / "github-action" / "action.yml").read_text())
    assert all("${{" not in step.get("run", "") for step in action["runs"]["steps"])
    workflow = yaml.safe_load((DEPLOY / "github-workflow.yml").read_text())
    (job,) = workflow["jobs"].values()
    given = job["steps"][-1]["with"]
    assert given.keys() <= action["inputs"].keys()


def test_every_format_is_named_where_it_is_of_use() -> None:
    for name in (*FORMATS, "prometheus"):
        if name not in ("text", "json"):
            assert f"--format {name}" in PAGE


# -- systemd --------------------------------------------------------------------------------


def settings_of(unit: Path) -> dict[str, list[str]]:
    """The lines of a unit file by their names."""
    found: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("name", ["monitor.service", "monitor-once.service"])
def test_what_a_unit_starts_is_understood(name: str) -> None:
    found = settings_of(ROOT / "systemd" / name)
    for line in (*found["ExecStart"], *found.get("ExecStartPre", [])):
        understood(line)


def test_the_service_is_what_the_page_says_it_is() -> None:
    found = settings_of(ROOT / "systemd" / "monitor.service")
    assert found["Type"] == ["notify"]
    assert found["RestartPreventExitStatus"] == ["64 78"]
    assert found["ExecStartPre"][0].endswith("check-config --quiet")
    assert f"TasksMax={found['TasksMax'][0]}" in PAGE
    assert f"MemoryMax={found['MemoryMax'][0]}" in PAGE
    assert found["WatchdogSec"] == ["30s"]
    loaded = [value.partition(":")[0] for value in found["LoadCredential"]]
    assert all(f"`{name}`" in PAGE for name in loaded)


def test_a_look_by_the_timer_takes_no_longer_than_its_service_may() -> None:
    found = settings_of(ROOT / "systemd" / "monitor-once.service")
    assert "--timeout 90s" in found["ExecStart"][0]
    assert found["TimeoutStartSec"] == ["2min"]
    assert found["SuccessExitStatus"] == ["1 2 3"]
    assert "RuntimeDirectory" not in found  # it would take the daemon's away when it ends


# -- Kubernetes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict[str, object]]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return {f"{d['kind']}/{d['metadata']['name']}": d for d in documents}


def test_the_manifests_config_is_sound_and_its_keys_are_in_the_secret(manifest) -> None:
    text = manifest["ConfigMap/monitor"]["data"]["config.yaml"]
    found = meant(text)
    assert errors(text, CATALOGUE) == []
    files = set(re.findall(r"_file: (\w+)", text))
    assert files == manifest["Secret/monitor"]["stringData"].keys()
    (container,) = manifest["Deployment/monitor"]["spec"]["template"]["spec"]["containers"]
    given = {variable["name"] for variable in container["env"]}
    assert given == {*variables("c.yaml", text), "MONITOR_CONFIG", "CREDENTIALS_DIRECTORY"}
    assert found.web.listen[1] == container["ports"][0]["containerPort"]


def test_the_manifests_parts_know_each_other(manifest) -> None:
    pod = manifest["Deployment/monitor"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    named = [v for volume in pod["volumes"] for v in volume.items() if v[0] != "name"]
    kinds = {"configMap": ("ConfigMap", "name"), "secret": ("Secret", "secretName"),
             "persistentVolumeClaim": ("PersistentVolumeClaim", "claimName")}  # fmt: skip
    for kind, source in named:
        if kind in kinds:
            what, key = kinds[kind]
            assert f"{what}/{source[key]}" in manifest
    probes = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "readiness")]
    assert probes == ["/-/healthy", "/-/ready"]


def test_the_image_has_the_folders_that_the_manifest_mounts(manifest) -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    (container,) = manifest["Deployment/monitor"]["spec"]["template"]["spec"]["containers"]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    for variable in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        (place,) = re.findall(rf"{variable}=(\S+)", text)
        assert place in mounted


def test_the_image_installs_nothing_without_its_hash() -> None:
    """Pins with hashes, from files that are there; what is built here needs no others."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    copied = {
        word for line in re.findall(r"^COPY (?!--)(.*)$", text, re.M) for word in line.split()
    }
    installs = re.findall(r"pip (?:install|wheel) (.*?)(?:&&|$)", text, re.MULTILINE)
    assert len(installs) == 4
    for words in installs:
        pins = re.search(r"--require-hashes -r (\S+)", words)
        assert "--no-deps" in words if pins is None else pins[1] in copied
