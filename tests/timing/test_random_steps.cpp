// SPDX-License-Identifier: Apache-2.0
// Properties of every step: never below the datasheet, never slowed by better hardware; over seeded random
// combinations of model, accelerator, engine, layout, number formats and load.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "moecost/hardware/profile/profile.h"
#include "moecost/model/library.h"
#include "moecost/timing/step_timer.h"

using namespace moecost;

namespace {

struct Equipped {
    Cluster cluster;
    Profile profile;
};

struct Scenario {
    const Architecture* model;
    const Equipped* equipment;
    Precision precision;
    Layout layout;
    StepShape shape;

    [[nodiscard]] std::string text() const {
        std::string s = model->name;
        s.append(" on ")
            .append(equipment->cluster.gpu.id)
            .append(" under ")
            .append(equipment->profile.engine);
        const auto add = [&](const char* key, double value) {
            s.append(" ").append(key).append(" ").append(std::to_string(value));
        };
        add("tp", layout.tp);
        add("pp", layout.pp);
        add("ep", layout.ep);
        add("dp", layout.attention_dp);
        add("exchange", static_cast<double>(layout.exchange));
        add("B", shape.decode_sequences);
        add("context", shape.decode_context);
        add("queries", shape.queries);
        add("P", shape.prefill_tokens);
        add("prompt", shape.prompt);
        add("prior", shape.prior);
        for (const DType t : {precision.attention, precision.dense_ffn, precision.shared_experts,
                              precision.routed_experts, precision.kv_cache}) {
            s.append(" ").append(info(t).name);
        }
        return s;
    }
};

/// Draws scenarios that pass the checks of layout and precision.
class Draw {
  public:
    explicit Draw(std::uint64_t seed,
                  std::vector<std::string> engines = {"vllm", "sglang", "trtllm", "ideal"})
        : random_(seed) {
        const DataStore data;
        for (const std::string& name : data.names("workloads/models"))
            models_.push_back(load_model(data, name));
        for (const std::string& name : data.names("hwmodels/accelerators")) {
            const Accelerator gpu = load_accelerator(data, name);
            for (const std::string& engine : engines) {
                if (engine != "ideal" && !has_profile(data, gpu, engine)) continue;
                equipment_.push_back({cluster_of(gpu), load_profile(data, gpu.id, gpu.relative, engine)});
            }
        }
    }

    [[nodiscard]] int whole(int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(random_);
    }
    [[nodiscard]] double log_uniform(double low, double high) {
        return std::exp(std::uniform_real_distribution<double>(std::log(low), std::log(high))(random_));
    }
    [[nodiscard]] bool coin() { return whole(0, 1) == 1; }

    [[nodiscard]] Scenario scenario() {
        for (;;) {
            Scenario s{&pick(models_), &pick(equipment_), {}, {}, shape()};
            s.layout = layout();
            s.precision = precision(s.model->precision);
            if (layout_problem(*s.model, s.layout)) continue;
            if (!precision_problem(*s.model, s.precision, s.equipment->cluster, s.equipment->profile))
                return s;
        }
    }

  private:
    static bool has_profile(const DataStore& data, const Accelerator& gpu, const std::string& engine) {
        return std::ranges::any_of(profile_names(data), [&](const ProfileName& p) {
            return p.engine == engine && (p.accelerator == gpu.id || p.accelerator == gpu.relative);
        });
    }
    template <class T>
    const T& pick(const std::vector<T>& from) {
        return from[static_cast<std::size_t>(whole(0, static_cast<int>(from.size()) - 1))];
    }
    Layout layout() {
        Layout l;
        l.tp = 1 << whole(0, 4);
        l.attention_dp = coin() ? 1 : 1 << whole(0, 5);
        l.pp = coin() ? 1 : 1 << whole(0, 2);
        l.ep = coin() ? 1 : 1 << whole(0, 6);
        l.exchange = static_cast<ExpertExchange>(whole(0, 3));
        return l;
    }
    Precision precision(const Precision& released) {
        if (coin()) return released;
        const auto format = [&] { return dtype_table[static_cast<std::size_t>(whole(1, 8))].type; };
        Precision p;
        p = p.with_weights(format());
        if (coin()) p.routed_experts = format();
        if (coin()) p.kv_cache = DType::fp8;
        return p;
    }
    StepShape shape() {
        StepShape s;
        const int kind = whole(0, 2);   // decode, prompts, both
        if (kind != 1) {
            s.decode_sequences = std::floor(log_uniform(1, 4096));
            s.decode_context = std::floor(log_uniform(1, 200000));
            if (coin()) s.queries = whole(2, 5);
        }
        if (kind != 0) {
            s.prefill_tokens = std::floor(log_uniform(1, 32768));
            s.prompt = std::floor(log_uniform(1, 100000));
            s.prior = coin() ? 0 : std::floor(log_uniform(1, 100000));
            s.passes = std::max(1.0, std::ceil(s.prompt / 8192));
        }
        return s;
    }

