// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/assemble.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "moecost/base/format.h"

namespace moecost {
namespace {

using Predicate = std::function<bool(const KernelFit&)>;

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// "vllm_flash_attn" of engine vllm is flash_attn.
std::string short_kernel(const KernelSeries& s) {
    const std::string prefix = s.engine + "_";
    return s.kernel.starts_with(prefix) ? s.kernel.substr(prefix.size()) : s.kernel;
}

FitQuality quality_of(const KernelFit& fit) {
    FitQuality q;
    q.table = fit.series.engine;
    if (!fit.series.version.empty()) q.table.append(" ").append(fit.series.version);
    q.rows = static_cast<double>(fit.rows);
    q.median_error = rounded(fit.median, 3);
    q.p90_error = rounded(fit.p90, 3);
    const bool several = fit.form.op == KernelOp::moe || fit.form.op == KernelOp::decode_attention ||
                         fit.form.op == KernelOp::prefill_attention;
    if (several) q.kernel = short_kernel(fit.series);
    return q;
}

class Assembler {
  public:
    Assembler(const std::vector<KernelFit>& fits, const Target& target, const std::string& engine,
              const AssemblyRules& rules, Assembly& out)
        : fits_(fits), gpu_(target.gpu), engine_(engine), rules_(rules), out_(out) {
        engines_.push_back(engine);
        for (const std::string& other : rules.engines) {
            if (other != engine) engines_.push_back(other);
        }
    }

    /// Every engine's table: which one a served engine runs at a shape is not told by its name, the cheapest is closest.
    void gemm(DType type) {
        for (const std::string& engine : engines_) {
            const auto index = most_rows(engine, [&](const KernelFit& f) {
                return f.form.op == KernelOp::gemm && f.form.format == type &&
                       f.floor_us() < rules_.eager_floor_us;
            });
            if (!index) continue;
            GemmTable t = fits_[*index].tables.gemm[0];
            t.fit = chosen(*index);
            if (type == rules_.fused_weights && engine == rules_.fused_engine) {
                const double floor_us =
                    std::max(fits_[*index].floor_us() - rules_.fused_us, rules_.least_floor_us);
                t.floor = Seconds{rounded(floor_us, 5) * 1e-6};
                t.fit.note =
                    std::string("a separate quantisation kernel of ")
                        .append(shortest(rules_.fused_us))
                        .append(" us, timed in the table and fused in service, is taken off the floor");
            }
            tables().gemm.push_back(std::move(t));
        }
    }

    void moe(const std::vector<std::string_view>& dtypes) {
        std::vector<std::size_t> found;
        for (const std::string_view dtype : dtypes) {
            for (const std::string& engine : engines_) {
                if (found.empty()) found = kernels_in_use(engine, of_dtype(dtype));
            }
        }
        if (found.empty()) return;
        if (gpu_.peak_of(MathUnit::fp4).value() > 0) {
            for (std::size_t i = 1; i < engines_.size(); ++i) {
                const auto generated = all(engines_[i], [&](const KernelFit& f) {
                    return of_dtype(dtypes[0])(f) && contains(f.series.kernel, rules_.generated_kernel);
                });
                if (!generated.empty()) found.push_back(generated.front());
            }
        }
        std::vector<std::size_t> once;
        for (const std::size_t index : found) {
            if (std::find(once.begin(), once.end(), index) == once.end()) once.push_back(index);
        }
        for (const std::size_t index : once) {
            MoeTable t = fits_[index].tables.moe[0];
            t.fit = chosen(index);
            t.kernel = t.fit.kernel;
            tables().moe.push_back(std::move(t));
        }
    }

    void decode_attention(DType cache) {
        const auto index = first([&](const KernelFit& f) {
            return f.form.op == KernelOp::decode_attention && f.form.format == cache && is_main(f);
        });
        if (!index) return;
        tables().decode_attention.push_back(fits_[*index].tables.decode_attention[0]);
        tables().decode_attention.back().fit = chosen(*index);
    }

    void prefill_attention(DType cache) {
        constexpr auto bf16 = DType::bf16;
        const std::pair<DType, DType> choices[] = {{bf16, cache}, {DType::fp8, cache}, {bf16, bf16}};
        for (const auto& [query, type] : choices) {
            const auto index = first([&, query = query, type = type](const KernelFit& f) {
                return f.form.op == KernelOp::prefill_attention && f.form.format == type &&
                       f.form.query == query && is_main(f);
            });
            if (!index) continue;
            PrefillAttentionTable t = fits_[*index].tables.prefill_attention[0];
            t.fit = chosen(*index);
            if (type != cache) t.fit.note = "measured with a bf16 cache";
            t.cache = cache;
            tables().prefill_attention.push_back(std::move(t));
            return;
        }
    }

