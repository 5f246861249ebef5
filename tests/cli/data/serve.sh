#!/bin/sh
# A launch script: variables, a line that goes on, output to a log.
TP=4
vllm serve Qwen/Qwen3-235B-A22B-FP8 --tensor-parallel-size $TP --enable-expert-parallel \
    --max-num-seqs 256 --gpu-memory-utilization 0.9 --kv-cache-dtype fp8 --port 8000 --trust-remote-code > log 2>&1 &
