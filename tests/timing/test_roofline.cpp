// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "bench.h"
#include "moecost/timing/roofline.h"
#include "moecost/timing/step_timer.h"

using namespace moecost;
using doctest::Approx;

TEST_CASE("the roofline is the slowest of FLOP, bytes and messages at datasheet peak") {
    const Bench b;
    Work w;
    w.flop = Flop{989e9};       // 1 ms of bf16
    w.weights = Bytes{4.8e9};   // 1 ms
    w.cache = Bytes{2.4e9};     // 0.5 ms
    w.message = Bytes{9e8};     // 2 ms
    const Timed t = roofline(w, b.machine());
    CHECK(t.compute.value() == Approx(1e-3).epsilon(1e-12));
    CHECK(t.memory.value() == Approx(1.5e-3).epsilon(1e-12));
    CHECK(t.network.value() == Approx(2e-3).epsilon(1e-12));
    CHECK(t.total == t.network);
    CHECK(t.bound() == Bound::network);
    w.message = Bytes{0};
    CHECK(roofline(w, b.machine()).bound() == Bound::memory);
    w.unit = MathUnit::fp8;
    CHECK(roofline(w, b.machine()).compute.value() == Approx(989.0 / 1979e3).epsilon(1e-12));
    w.unit = MathUnit::fp4;   // no such unit here: weight-only formats multiply in bf16
    CHECK(roofline(w, b.machine()).compute.value() == Approx(1e-3).epsilon(1e-12));
}

TEST_CASE("a calibrated time is raised to its roofline and never lowered") {
    Timed ideal;
    ideal.total = ideal.memory = Seconds{2};
    Timed fast;
    fast.total = Seconds{1};
    raise_to_roofline(fast, ideal);
    CHECK(fast.total == Seconds{2});
    CHECK(fast.memory == Seconds{2});
    CHECK(fast.ideal_total == Seconds{2});
    Timed slow;
    slow.total = Seconds{3};
    raise_to_roofline(slow, ideal);
    CHECK(slow.total == Seconds{3});
}

TEST_CASE("a profile without kernel tables is the roofline") {
    Bench b;
    b.profile.kernels.reset();
    const Operation gemm{"g", OpClass::head, 1, Gemm{1, 4096, 4096, DType::bf16}};
    CHECK(in_us(operation_time(gemm, b.machine()).total) ==
          Approx(2.0 * (4096.0 * 4096 + 8192) / 4.8e6).epsilon(1e-12));
    const Operation reduce{"r", OpClass::communication, 1, AllReduce{Bytes{1e6}, 8}};
    CHECK(in_us(operation_time(reduce, b.machine()).total) == Approx(1.75 / 0.45).epsilon(1e-12));
}

TEST_CASE("the bound of an operation is its largest term") {
    Timed t;
    t.compute = Seconds{1};
    t.floor = Seconds{2};
    CHECK(t.bound() == Bound::floor);
    CHECK(name_of(t.bound()) == "floor");
    t.memory = Seconds{3};
    CHECK(name_of(t.bound()) == "memory");
}
