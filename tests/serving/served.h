// SPDX-License-Identifier: Apache-2.0
// One instance ready for the serving laws, without the checks and defaults of describe().
#pragma once

#include <limits>

#include "moecost/model/library.h"
#include "moecost/serving/closed_loop.h"
#include "moecost/serving/phases.h"
#include "moecost/timing/step_timer.h"

#include "../timing/prototype.h"

struct Instance {
    const char* model;
    const char* gpu;
    const char* engine;
    moecost::DType weights, experts, cache;
    moecost::Layout layout;
};

class Served {
  public:
    moecost::Traffic traffic;
    moecost::EngineSettings engine;
    double capacity = std::numeric_limits<double>::infinity();

    /// With the constants of the prototype where its figures are compared.
    explicit Served(const Instance& i, bool prototype = false)
        : architecture_(of(moecost::load_model(moecost::DataStore(), i.model), prototype)),
          layout_(i.layout),
          cluster_(moecost::cluster_of(moecost::load_accelerator(moecost::DataStore(), i.gpu))),
          profile_(of(
              moecost::load_profile(moecost::DataStore(), cluster_.gpu.id, cluster_.gpu.relative, i.engine),
              prototype)),
          machine_(machine(i)),
          timer_(architecture_, precision_, layout_, machine_) {
        engine = profile_.defaults;
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;

    [[nodiscard]] moecost::ServingInput input() {
        return {timer_, profile_.serving, engine, layout_, traffic, capacity};
    }
    [[nodiscard]] moecost::Seconds step(double sequences, double prompt_tokens) {
        moecost::StepShape s;
        s.decode_sequences = sequences;
        s.decode_context = traffic.mean_context();
        s.prefill_tokens = prompt_tokens;
        s.prompt = traffic.input;
        return timer_.time(s).total;
    }
    [[nodiscard]] const moecost::ServingConstants& scalars() const { return profile_.serving; }

  private:
    static moecost::Architecture of(moecost::Architecture a, bool prototype) {
        return prototype ? as_in_the_prototype(std::move(a)) : a;
    }
    static moecost::Profile of(moecost::Profile p, bool prototype) {
        if (prototype) as_in_the_prototype(p);
        return p;
    }
    moecost::CalibratedHardware machine(const Instance& i) {
        precision_ = precision_.with_weights(i.weights);
        precision_.routed_experts = i.experts;
        precision_.kv_cache = i.cache;
        return moecost::calibrated_hardware(cluster_, profile_, precision_);
    }
    moecost::Architecture architecture_;
    moecost::Precision precision_;
    moecost::Layout layout_;
    moecost::Cluster cluster_;
    moecost::Profile profile_;
    moecost::CalibratedHardware machine_;
    moecost::StepTimer timer_;
};

inline const Instance llama_h100{
    "llama-3.1-70b",      "h100",   "vllm", moecost::DType::fp8, moecost::DType::fp8,
    moecost::DType::bf16, {.tp = 4}};
inline const Instance llama_ideal{
    "llama-3.1-70b",      "h100",   "ideal", moecost::DType::fp8, moecost::DType::fp8,
    moecost::DType::bf16, {.tp = 4}};

inline moecost::Traffic lengths(double input, double output, bool equal = false) {
    moecost::Traffic t;
    t.input = input;
    t.output = output;
    t.equal_lengths = equal;
    return t;
}

/// (E2E - TTFT)/(O - 1), the definition of TPOT, and Little's law N = X E2E, both as ratios to what is
/// reported.
inline double tpot_identity(const moecost::Serving& s, double output) {
    return (s.e2e - s.ttft) / ((output - 1) * s.tpot);
}
inline double in_flight(const moecost::Serving& s) { return s.requests_per_s.value() * s.e2e.value(); }
