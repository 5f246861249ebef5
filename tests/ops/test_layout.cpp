// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "moecost/model/library.h"
#include "moecost/ops/layout.h"

using namespace moecost;

namespace {

/// "reason: needed/available", or "runs".
std::string verdict(const std::string& model, const Layout& layout) {
    const auto problem = layout_problem(load_model(DataStore(), model), layout);
    if (!problem) return "runs";
    std::string s(problem->reason);
    s.append(": ").append(std::to_string(static_cast<int>(problem->needed)));
    return s.append("/").append(std::to_string(static_cast<int>(problem->available)));
}

}   // namespace

TEST_CASE("the degrees of a layout multiply to its GPUs") {
    const Layout l{.tp = 2, .pp = 3, .ep = 8, .attention_dp = 4};
    CHECK(l.stage_gpus() == 8);
    CHECK(l.gpus() == 24);
    CHECK(l.expert_tp() == 1);
    CHECK(Layout{.tp = 8, .ep = 2}.expert_tp() == 4);
}

TEST_CASE("layouts that an engine runs are no problem") {
    CHECK(verdict("llama-3.1-70b", {.tp = 8}) == "runs");
    CHECK(verdict("llama-3.1-70b", {.tp = 16}) == "runs");    // 8 kv heads, copied twice
    CHECK(verdict("qwen3-235b-a22b", {.tp = 8}) == "runs");   // 4 kv heads, copied twice
    CHECK(verdict("gpt-oss-120b", {.tp = 8}) == "runs");      // 2880/8 = 360: padded
    CHECK(verdict("mixtral-8x7b", {.tp = 4, .ep = 4}) == "runs");
    CHECK(verdict("deepseek-v3", {.ep = 8, .attention_dp = 8}) == "runs");
    CHECK(verdict("deepseek-v3", {.tp = 4, .ep = 16, .attention_dp = 4}) == "runs");
    CHECK(verdict("llama-3.1-8b", {.pp = 32}) == "runs");
    CHECK(verdict("jamba-1.5-mini", {.tp = 4}) == "runs");
}

TEST_CASE("a layout that cannot be sharded is refused with both numbers") {
    CHECK(verdict("llama-3.1-70b", {.tp = 3}) == "tensor parallelism must divide the attention heads: 3/64");
    CHECK(verdict("minimax-m2.5", {.tp = 32}) == "tensor parallelism must divide the attention heads: 32/48");
    CHECK(verdict("minimax-m2.5", {.tp = 6}) ==
          "tensor parallelism and key/value heads must divide one another: 6/8");
    CHECK(verdict("deepseek-v3", {.tp = 256}) ==
          "tensor parallelism must divide the attention heads: 256/128");
    CHECK(verdict("mixtral-8x7b", {.tp = 2, .ep = 4}) ==
          "expert parallelism must divide the GPUs of a stage: 4/2");
    CHECK(verdict("mixtral-8x7b", {.ep = 16, .attention_dp = 16}) ==
          "expert parallelism must divide the experts: 16/8");
    CHECK(verdict("qwen3-32b", {.tp = 4, .ep = 4}) == "expert parallelism needs a model with experts: 4/0");
    CHECK(verdict("llama-3.1-8b", {.pp = 33}) == "more pipeline stages than layers: 33/32");
    for (const Layout& zero :
         {Layout{.tp = 0}, Layout{.pp = 0}, Layout{.ep = 0}, Layout{.attention_dp = 0}, Layout{.tp = -2}}) {
        CHECK(verdict("mixtral-8x7b", zero) == "a parallel degree is below 1: 0/0");
    }
}
