vllm serve Qwen/Qwen3-235B-A22B-FP8 -tp 4 -pp 2 -dp 2 -ep -q fp8 --kv_cache_dtype fp8_e4m3 --max_num_seqs 256 --enable-prefix-caching --no-enable-chunked-prefill --gpu_memory_utilization .88
