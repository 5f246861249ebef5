#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every YAML that launch writes is read by a parser that is not ours (python3-yaml), which finds the words of the command
# in it, and its fields are those of the objects: names, types and what must agree, as their definitions say. Where Debian's
# python3-kubernetes is there, its models of the API (made from the OpenAPI schema) read every object and pod, refuse what
# lacks a required field, and write it again: nothing may be lost. Where docker-compose is there, it checks the compose
# files. kubectl does not check here: even `create --dry-run=client` asks an API server for the kinds it knows. Skipped
# (77) without the parser. Usage: manifests.sh PROGRAM
set -eu
program=$1
python=python3
/usr/bin/python3 -c 'import yaml, kubernetes' 2>/dev/null && python=/usr/bin/python3   # Debian's, before another on PATH
"$python" -c 'import yaml' 2>/dev/null || { echo "python3-yaml is missing"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for engine in vllm sglang trtllm; do
    layout="--model deepseek-v3 --gpu h200_sxm --engine $engine --attention-dp 8 --ep 8 --draft-tokens 1"
    # shellcheck disable=SC2086
    "$program" launch $layout --format json --output "$work/$engine.json"
    for form in kubernetes compose llm-d dynamo; do
        # shellcheck disable=SC2086
        "$program" launch $layout --as "$form" --output "$work/$engine-$form.yaml" || [ $? -eq 3 ]
    done
done
"$program" launch --model deepseek-v3 --gpu h200_sxm --tp 16 --as kubernetes --output "$work/vllm-nodes.yaml"
# Prefill and decode apart: the objects of both pools.
for engine in vllm sglang trtllm; do
    pools="--prefill-gpus 16 --decode-gpus 8 --attention-dp 8 --ep 8 --decode-redundant-experts 8"
    # shellcheck disable=SC2086
    for form in kubernetes llm-d dynamo; do
        "$program" launch --model deepseek-v3 --gpu h200_sxm --engine "$engine" --tp 1 $pools --as "$form" \
            --output "$work/$engine-apart-$form.yaml" || [ $? -eq 3 ]
    done
done
if command -v docker-compose >/dev/null; then
    for engine in vllm sglang; do   # configs with content, as TensorRT-LLM has one, are newer than its schema
        HF_TOKEN=x docker-compose -f "$work/$engine-compose.yaml" config -q
    done
    echo "docker-compose read its files"
fi
"$python" - "$work" <<'PYTHON'
import glob, json, re, sys, yaml
try:
    from kubernetes import client
    api = client.ApiClient()
except ImportError:
    api = None
read = 0
models = 0

def by_schema(value, model):
    """The model of the API reads it, with every required field, and writes the same again."""
    global models
    if api is None:
        return
    class Response:
        data = json.dumps(value)
    assert api.sanitize_for_serialization(api.deserialize(Response, model)) == value, (model, value)
    models += 1

def only(table, allowed, where):
    assert isinstance(table, dict), (where, table)
    assert set(table) <= set(allowed), (where, sorted(set(table) - set(allowed)))

def quantity(text):
    assert re.fullmatch(r"[0-9]+(\.[0-9]+)?([EPTGMk]i?)?", str(text)), text

def container(c):
    only(c, "name image command args env envFrom ports resources volumeMounts startupProbe readinessProbe".split(), "container")
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", c["name"]), c["name"]
    assert ":" in c["image"].rsplit("/", 1)[-1], c["image"]
    for key in ("command", "args"):
        assert all(isinstance(w, str) for w in c.get(key, [])), c
    for kind in ("limits", "requests"):
        for value in c.get("resources", {}).get(kind, {}).values():
            assert isinstance(value, str)
            quantity(value)
    for port in c.get("ports", []):
        assert isinstance(port["containerPort"], int)

def pod(spec):
    by_schema(spec, "V1PodSpec")
    only(spec, "containers volumes".split(), "pod")
    mounted = {m["name"] for c in spec["containers"] for m in c.get("volumeMounts", [])}
    assert mounted <= {v["name"] for v in spec.get("volumes", [])}, spec
    for c in spec["containers"]:
        container(c)

def template(t, labels):
    only(t, ["metadata", "spec"], "template")
    assert labels.items() <= t["metadata"]["labels"].items(), t
    pod(t["spec"])

def kubernetes(d):
    only(d, "apiVersion kind metadata spec data".split(), d["kind"])
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", d["metadata"]["name"])
    if d["kind"] in ("Deployment", "Service", "ConfigMap"):
        by_schema(d, "V1" + d["kind"])
    if d["kind"] == "Deployment":
        assert d["apiVersion"] == "apps/v1"
        only(d["spec"], "replicas selector template".split(), "Deployment")
        template(d["spec"]["template"], d["spec"]["selector"]["matchLabels"])
    elif d["kind"] == "LeaderWorkerSet":
        assert d["apiVersion"] == "leaderworkerset.x-k8s.io/v1"
        only(d["spec"], "replicas leaderWorkerTemplate".split(), "LeaderWorkerSet")
        inner = d["spec"]["leaderWorkerTemplate"]
        only(inner, "size restartPolicy leaderTemplate workerTemplate".split(), "leaderWorkerTemplate")
        for key in ("leaderTemplate", "workerTemplate"):
            if key in inner:
                pod(inner[key]["spec"])
    elif d["kind"] == "Service":
        assert d["apiVersion"] == "v1" and isinstance(d["spec"]["ports"][0]["port"], int)
    elif d["kind"] == "ConfigMap":
        assert all(isinstance(v, str) for v in d["data"].values())
    elif d["kind"] == "DynamoGraphDeployment":
        assert d["apiVersion"] == "nvidia.com/v1beta1"
        only(d["spec"], ["components"], "graph")
        for c in d["spec"]["components"]:
            only(c, "name type replicas multinode podTemplate".split(), "component")
            pod(c["podTemplate"]["spec"])
            assert c["podTemplate"]["spec"]["containers"][0]["name"] == "main"
        kinds = [c["type"] for c in d["spec"]["components"]]
        assert kinds in (["frontend", "worker"], ["frontend", "prefill", "decode"]), kinds
        for c in d["spec"]["components"]:
            words = c["podTemplate"]["spec"]["containers"][0].get("args", [])
            if c["type"] in ("prefill", "decode"):
                assert words[words.index("--disaggregation-mode") + 1] == c["type"], words
    else:
        raise AssertionError(d["kind"])

def llm_d_phase(p):
    only(p, "create replicas parallelism containers".split(), "phase")
    only(p["parallelism"], "tensor data dataLocal workers".split(), "parallelism")
    for c in p["containers"]:
        only(c, "name image modelCommand command args env ports resources mountModelVolume volumeMounts".split(), "container")
        assert c["modelCommand"] == "custom" and c["command"], c
        gpus = int(list(c["resources"]["limits"].values())[0])
        assert gpus == p["parallelism"]["tensor"] * p["parallelism"]["dataLocal"], p
    words = p["containers"][0]["command"]
    return int(words[words.index("--port") + 1])

def llm_d(d):
    only(d, "modelArtifacts routing decode prefill".split(), "values")
    only(d["modelArtifacts"], "name uri size authSecretName labels mountPath".split(), "modelArtifacts")
    quantity(d["modelArtifacts"]["size"])
    assert int(d["modelArtifacts"]["size"][:-2]) > 600, d["modelArtifacts"]   # DeepSeek-V3 in fp8: 642 GiB
    only(d["routing"], "servicePort proxy".split(), "routing")
    service, proxy = d["routing"]["servicePort"], d["routing"]["proxy"]
    # The server listens where the service does, or behind the proxy that does so.
    assert llm_d_phase(d["decode"]) == (proxy["targetPort"] if proxy["enabled"] else service)
    assert proxy["enabled"] == d["prefill"]["create"]
    if d["prefill"]["create"]:
        assert llm_d_phase(d["prefill"]) == service

for path in sorted(glob.glob(sys.argv[1] + "/*.yaml")):
    text = open(path).read()
    if text.startswith("infeasible"):
        continue
    documents = [d for d in yaml.safe_load_all(text) if d]
    assert documents, path
    assert all(isinstance(d, dict) for d in documents), path
    flat = json.dumps(documents)
    assert "deepseek-ai/DeepSeek-V3" in flat, path
    if "kind" in documents[0]:
        for d in documents:
            kubernetes(d)
    if "modelArtifacts" in documents[0]:
        llm_d(documents[0])
    read += 1
for path in glob.glob(sys.argv[1] + "/*.json"):
    answer = json.load(open(path))
    if "settings" in answer:
        settings = yaml.safe_load(answer["settings"])
        assert settings["tensor_parallel_size"] == 8 and settings["enable_attention_dp"] is True, settings
        assert settings["speculative_config"]["num_nextn_predict_layers"] == 1, settings
        read += 1
assert read >= 14, read
print(read, "files read,", models, "objects by the schema of the API" if api else "objects: python3-kubernetes is missing")
PYTHON
