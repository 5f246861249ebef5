# Launch commands of public recipes (SemiAnalysisAI/InferenceX 843c625; vllm-short-flags is made up). NAME<tab>COMMAND.
