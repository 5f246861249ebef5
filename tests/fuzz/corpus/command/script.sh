#!/bin/bash
TP=8
MODEL="deepseek-ai/DeepSeek-R1"
export SGLANG_X=1
python3 -m sglang.launch_server --model-path $MODEL --tp ${TP} --dp 8 --enable-dp-attention \
  --max-running-requests 1024 --chunked-prefill-size 8192 --mem-fraction-static 0.85
