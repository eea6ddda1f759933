"""What Kubernetes is to know of each stage: memory, cores, retries, mounts, secrets, its user.

(kfp-kubernetes would write a part of this, but for the tasks of KFP's own language alone, and its
versions that know a security context need another protobuf than TFX. Written against the
`KubernetesExecutorConfig` of KFP 2.17. KFP adds the rest of what a namespace of the restricted
profile asks for: no privilege escalation, no capabilities, seccomp's RuntimeDefault.)
"""

from typing import Any

from pipeline.kubeflow.options import ClusterOptions

_BACKOFF = {"backoffDuration": "30s", "backoffFactor": 2.0, "backoffMaxDuration": "600s"}

Json = dict[str, Any]


def equip(spec: Json, options: ClusterOptions) -> None:
    """Writes into a PipelineSpec what has a place there: memory, cores, variables and retries."""
    resources = {
        "memoryRequest": options.memory_request,
        "memoryLimit": options.memory_limit,
        "cpuRequest": options.cpu_request,
        "cpuLimit": options.cpu_limit,
    }
    given = {name: value for name, value in resources.items() if value is not None}
    for executor in spec["deploymentSpec"]["executors"].values():
        executor["container"]["resources"] = given
        if options.env:
            pairs = (variable.partition("=") for variable in options.env)
            executor["container"]["env"] = [{"name": name, "value": to} for name, _, to in pairs]
    if options.retries:
        for task in spec["root"]["dag"]["tasks"].values():
            task["retryPolicy"] = {"maxRetryCount": options.retries, **_BACKOFF}


def platform_spec(spec: Json, options: ClusterOptions) -> Json:
    """The PlatformSpec that goes with a PipelineSpec; empty if there is nothing to say."""
    config: Json = {}
    if options.claims:
        mounts = options.mounts()
        config["pvcMount"] = [{"constant": name, "mountPath": path} for name, path in mounts]
    if options.secrets:
        config["secretAsEnv"] = [
            {
                "secretName": name,
                "keyToEnv": [{"secretKey": key, "envVar": to} for key, to in keys.items()],
            }
            for name, keys in options.variables().items()
        ]
    if options.run_as_user:
        config["securityContext"] = {"runAsUser": options.run_as_user, "runAsNonRoot": True}
    if not config:
        return {}
    executors = {label: config for label in spec["deploymentSpec"]["executors"]}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