    std::mt19937_64 random_;
    std::vector<Architecture> models_;
    std::vector<Equipped> equipment_;
};

StepTime time_on(const Scenario& s, const Cluster& cluster) {
    const CalibratedHardware machine = calibrated_hardware(cluster, s.equipment->profile, s.precision);
    return StepTimer(*s.model, s.precision, s.layout, machine).time(s.shape);
}

/// Seconds below which no device of this datasheet does the work; formats without a unit multiply in bf16.
double datasheet_seconds(const Work& w, const Accelerator& gpu) {
    double peak = gpu.peak_of(w.unit).value();
    if (peak <= 0) peak = gpu.peak_of(MathUnit::bf16).value();
    return std::max({w.flop.value() / peak, w.memory().value() / gpu.memory_bandwidth.value(),
                     w.message.value() / gpu.link_bandwidth.value()});
}

bool sound(Seconds s) { return std::isfinite(s.value()) && s.value() >= 0; }

/// What is wrong with the timing of one operation; empty: nothing.
std::string complaint(const TimedOperation& t, const Accelerator& gpu) {
    const double least = datasheet_seconds(t.work, gpu);
    if (!(t.timed.total.value() >= least * (1 - 1e-12))) return "is faster than its datasheet";
    for (const Seconds term : {t.timed.compute, t.timed.memory, t.timed.network, t.timed.floor}) {
        if (!sound(term)) return "has a term that is no time";
        if (t.timed.total.value() < term.value() * (1 - 1e-9)) return "is shorter than one of its terms";
    }
    return sound(t.timed.total) && t.timed.total.value() > 0 ? "" : "takes no finite, positive time";
}

/// What of a step, timed as one plan, differs from its operations timed one by one; empty: nothing. Shared experts hide
/// in part behind the routed ones.
std::string disagreement(const StepTime& step, const std::vector<TimedOperation>& operations) {
    std::array<double, op_class_count> classes{};
    double roofline = 0, compute = 0, memory = 0;
    for (const TimedOperation& t : operations) {
        const double count = t.operation.count;
        classes[static_cast<std::size_t>(t.operation.op_class)] += count * t.timed.total.value();
        roofline += count * t.timed.ideal_total.value();
        compute += count * t.timed.ideal_compute.value();
        memory += count * t.timed.ideal_memory.value();
    }
    const auto differs = [](Seconds a, double b) { return std::abs(a.value() - b) > 1e-10 * b; };
    if (differs(step.roofline, roofline)) return "roofline";
    if (differs(step.compute_busy, compute)) return "FLOP";
    if (differs(step.memory_busy, memory)) return "bytes";
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const auto c = static_cast<OpClass>(i);
        if (c == OpClass::host || c == OpClass::shared_experts) continue;
        if (differs(step.by_class[i], classes[i])) return std::string(name_of(c));
    }
    return "";
}

}   // namespace

TEST_CASE(
    "no operation and no step is faster than its bytes and FLOP at datasheet peak, over 10,000 scenarios") {
    Draw draw(20261101);
    int failures = 0;
    const auto report = [&](const Scenario& s, std::string what) {
        if (++failures <= 10) FAIL_CHECK(s.text().append(": ").append(what));
    };
    for (int i = 0; i < 10000; ++i) {
        const Scenario s = draw.scenario();
        const Cluster& cluster = s.equipment->cluster;
        const CalibratedHardware machine = calibrated_hardware(cluster, s.equipment->profile, s.precision);
        StepTimer timer(*s.model, s.precision, s.layout, machine);
        double least = 0;
        const std::vector<TimedOperation> operations = timer.explain(s.shape);
        for (const TimedOperation& t : operations) {
            const std::string wrong = complaint(t, cluster.gpu);
            if (!wrong.empty()) report(s, std::string(t.operation.name).append(" ").append(wrong));
            least += datasheet_seconds(t.work, cluster.gpu) * t.operation.count;
        }
        const StepTime step = timer.time(s.shape);
        if (const std::string part = disagreement(step, operations); !part.empty())
            report(s, std::string("the plan of the step disagrees on ").append(part));
        if (!(std::isfinite(step.total.value()) && step.total.value() > 0))
            report(s, "the step takes no time");
        if (step.total.value() < least * (1 - 1e-12)) report(s, "the step is faster than its datasheet");
        if (step.total < step.roofline * (1 - 1e-12)) report(s, "the step is faster than its roofline");
        for (const Seconds part : step.by_class) {
            if (!sound(part) || part > step.total * (1 + 1e-12)) report(s, "a class is no part of the step");
        }
        if (!(step.compute_busy <= step.total * (1 + 1e-12) &&
              step.memory_busy <= step.total * (1 + 1e-12))) {
            report(s, "more busy than the step is long");
        }
    }
    CHECK(failures == 0);
}

