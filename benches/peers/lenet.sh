#!/usr/bin/env bash
# LeNet-300-100, Adam, batch 60: Tombola and its peers in turn, in the same minutes. Prints a line of JSON a measurement.
#
#   benches/peers/lenet.sh PEERS PYTHON [ROUNDS]
#
# PEERS is the folder of torch_nets.py and jax_lenet.py, PYTHON an interpreter that has torch, jax and optax.
# PyTorch runs on two threads, and as two processes of one thread each, one a core; JAX as two processes.
set -euo pipefail
peers=${1:?the folder of the peers\' scripts}
python=${2:?an interpreter that has torch and jax}
rounds=${3:-3}
cd "$(dirname "$0")/../.."

ours=$(cargo bench --bench steps --no-run --message-format=json 2>/dev/null |
  "$python" -c 'import json,sys; print([m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable")][-1])')

both() { # two copies at once, one a core; the rates are to be added
  taskset -c 0 "$@" &
  taskset -c 1 "$@"
  wait
}

for _ in $(seq "$rounds"); do
  "$ours" lenet-adam --jobs 2
  "$python" "$peers/torch_nets.py" 2 lenet-adam
  both "$python" "$peers/torch_nets.py" 1 lenet-adam
  XLA_FLAGS=--xla_cpu_multi_thread_eigen=false both "$python" "$peers/jax_lenet.py"
done