    void mla(DType cache) {
        const std::vector<std::string>& engines = engine_ == rules_.own_rows ? engines_ : rules_.mla_engines;
        const auto of = [&](KernelOp op, DType type) -> std::optional<std::size_t> {
            for (const std::string& engine : engines) {
                const auto index = most_rows(
                    engine, [&](const KernelFit& f) { return f.form.op == op && f.form.format == type; });
                if (index) return index;
            }
            return std::nullopt;
        };
        if (const auto index = of(KernelOp::mla_decode, cache)) {
            tables().mla_decode.push_back(fits_[*index].tables.mla_decode[0]);
            tables().mla_decode.back().fit = chosen(*index);
        }
        auto prefill = of(KernelOp::mla_prefill, cache);
        if (!prefill) prefill = of(KernelOp::mla_prefill, DType::bf16);
        if (!prefill) return;
        tables().mla_prefill.push_back(fits_[*prefill].tables.mla_prefill[0]);
        tables().mla_prefill.back().fit = chosen(*prefill);
        tables().mla_prefill.back().cache = cache;
    }

    void all_reduce() {
        for (const std::string& engine : engines_) {
            const auto index =
                most_rows(engine, [](const KernelFit& f) { return f.form.op == KernelOp::all_reduce; });
            if (!index) continue;
            tables().all_reduce.push_back(fits_[*index].tables.all_reduce[0]);
            tables().all_reduce.back().fit = chosen(*index);
        }
    }

    /// Dispatch and combine of one mode and size are neighbours among the fits.
    void all_to_all() {
        for (std::size_t i = 0; i + 1 < fits_.size(); ++i) {
            const KernelFit& dispatch = fits_[i];
            const KernelFit& combine = fits_[i + 1];
            const bool pair = dispatch.form.op == KernelOp::all_to_all && !dispatch.form.combine &&
                              combine.form.combine && dispatch.fitted() && combine.fitted();
            if (!pair) continue;
            AllToAllTable t = dispatch.tables.all_to_all[0];
            const AllToAllTable& half = combine.tables.all_to_all[0];
            t.combine = half.combine;
            t.combine_log = half.combine_log;
            t.combine_bandwidth = half.combine_bandwidth;
            t.fit = chosen(i);
            t.fit.table = std::string("DeepEP via ").append(t.fit.table);
            (void)chosen(i + 1);
            t.fit.p90_error = rounded(combine.median, 3);   // the two halves have one error each
            tables().all_to_all.push_back(std::move(t));
        }
    }

  private:
    KernelTables& tables() { return *out_.profile.kernels; }

    [[nodiscard]] std::vector<std::size_t> all(const std::string& engine, const Predicate& fits) const {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < fits_.size(); ++i) {
            if (fits_[i].fitted() && fits_[i].series.engine == engine && fits(fits_[i])) found.push_back(i);
        }
        return found;
    }
    [[nodiscard]] std::optional<std::size_t> most_rows(const std::string& engine,
                                                       const Predicate& fits) const {
        const std::vector<std::size_t> found = all(engine, fits);
        const auto most = std::max_element(found.begin(), found.end(), [&](std::size_t a, std::size_t b) {
            return fits_[a].rows < fits_[b].rows;
        });
        return most == found.end() ? std::nullopt : std::optional(*most);
    }
    /// An engine takes whichever of its kernels is fastest; a second kernel of the microbenchmarks is there to compare with
    /// and covers fewer cuts of a layer.
    [[nodiscard]] std::vector<std::size_t> kernels_in_use(const std::string& engine,
                                                          const Predicate& fits) const {
        if (engine != rules_.own_rows) return all(engine, fits);
        const auto index = most_rows(engine, fits);
        return index ? std::vector{*index} : std::vector<std::size_t>{};
    }
    [[nodiscard]] std::optional<std::size_t> first(const Predicate& fits) const {
        for (const std::string& engine : engines_) {
            if (const auto index = most_rows(engine, fits)) return index;
        }
        return std::nullopt;
    }
    static Predicate of_dtype(std::string_view dtype) {
        return [dtype](const KernelFit& f) { return f.form.op == KernelOp::moe && f.series.dtype == dtype; };
    }
    [[nodiscard]] bool is_main(const KernelFit& f) const {
        return std::none_of(rules_.fallback_kernels.begin(), rules_.fallback_kernels.end(),
                            [&](const std::string& part) { return contains(f.series.kernel, part); });
    }
    FitQuality chosen(std::size_t index) {
        out_.chosen.push_back({index, fits_[index].series.engine == engine_});
        return quality_of(fits_[index]);
    }

