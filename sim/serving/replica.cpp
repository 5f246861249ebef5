// SPDX-License-Identifier: Apache-2.0
#include "moecost/serving/replica.h"

#include <algorithm>

#include "moecost/serving/queueing.h"

namespace moecost {

LengthLaw length_law(const Lengths& lengths, double prefix_hit_rate) {
    LengthLaw law;
    law.input = nodes(lengths.input);
    law.output = nodes(lengths.output);
    const double i1 = law.mean_input = mean(lengths.input);
    const double i2 = moment(lengths.input, 2);
    const double o1 = law.mean_output = mean(lengths.output);
    const double o2 = moment(lengths.output, 2);
    const double o3 = moment(lengths.output, 3);
    law.cv2_input = std::max(i2 / (i1 * i1) - 1, 0.0);
    law.cv2_output = std::max(o2 / (o1 * o1) - 1, 0.0);
    law.hit = prefix_hit_rate;
    law.prompt = (1 - law.hit) * i1;
    law.attended = i2 * ((1 - law.hit) * law.hit + (1 - law.hit) * (1 - law.hit) / 2);
    law.context = mean_product(lengths) / o1 + o2 / (2 * o1);
    law.context_variance = std::max(i2 + i1 * o2 / o1 + o3 / (3 * o1) - law.context * law.context, 0.0);
    law.fixed = is_fixed(lengths.input) && is_fixed(lengths.output) && lengths.joint.empty();
    return law;
}

bool outgrows_rank(const Replica& r) {
    return r.rules.ranks > 1 && r.lengths.prompt * r.rules.ranks > r.rules.chunk_tokens * (1 + 1e-9);
}

double chunk_in_use(const Replica& r, double decodes, double rate) {
    const double all = r.rules.chunk_tokens;
    if (!outgrows_rank(r)) return all;
    const double of_rank = all / r.rules.ranks;
    const double pieces = std::ceil(r.lengths.prompt / of_rank - 1e-9);
    const double in_a_step = decodes / std::max(r.decode_steps(), 1.0);
    const double coming =
        rate > 0 ? rate * pieces * r.prompt_seconds(decodes, of_rank) : in_a_step * (r.mixed() ? pieces : 1);
    const double busy = coming > 1e-6 ? coming / -std::expm1(-coming) : 1;
    return of_rank * std::clamp(busy, 1.0, static_cast<double>(r.rules.ranks));
}

void prepare(Replica& r) {
    if (r.mixed() || outgrows_rank(r)) return;
    r.alone = PromptLine(prompt_budget(r.rules, 0), r.lengths.prompt, -1,
                         [&](double x) { return r.prompt_seconds(0, x); });
}

double capacity(const Replica& replica) {
    const SchedulerRules& r = replica.rules;
    const LengthLaw& l = replica.lengths;
    const double whole = l.mean_input + l.mean_output;
    double fits = r.cache_tokens;
    if (std::isfinite(fits)) {
        if (r.cache == CachePolicy::grow) {
            const double to_come = r.promised * (1 + l.cv2_output) * l.mean_output / 2;
            fits = (fits - admission_tokens(r, l.mean_input, l.mean_output) / 2) / (l.context + to_come);
        } else if (l.fixed) {
            fits = std::floor(fits / whole);
        } else {
            const double spread =
                l.cv2_input * l.mean_input * l.mean_input + l.cv2_output * l.mean_output * l.mean_output;
            const double v = spread / (whole * whole);
            fits = (fits - (1 + v) / 2 * whole) / (l.mean_input + (1 + l.cv2_output) * l.mean_output);
        }
    }
    return std::max(1.0, std::min(r.max_sequences, fits)) * r.ranks;
}

AtDecodes at_decodes(const Replica& replica, double decodes, double rate) {
    AtDecodes at;
    at.decodes = decodes;
    at.budget = std::max(prompt_budget(replica.rules, decodes) * chunk_in_use(replica, decodes, rate) /
                             replica.rules.chunk_tokens,
                         1.0);
    at.fill = replica.lengths.prompt / at.budget;
    at.decode = replica.decode_seconds(decodes);
    at.prompts = replica.alone
                     ? *replica.alone
                     : PromptLine(at.budget, replica.lengths.prompt, replica.mixed() ? at.decode : -1,
                                  [&](double x) { return replica.prompt_seconds(decodes, x); });
    at.full = at.prompts.full();
    return at;
}

LengthNodes coarse_inputs(const LengthLaw& law, const AtDecodes& at) {
    for (const LengthNode& n : law.input)
        if ((1 - law.hit) * n.tokens > at.budget) return law.input;
    return {{{{law.mean_input, 1}}}, 1};
}

double steps_of_prompt(const Replica& replica, const AtDecodes& at) {
    double s = 0;
    for (const LengthNode& n : replica.lengths.input)
        s += n.weight * std::ceil((1 - replica.lengths.hit) * n.tokens / at.budget);
    return s;
}

namespace {

/// Expected ceil(total/C') of k prompts, their total normal.
double batches(const Replica& r, const AtDecodes& at, int k, double one) {
    if (k == 1) return one;
    const double mean = k * at.fill;
    const double sd = at.fill * std::sqrt(r.lengths.cv2_input * k);
    double sum = 0;
    for (double m = 0;; ++m) {
        const double above = sd > 0 ? normal_cdf((mean - m) / sd) : (mean > m ? 1 : 0);
        sum += above;
        if (above < 1e-6) return std::max(sum, 1.0);
    }
}

double batches_per_decode_step(const Replica& r, const AtDecodes& at, double a) {
    if (a > 30) return a * at.fill + 0.5;   // the mean of a number rounded up
    const double one = steps_of_prompt(r, at);
    double sum = 0;
    double p = std::exp(-a);
    for (int k = 1; k < 200; ++k) {
        p *= a / k;
        if (p < 1e-7 && k > a) break;
        sum += p * batches(r, at, k, one);
    }
    return sum;
}

}   // namespace

double prompt_step_share(const Replica& r, const AtDecodes& at, double a) {
    const double filled = a * at.fill;
    if (!r.mixed()) return std::max(filled, batches_per_decode_step(r, at, a));
    if (at.fill < 1) return std::min(1.0, std::max(1 - std::exp(-a), filled));
    const double whole_steps = a * steps_of_prompt(r, at);
    return std::min(1.0, filled + std::max(whole_steps - filled, 0.0) * std::max(1 - filled, 0.0));
}

HeavyPrompts heavy_prompts(const Replica& r, const AtDecodes& at) {
    HeavyPrompts h;
    const LengthLaw& law = r.lengths;
    const double pairs = at.budget * law.attended / law.prompt;
    const double b = r.mixed() ? at.decodes : 0;
    h.slope = (r.step(b, b * law.context, at.budget, 2 * pairs) - at.full) / pairs;
    for (const LengthNode& n : law.input) h.mean_pairs += n.weight * law.attended_by(n.tokens);
    double sum = 0;
    double squares = 0;
    for (const LengthNode& n : law.input) {
        const double s = (1 - law.hit) * n.tokens / at.budget * at.full + h.extra(law, n.tokens);
        sum += n.weight * s;
        squares += n.weight * s * s;
    }
    h.cv2 = std::max(squares / (sum * sum) - 1, 0.0);
    return h;
}

double mean_own_time(const Replica& r, const AtDecodes& at, double n, double mu, Companions detail) {
    double weight = 0;
    double sum = 0;
    own_time(r, at, n, mu, detail, [&](double w, double seconds) {
        weight += w;
        sum += w * seconds;
    });
    return sum / weight;
}

}   // namespace moecost