TEST_CASE("more bandwidth, more FLOP/s or a faster link never slows a step") {
    Draw draw(20261102);
    int failures = 0;
    for (int i = 0; i < 4000; ++i) {
        const Scenario s = draw.scenario();
        const Seconds before = time_on(s, s.equipment->cluster).total;
        const double gain = draw.log_uniform(1.01, 8);
        const auto check = [&](const char* what, const Cluster& better) {
            const Seconds after = time_on(s, better).total;
            if (after > before * (1 + 1e-10) && ++failures <= 10) {
                FAIL_CHECK(s.text()
                               .append(": slower by ")
                               .append(std::to_string(after / before))
                               .append(" with more ")
                               .append(what));
            }
        };
        Cluster bandwidth = s.equipment->cluster;
        bandwidth.gpu.memory_bandwidth *= gain;
        check("memory bandwidth", bandwidth);
        Cluster flop = s.equipment->cluster;
        for (FlopPerSecond& peak : flop.gpu.peak) peak *= gain;
        check("FLOP/s", flop);
        Cluster link = s.equipment->cluster;
        link.gpu.link_bandwidth *= gain;
        check("link bandwidth", link);
        Cluster network = s.equipment->cluster;
        network.nic_bandwidth *= gain;
        check("network bandwidth", network);
    }
    CHECK(failures == 0);
}

TEST_CASE("fewer bytes per element never slow a step of the ideal profile") {
    Draw draw(20261103, {"ideal"});
    int failures = 0;
    for (int i = 0; i < 2000; ++i) {
        Scenario s = draw.scenario();
        const Accelerator& gpu = s.equipment->cluster.gpu;
        double before = 1e300;
        // Each pair has fewer bytes than the one before and multiplies at least as fast where the unit
        // exists.
        constexpr std::pair<DType, DType> formats[] = {
            {DType::bf16, DType::bf16}, {DType::fp8, DType::fp8}, {DType::nvfp4, DType::fp8}};
        for (const auto& [weights, cache] : formats) {
            if (gpu.peak_of(info(weights).unit) < gpu.peak_of(MathUnit::bf16)) continue;
            s.precision = Precision{};
            s.precision = s.precision.with_weights(weights);
            s.precision.kv_cache = cache;
            const double now = time_on(s, s.equipment->cluster).total.value();
            if (now > before * (1 + 1e-12) && ++failures <= 10) FAIL_CHECK(s.text());
            before = now;
        }
    }
    CHECK(failures == 0);
}

TEST_CASE("decode takes longer with more sequences and with more context under the ideal profile") {
    Draw draw(20261104, {"ideal"});
    int failures = 0;
    for (int i = 0; i < 2000; ++i) {
        Scenario s = draw.scenario();
        s.shape.prefill_tokens = 0;
        s.shape.decode_sequences = std::floor(draw.log_uniform(1, 4096));
        s.shape.decode_context = std::floor(draw.log_uniform(1, 200000));
        const Seconds before = time_on(s, s.equipment->cluster).total;
        // Past the end of a chunk, chunked attention sees half a chunk on average: shorter by design.
        const bool chunked =
            std::any_of(s.model->mixers.begin(), s.model->mixers.end(), [](const MixerGroup& g) {
                const auto* a = std::get_if<GroupedAttention>(&g.kind);
                return a != nullptr && a->chunked;
            });
        Scenario longer = s;
        longer.shape.decode_context *= draw.log_uniform(1, 4);
        Scenario larger = s;
        larger.shape.decode_sequences += draw.whole(1, 100);
        const bool context_ok =
            chunked || time_on(longer, s.equipment->cluster).total >= before * (1 - 1e-12);
        const bool batch_ok = time_on(larger, s.equipment->cluster).total >= before * (1 - 1e-12);
        if (!(context_ok && batch_ok) && ++failures <= 10) FAIL_CHECK(s.text());
    }
    CHECK(failures == 0);
}
