"""Conv-4 with Adam in eager PyTorch: training steps a second on batches of 60, as a line of JSON.

torch_conv4.py [THREADS]
"""
import json
import sys
import time

import torch
from torch import nn

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
torch.set_num_threads(threads)
torch.manual_seed(0)


def block(inputs, channels):
    first, second = nn.Conv2d(inputs, channels, 3, padding=1), nn.Conv2d(channels, channels, 3, padding=1)
    return [first, nn.ReLU(), second, nn.ReLU(), nn.MaxPool2d(2)]


head = [nn.Flatten(), nn.Linear(8 * 8 * 128, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)]
network = nn.Sequential(*block(3, 64), *block(64, 128), *head)
optimizer = torch.optim.Adam(network.parameters(), lr=3e-4)
images, labels = torch.rand(1024, 3, 32, 32), torch.randint(0, 10, (1024,))


def step():
    batch = torch.randint(0, len(images), (60,))
    loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


for _ in range(3):
    step()
start, steps = time.perf_counter(), 20
for _ in range(steps):
    step()
rate = steps / (time.perf_counter() - start)
peer = f"pytorch {torch.__version__}"
print(json.dumps({"peer": peer, "workload": "conv4-adam", "steps_per_s": round(rate, 2), "threads": threads}))
