"""Checks manifests of Kubernetes against its schemas, and against each other; prints what is wrong."""

import pathlib
import sys

import kubernetes_validate
import yaml

# An old release that is still in use, and the newest whose schemas are here.
VERSIONS = ["1.30", kubernetes_validate.latest_version()]


def documents(folder):
    for path in sorted(folder.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


def kinds(found, *kinds):
    return [document for document in found if document["kind"] in kinds]


def main(folder):
    wrong = []
    found = []
    for path, document in documents(folder):
        where = f"{path.relative_to(folder)}: "
        if document.get("apiVersion") is None:
            continue  # a configuration of the agent
        if document["kind"] == "Kustomization":
            named = [path.parent / name for name in document.get("resources", [])]
            for generator in document.get("configMapGenerator", []):
                named += [path.parent / name for name in generator["files"]]
            wrong += [f"{where}{name} is missing" for name in named if not name.exists()]
            others = set(path.parent.glob("*.yaml")) - set(named) - {path}
            wrong += [f"{where}{other.name} is left out" for other in others]
            continue
        found.append(document)
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(document, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                wrong.append(f"{where}{version}: {error.message}")
    workloads = kinds(found, "Deployment", "StatefulSet")
    pods = [workload["spec"]["template"] for workload in workloads]
    labels = [pod["metadata"]["labels"] for pod in pods]

    def selects(selector):
        return any(selector.items() <= of_one.items() for of_one in labels)

    for document in found:
        spec, name = document.get("spec", {}), document["metadata"]["name"]
        selector = spec.get("selector") or spec.get("podSelector") or {}
        selector = selector.get("matchLabels", selector)
        if not selects(selector):
            wrong.append(f"{document['kind']} {name} selects no pod")
    named = {(workload["kind"], workload["metadata"]["name"]) for workload in workloads}
    for scaler in kinds(found, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        if (target["kind"], target["name"]) not in named:
            wrong.append(f"{target['name']} is not there to be scaled")
    for pod in pods:
        containers = pod["spec"]["containers"]
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]} | {"queue"}
        for container in containers:
            security, name = container["securityContext"], container["name"]
            if not security["readOnlyRootFilesystem"] or security["capabilities"]["drop"] != ["ALL"]:
                wrong.append(f"{name} may do too much")
            if any(mount["name"] not in volumes for mount in container["volumeMounts"]):
                wrong.append(f"{name} mounts what is not there")
        if not pod["spec"]["securityContext"]["runAsNonRoot"]:
            wrong.append("a pod runs as root")
    if len(pods) < 2:
        wrong.append("router and gateway are not there")
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main(pathlib.Path(sys.argv[1])))
