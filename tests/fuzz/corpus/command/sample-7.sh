vllm serve openai/gpt-oss-120b --host=0.0.0.0 --port=8888 --config config.yaml --gpu-memory-utilization=0.9 --tensor-parallel-size=4 --max-num-seqs=32 > server.log 2>&1 &