    const std::vector<KernelFit>& fits_;
    const Accelerator& gpu_;
    std::string engine_;
    const AssemblyRules& rules_;
    std::vector<std::string> engines_;
    Assembly& out_;
};

/// Tables of the base whose key no table of `into` has.
template <class Table, class Key>
void borrow(const std::vector<Table>& from, std::vector<Table>& into, Key key, const std::string& what,
            const std::string& base, std::vector<std::string>& borrowed) {
    const std::vector<Table> own = into;
    for (Table t : from) {
        const bool measured =
            std::any_of(own.begin(), own.end(), [&](const Table& o) { return key(o) == key(t); });
        if (measured) continue;
        t.fit.note = std::string("borrowed from ")
                         .append(base)
                         .append(t.fit.note.empty() ? "" : "; ")
                         .append(t.fit.note);
        std::string line = what;
        const std::string name(key(t));
        borrowed.push_back(line.append(name.empty() ? "" : " ").append(name).append(": from ").append(base));
        into.push_back(std::move(t));
    }
}

std::string mode_key(const AllToAllTable& t) {
    std::string s(t.mode == AllToAllMode::normal   ? "normal, nodes "
                  : t.mode == AllToAllMode::nvlink ? "nvlink, nodes "
                                                   : "low-latency, nodes ");
    return s.append(std::to_string(t.nodes));
}

void borrow_missing(const KernelTables& from, const std::string& base, Assembly& a) {
    KernelTables& t = *a.profile.kernels;
    const auto weights = [](const auto& table) { return std::string(info(table.weights).name); };
    const auto cache = [](const auto& table) { return std::string(info(table.cache).name); };
    borrow(from.gemm, t.gemm, weights, "gemm", base, a.borrowed);
    borrow(from.moe, t.moe, weights, "moe", base, a.borrowed);
    borrow(from.decode_attention, t.decode_attention, cache, "decode attention", base, a.borrowed);
    borrow(from.prefill_attention, t.prefill_attention, cache, "prefill attention", base, a.borrowed);
    borrow(from.mla_decode, t.mla_decode, cache, "MLA decode", base, a.borrowed);
    borrow(from.mla_prefill, t.mla_prefill, cache, "MLA prefill", base, a.borrowed);
    borrow(
        from.all_reduce, t.all_reduce, [](const AllReduceTable&) { return std::string(); }, "all-reduce",
        base, a.borrowed);
    borrow(from.all_to_all, t.all_to_all, mode_key, "all-to-all", base, a.borrowed);
}

/// Serving scalars say whose they are. Residuals and error belong to the served points of that accelerator.
void borrow_serving(const Target& target, const std::string& base, Assembly& a) {
    ServingConstants& s = a.profile.serving;
    a.borrowed.push_back(
        std::string("serving scalars, defaults and assumed efficiencies: from ").append(base));
    if (a.profile.accelerator == target.gpu.id) return;   // its own
    s.source = std::string("borrowed from ").append(base).append(": ").append(s.source);
}

}   // namespace

Assembly assemble(const std::vector<KernelFit>& fits, const Target& target, const std::string& engine,
                  const Profile& base, const AssemblyRules& rules) {
    Assembly a;
    a.profile = base;
    KernelTables from = base.kernels.value_or(KernelTables{});
    a.profile.kernels = KernelTables{};
    a.profile.kernels->assumed = from.assumed;
    a.profile.kernels->law = from.law;
    Assembler assembler(fits, target, engine, rules, a);
    for (const DTypeInfo& i : dtype_table) assembler.gemm(i.type);
    const bool fp4 = target.gpu.peak_of(MathUnit::fp4).value() > 0;
    const bool fp8 = target.gpu.peak_of(MathUnit::fp8).value() > 0;
    for (const char* dtype : {"bfloat16", "fp8", "fp8_block", "nvfp4", "int4_wo"}) assembler.moe({dtype});
    assembler.moe(fp4 ? std::vector<std::string_view>{"w4a8_mxfp4_mxfp8", "w4a16_mxfp4"}
                      : std::vector<std::string_view>{"w4a16_mxfp4"});
    for (const DType cache : {DType::bf16, DType::fp8}) {
        if (cache == DType::fp8 && !fp8) continue;   // no engine offers it
        assembler.decode_attention(cache);
        assembler.prefill_attention(cache);
        assembler.mla(cache);
    }
    assembler.all_reduce();
    assembler.all_to_all();
    const std::string base_name = std::string(base.accelerator).append("-").append(base.engine);
    borrow_missing(from, base_name, a);
    borrow_serving(target, base_name, a);
    a.profile.accelerator = target.gpu.id;
    a.profile.basis = Provenance::calibrated;
    return a;
}

}   // namespace moecost
