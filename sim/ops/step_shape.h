// SPDX-License-Identifier: Apache-2.0
// What a forward step carries.
#pragma once

namespace moecost {

/// What one step processes, of the whole instance. A mixed step is one step on the union of its tokens.
struct StepShape {
    double decode_sequences = 0;   // B
    double decode_context = 0;     // mean tokens a decoding sequence attends, the new one included
    double queries = 1;            // tokens each of them processes: 1, or 1 + drafted tokens to verify
    double prefill_tokens = 0;     // P
    double prompt = 1;             // mean new tokens of the prompts these belong to
    double prior = 0;              // tokens cached before a prompt (prefix cache)
    double passes = 1;             // chunks a prompt is cut into
    double prompt_ranks = 0;       // attention ranks the prompt tokens lie on, evenly; 0: all of them
};

}   // namespace moecost
