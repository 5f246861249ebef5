// SPDX-License-Identifier: Apache-2.0
#include "synthetic/backend.h"

#include <cmath>
#include <functional>
#include <memory>

#include "host/device_file.h"
#include "kernels/index/random.h"
#include "moecost/base/csv.h"
#include "moecost/base/data.h"
#include "moecost/base/numerics.h"
#include "moecost/hardware/profile/profile.h"

namespace microbench {
namespace {

/// What a case costs a device before its first sample: memory and operands (gigabytes at terabytes per second), the graph,
/// and the comparison with the reference, mostly on the CPU (0.01 s, but seconds over the longest contexts on one core). An
/// assumption, since no device was timed, so that runs of limited time can be tried without one.
constexpr double seconds_of_preparation = 0.15;
constexpr double shortest_sample_us = 500;   // calls of one sample for 400 us, and their submission

std::uint64_t seed_of(std::string_view name) {
    std::uint64_t seed = name.size();
    for (const char c : name) seed = mix(seed ^ static_cast<unsigned char>(c));
    return seed;
}

double standard_normal(std::uint64_t seed, std::uint64_t i) {
    const double u = (static_cast<double>(random_bits(seed, i) >> 11) + 0.5) * 0x1p-53;
    return moecost::normal_quantile(u);
}

Device device_of(const moecost::Accelerator& accelerator, const Options& options) {
    Backend described;
    described.device = assumed_device();
    if (!options.device.empty()) {
        read_device_json(options.device, described);
        return described.device;
    }
    described.device.name = accelerator.name;
    described.device.multiprocessors = static_cast<int>(accelerator.multiprocessors);
    described.device.memory_bytes = described.device.free_bytes = accelerator.memory.value();
    const bool fp4 = accelerator.peak_of(moecost::MathUnit::fp4).value() > 0;
    const bool fp8 = accelerator.peak_of(moecost::MathUnit::fp8).value() > 0;
    described.device.compute_capability = fp4 ? 100 : fp8 ? 90 : 80;
    return described.device;
}

}   // namespace

Backend synthetic_backend(const moecost::Accelerator& accelerator, const moecost::Profile& profile,
                          double noise) {
    struct State {
        moecost::Accelerator accelerator;
        moecost::Profile profile;
        double seconds = 0;   // what the samples add up to: the clock of this back end
    };
    const auto state = std::make_shared<State>(State{accelerator, profile, 0});
    Backend backend;
    backend.name = "synthetic";
    backend.device = device_of(accelerator, {});
    backend.facts = {{"profile", profile.id}, {"accelerator", accelerator.id}};
    backend.clock = [state] { return state->seconds; };
    backend.open = [state, noise](const Bench&, const Case& c) {
        state->seconds += seconds_of_preparation;   // also of what has no law: a device would measure it
        const double time = law_us(c, state->accelerator, state->profile);
        Opened opened;
        opened.reference = "nothing: the law is the truth";
        opened.sample = [state, time, noise, seed = seed_of(c.name()), i = std::uint64_t{0}]() mutable {
            const double sampled = time * std::exp(noise * standard_normal(seed, i++));
            state->seconds += std::max(sampled, shortest_sample_us) * 1e-6;
            return Sample{sampled, 0, 0};
        };
        return opened;
    };
    return backend;
}

Backend synthetic_backend(const Options& options) {
    const moecost::DataStore data;
    const moecost::Profile profile = moecost::profile_from_toml(
        data.open(moecost::profile_folder, options.synthetic, "profile"), moecost::load_law_constants(data));
    const moecost::Accelerator accelerator = moecost::load_accelerator(data, profile.accelerator);
    Backend backend = synthetic_backend(accelerator, profile, options.noise);
    backend.device = device_of(accelerator, options);
    return backend;
}

}   // namespace microbench
