#!/bin/sh
# Builds the image and holds it to what docs/image.md promises. Needs docker or podman.
#   BASE       base to build on; by default one is made from Debian's packages, as root
#   IMAGE      name to build it under (tfx-lyrics-test)
#   RUN_FLAGS  further flags for `run`
set -eu
cd "$(dirname "$0")/.."
export IMAGE="${IMAGE:-tfx-lyrics-test}"
engine=$(image/builder.sh)
most=2200 # MB

say() { echo "== $*"; }
fail() { echo "image/test.sh: $*" >&2; exit 1; }
case $engine in *buildah*) fail "buildah builds but cannot run an image read-only: install docker or podman" ;; esac

if [ -z "${BASE:-}" ]; then
    BASE=$IMAGE-base
    say "a base from Debian's packages: $BASE"
    image/base.sh "$BASE"
fi
say "the image: $IMAGE"
image/build.sh --build-arg "BASE=$BASE"

runs=$(mktemp -d)
server=
trap '${server:+$engine rm -f "$server"} > /dev/null 2>&1; rm -rf "$runs"' EXIT
chgrp 0 "$runs" 2> /dev/null || chmod o+rwx "$runs" # the container's group is 0, its user nobody
chmod g+rwx "$runs"

# As a restricted namespace runs it: no name, no rights, nothing to write on, nobody to talk to.
run() {
    $engine run --no-healthcheck --network none --read-only --tmpfs /tmp --user 12345:0 --cap-drop ALL \
        --security-opt no-new-privileges -v "$runs:/home/lyrics/runs" ${RUN_FLAGS:-} "$@"
}
step() { run --rm "$@"; }

size=$(($($engine image inspect --format '{{.Size}}' "$IMAGE") / 1000000))
say "size: $size MB, at most $most"
[ "$size" -le "$most" ] || fail "the image is $size MB, should be at most $most MB"

say "nobody becomes root, compiles or installs"
step --entrypoint sh "$IMAGE" -c '
    found=$(find / -xdev -perm /6000 -type f 2> /dev/null
        for tool in cc gcc g++ ld make git pip pip3 uv; do command -v "$tool"; done
        python -c "import pip" 2> /dev/null && echo "the module pip")
    [ -z "$found" ] || { echo "$found"; exit 1; }' || fail "these should not be in it"

say "lyrics --help"
step "$IMAGE" --help > /dev/null
step --entrypoint python "$IMAGE" -c '
import subprocess, time
began = time.perf_counter()
subprocess.run(["lyrics", "--help"], check=True, stdout=subprocess.DEVNULL)
print(f"{time.perf_counter() - began:.2f} s")'

say "a step on Kubeflow and a worker of Beam start as they are told"
step --entrypoint "" "$IMAGE" \
    python -m pipeline.kubeflow.entrypoint --help \
    | grep -q executor_class_path || fail "no entrypoint for Kubeflow"
step --entrypoint python "$IMAGE" -c 'import apache_beam.runners.worker.sdk_worker_main'

say "lyrics run --preset smoke"
step "$IMAGE" run --preset smoke
step "$IMAGE" run --preset smoke --json > /dev/null # all cached

say "lyrics serve, its health, and a request"
server=$(run -d "$IMAGE" serve --model-base-path runs/smoke/serving/lyrics)
healthy() { $engine exec "$server" python /opt/tfx-lyrics/image/health.py; }
until healthy; do
    [ "$($engine inspect --format '{{.State.Running}}' "$server")" = true ] \
        || { $engine logs "$server"; fail "the server has stopped"; }
    sleep 1
done
$engine exec "$server" lyrics generate 分开 --num-chars 20 --seed 1
$engine stop -t 60 "$server" > /dev/null
status=$($engine inspect --format '{{.State.ExitCode}}' "$server")
[ "$status" = 0 ] || fail "the server ended with status $status after SIGTERM, should be 0"
say "all holds"
