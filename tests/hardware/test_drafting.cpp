// SPDX-License-Identifier: Apache-2.0
// Drafted tokens: what they gain against published counts, what checking them costs by hand.
#include "moecost/hardware/drafting.h"

#include <doctest/doctest.h>

using namespace moecost;
using doctest::Approx;

namespace {

EngineSettings drafting(double tokens, const AcceptanceLaw& law, double output) {
    EngineSettings s;
    s.draft_tokens = tokens;
    s.acceptance = law.at(output);
    s.acceptance_decay = law.decay;
    return s;
}

}   // namespace

TEST_CASE("tokens of a step follow the published curves of a model") {
    struct Curve {
        const char* model;
        double tokens[8];   // at 1 to 8 drafts, SPEED-Bench coding, 2026
        double worst;
    };
    const Curve curves[] = {{"glm-5.2", {1.84, 2.5, 2.99, 3.33, 3.61, 3.78, 3.91, 4.06}, 0.013},
                            {"kimi-k2.5", {1.83, 2.43, 2.88, 3.24, 3.46, 3.62, 3.71, 3.77}, 0.04},
                            {"qwen3.5-397b-a17b", {1.93, 2.73, 3.39, 3.97, 4.41, 4.8, 5.04, 5.21}, 0.055}};
    for (const Curve& c : curves) {
        const DraftLaw law = load_draft_law(DataStore(), c.model, "vllm");
        CHECK(law.text.measured);
        for (int k = 1; k <= 8; ++k) {
            CAPTURE(c.model);
            CAPTURE(k);
            CHECK(drafting(k, law.text, 4096).tokens_per_step() == Approx(c.tokens[k - 1]).epsilon(c.worst));
        }
    }
}

TEST_CASE("on random prompts acceptance grows with the length of the answer") {
    const AcceptanceLaw law = load_draft_law(DataStore(), "deepseek-r1", "trtllm").random_text;
    CHECK(law.at(100) == law.at(1024));
    CHECK(law.at(1 << 20) == law.at(8192));
    CHECK(law.at(2896.309) == Approx((law.at(1024) + law.at(8192)) / 2));   // the geometric mean of both
    CHECK(law.at(8192) > law.at(1024));
}

TEST_CASE("tokens of a step by hand, with and without decay") {
    // 1 + 0.8 + 0.8 0.64 + 0.8 0.64 0.512
    CHECK(drafting(3, {0.8, 0.8, 0, false}, 1).tokens_per_step() == Approx(1 + 0.8 + 0.512 + 0.512 * 0.512));
    CHECK(drafting(2, {0.5, 1, 0, false}, 1).tokens_per_step() == Approx(1.75));
    CHECK(drafting(0, {0.5, 1, 0, false}, 1).tokens_per_step() == 1);
}

TEST_CASE("checking drafts costs more the more sequences a rank decodes, and nothing without drafts") {
    EngineSettings s;
    s.draft_cost.verification = 0.3;
    CHECK(s.verification(64) == 1);
    s.draft_tokens = 3;
    CHECK(s.verification(16) == Approx(1.15));
    CHECK(s.verification(1e9) == Approx(1.3));
    CHECK(s.prompt_work() == 1);
}

TEST_CASE("a model without a curve has the usual one, an engine that is not named drafts for free") {
    const DraftLaw law = load_draft_law(DataStore(), "a-model-of-mine", "an-engine-of-mine");
    CHECK_FALSE(law.text.measured);
    CHECK(law.text.acceptance > 0.7);
    CHECK(law.cost.verification == 0);
}
