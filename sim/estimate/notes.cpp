// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/notes.h"

#include <algorithm>

#include "moecost/estimate/inputs.h"

namespace moecost {
namespace {

/// A release that changes nothing, and those of this model on this accelerator under this engine that would.
void note_unknown_release(const std::string& release, Scenario& s, const Pool& p) {
    const bool compiled = p.rules.compiles(release);
    if (release.empty() || compiled || !p.profile.effects || p.served.known == Familiarity::version) return;
    std::string known;
    for (const Effect& e : p.profile.effects->effects) {
        const bool here = e.kind == EffectKind::version && e.level.engine == p.profile.engine &&
                          e.level.gpu == p.cluster.gpu.id && e.level.model == s.architecture.name;
        if (!here || e.level.version.empty() || known.find(e.level.version) != std::string::npos) continue;
        known.append(known.empty() ? "" : ", ").append(e.level.version);
    }
    std::string note("release ");
    note.append(release).append(" was not measured here: the answer is the same without it; ");
    note.append(known.empty() ? "no release of this engine was, with this model on this accelerator"
                              : "measured with this model on this accelerator: ");
    s.notes.push_back(note.append(known));
}

}   // namespace

std::string_view usual_engine() { return input_named("engine")->usual; }

void note_once(Scenario& s, std::string note) {
    if (std::find(s.notes.begin(), s.notes.end(), note) == s.notes.end()) s.notes.push_back(std::move(note));
}

void note_borrowed_kernels(Scenario& s, const Precision& p) {
    for (const DType type : {p.routed_experts, p.attention, p.dense_ffn, p.shared_experts}) {
        if (type == info(type).kernels || type == DType::fp16) continue;
        std::string note("bytes of ");
        note.append(info(type).name)
            .append("; its speed is borrowed from ")
            .append(info(info(type).kernels).name);
        if (std::find(s.notes.begin(), s.notes.end(), note.append(" kernels")) == s.notes.end())
            s.notes.push_back(note);
    }
}

void add_notes(const Description& d, Scenario& s) {
    const Pool& p = s.pool();
    note_unknown_release(d.engine_version, s, p);
    if (s.slo.tpot_s > 2)   // nobody waits so long for a token
        s.notes.emplace_back("the objective of TPOT is taken in seconds: 50ms is milliseconds");
    s.notes.insert(s.notes.end(), s.architecture.notes.begin(), s.architecture.notes.end());
    if (p.settings.draft_tokens > 0 && s.architecture.mtp.count == 0) {
        s.notes.emplace_back(
            "the model has no module that drafts: that of one's own is taken as free, the least it can cost");
    }
    if (p.settings.draft_tokens > 0 && !d.family.empty())
        s.notes.emplace_back(
            "drafted by a multi-token-prediction module of one layer that the member is given");
    if (s.slo.of_percentiles() && !s.traffic.equal_lengths && !s.traffic.shape) {
        s.notes.emplace_back("percentiles: lengths spread evenly from 0.8 of the longest to the longest");
    }
    for (const Pool& pool : s.pools) {
        if (pool.profile.basis != Provenance::borrowed) continue;
        std::string note("no calibration of ");
        note.append(pool.cluster.gpu.id)
            .append(" under ")
            .append(d.engine.empty() ? usual_engine() : d.engine);
        note.append(": efficiencies of ").append(pool.profile.accelerator).append(" on its datasheet");
        if (std::find(s.notes.begin(), s.notes.end(), note) == s.notes.end()) s.notes.push_back(note);
    }
}

}   // namespace moecost
