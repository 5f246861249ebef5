// SPDX-License-Identifier: Apache-2.0
#include "host/measure.h"

#include "moecost/base/format.h"

namespace microbench {
namespace {

/// Quartiles of every sample so far cost a sort: only looked at every so often.
constexpr int look_every = 10;

bool all_finite(const Sample& s) { return s.time_us > 0 && s.time_us < 1e12; }

void check_correct(const Opened& opened) {
    if (opened.error <= 1) return;   // not-a-number goes on: it is no correct result
    std::string reason = "wrong result: error ";
    reason.append(moecost::significant(opened.error, 3)).append(" times what is tolerated against ");
    throw SkipCase{reason.append(opened.reference)};
}

}   // namespace

bool enough(const Summary& summary, double seconds, const StoppingRule& rule) {
    if (summary.samples >= rule.most_samples || seconds >= rule.seconds) return true;
    return summary.samples >= rule.least_samples && summary.relative_iqr < rule.relative_iqr;
}

Measurement measure(const Opened& opened, const StoppingRule& rule, const std::function<double()>& clock,
                    const std::function<bool()>& stop) {
    check_correct(opened);
    const double start = clock();
    for (int i = 0; i < rule.warm_up && clock() - start < rule.seconds / 2; ++i) (void)opened.sample();
    std::vector<Sample> samples;
    std::vector<Sample> kept;
    Summary summary;
    do {
        for (int i = 0; i < look_every && !stop(); ++i) {
            const Sample s = opened.sample();
            if (!all_finite(s)) throw SkipCase{"no valid time: an event or clock failed"};
            samples.push_back(s);
            if (clock() - start >= rule.seconds) break;
        }
        if (samples.empty()) throw SkipCase{"interrupted"};
        kept = without_throttled(samples);
        summary = summarise(kept);
        // Throttled samples count against the limit, or a chip that never settles would be sampled for ever.
        if (static_cast<int>(samples.size()) >= rule.most_samples) break;
    } while (!enough(summary, clock() - start, rule) && !stop());

    Measurement m{summary, opened.error, false, {}};
    if (opened.warm) m.code += 'L';
    if (summary.relative_iqr >= rule.relative_iqr) m.code += 'N';
    if (2 * kept.size() < samples.size()) {
        m.code += 'T';
        m.suspect = true;
    }
    return m;
}

}   // namespace microbench
