// SPDX-License-Identifier: Apache-2.0
// evaluate() is called millions of times by a sweep: it asks for no memory. Counted by the operator new of this program.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "moecost/estimate/estimate.h"

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t size) {
    ++allocations;
    if (void* p = std::malloc(size > 0 ? size : 1)) return p;
    throw std::bad_alloc();
}

}   // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size,
                   const std::nothrow_t&) noexcept {   // std::stable_sort takes its buffer from it
    ++allocations;
    return std::malloc(size > 0 ? size : 1);
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

using namespace moecost;

namespace {

/// Allocations of one more call after a first one.
long allocations_of(const Scenario& scenario) {
    const WeightBytes weights = weights_of(scenario);   // as what loops over points works them out once
    const bool runs = static_cast<bool>(evaluate(scenario, weights));
    REQUIRE(runs);
    const long before = allocations;
    const bool again = static_cast<bool>(evaluate(scenario, weights));
    const long count = allocations - before;
    REQUIRE(again);
    return count;
}

Description deployment(const std::string& model) {
    Description d;
    d.model = model;
    d.gpu = "h200_sxm";
    d.engine = "sglang";
    d.tp = 8;
    d.isl = 2048;
    d.osl = 512;
    return d;
}

}   // namespace

TEST_CASE("the counter sees memory that is asked for") {
    const long before = allocations;
    const std::string text(1000, 'x');
    CHECK(text.size() == 1000);
    CHECK(allocations > before);
}

TEST_CASE("evaluate asks for no memory") {
    for (const char* model : {"deepseek-v3", "mixtral-8x7b", "qwen3-235b-a22b", "gpt-oss-120b"}) {
        CAPTURE(model);
        const Scenario scenario = *describe(DataStore(), deployment(model));
        CHECK(allocations_of(scenario) == 0);
    }
}

TEST_CASE("evaluate asks for no memory where experts are spread, steps are pipelined or kernels are ideal") {
    Description spread = deployment("deepseek-v3");
    spread.tp = 1;
    spread.attention_dp = 8;
    spread.ep = 8;
    CHECK(allocations_of(*describe(DataStore(), spread)) == 0);
    Description pipelined = deployment("deepseek-v3");
    pipelined.pp = 2;
    CHECK(allocations_of(*describe(DataStore(), pipelined)) == 0);
    Description ideal = deployment("deepseek-v3");
    ideal.engine = "ideal";
    CHECK(allocations_of(*describe(DataStore(), ideal)) == 0);
}
