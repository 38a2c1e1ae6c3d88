#!/usr/bin/env bash
# Tombola and PyTorch on the same workloads, in turn, in the same minutes: a line of JSON a measurement.
#
#   benches/peers/steps.sh PEERS PYTHON ROUNDS WORKLOAD…
#
# PEERS is the folder of torch_nets.py, PYTHON an interpreter that has torch. A workload is one that both have:
# conv2-adam, conv4-adam, conv6-adam, resnet20-sgd, popup-conv2, popup-lenet, lenet-adam, lenet-sgd. Each runs on two
# threads.
# DEVICE=libtorch measures Tombola there, built with FEATURES=libtorch. A peer's peak memory follows its line.
set -euo pipefail
peers=${1:?the folder of the peers\' scripts}
python=${2:?an interpreter that has torch}
rounds=${3:?how many rounds}
shift 3
cd "$(dirname "$0")/../.."

ours=$(cargo bench --bench steps --no-run ${FEATURES:+--features "$FEATURES"} --message-format=json 2>/dev/null |
  "$python" -c 'import json,sys; print([m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable")][-1])')

peer() { # the script's line, with the most memory that it held
  "$python" - "$@" <<'EOF'
import json, resource, subprocess, sys
out = subprocess.run([sys.executable, *sys.argv[1:]], capture_output=True, text=True, check=True).stdout
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(*(json.dumps({**json.loads(line), "peak_mb": peak}) for line in out.splitlines()), sep="\n", flush=True)
EOF
}

for workload in "$@"; do
  for _ in $(seq "$rounds"); do
    "$ours" "$workload" --threads 2 --device "${DEVICE:-cpu}"
    case $workload in
      conv4-adam) peer benches/peers/torch_conv4.py 2 ;;
      *) peer "$peers/torch_nets.py" 2 "$workload" ;;
    esac
  done
done
