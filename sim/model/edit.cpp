// SPDX-License-Identifier: Apache-2.0
// What-if edits: one field of an architecture set by name.
#include <algorithm>
#include <charconv>
#include <iterator>
#include <numeric>

#include "moecost/base/error.h"
#include "moecost/model/architecture_fields.h"
#include "moecost/model/architecture_toml.h"

namespace moecost {
namespace {

[[noreturn]] void fail(std::string_view key, std::string_view message, std::string hint = {}) {
    throw InputError({}, key, message, std::move(hint));
}

int parse_integer(std::string_view key, std::string_view value, int low, int high) {
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc{} && end == value.data() + value.size() && number >= low && number <= high)
        return number;
    std::string message("expected a whole number ");
    message.append(std::to_string(low)).append("..").append(std::to_string(high));
    fail(key, message.append(", found '").append(value.substr(0, 40)).append("'"));
}

bool parse_flag(std::string_view key, std::string_view value) {
    if (value == "true" || value == "yes" || value == "1") return true;
    if (value == "false" || value == "no" || value == "0") return false;
    fail(key, std::string("expected true or false, found '").append(value.substr(0, 40)).append("'"));
}

/// Archive that sets the field named `key` and collects the names of all fields.
/// A pass with `only_present` skips sizes that are 0: they mean "has none".
class FieldEditor {
  public:
    FieldEditor(std::string_view key, std::string_view value, bool only_present)
        : key_(key), value_(value), only_present_(only_present) {}

    void required(std::string_view key, int& x, int max) { set(key, x, 1, max); }
    void optional(std::string_view key, int& x, int max, int = 0) {
        if (only_present_ && x == 0 && (key == "window" || key == "dense_width")) return;
        set(key, x, 0, max);
    }
    void flag(std::string_view key, bool& x, bool = false) {
        if (matches(key)) x = parse_flag(key_, value_);
    }
    template <class Enum, std::size_t N>
    void choice(std::string_view key, Enum& x, const std::array<std::string_view, N>& names) {
        if (!matches(key)) return;
        const auto it = std::find(names.begin(), names.end(), value_);
        if (it == names.end()) {
            const std::vector<std::string> known(names.begin(), names.end());
            fail(key_, std::string("unknown value '").append(value_.substr(0, 40)).append("'"),
                 name_hint(value_, known));
        }
        x = static_cast<Enum>(it - names.begin());
    }
    void head_dims(int& qk, int& v) {
        set("qk_dim", qk, 1, max_width);
        set("v_dim", v, 1, max_width);
        if (matches("head_dim")) qk = v = parse_integer(key_, value_, 1, max_width);
    }
    void indexer(std::optional<SparseIndexer>& x) {
        if (!x) return;
        prefix_ = "indexer_";
        fields(*this, *x);
        prefix_ = "";
    }
    [[nodiscard]] bool found() const { return found_; }
    [[nodiscard]] std::vector<std::string>& names() { return names_; }

  private:
    bool matches(std::string_view key) {
        std::string full(prefix_);
        full.append(key);
        const bool match = full == key_;
        found_ = found_ || match;
        names_.push_back(std::move(full));
        return match;
    }
    void set(std::string_view key, int& x, int low, int high) {
        if (matches(key)) x = parse_integer(key_, value_, low, high);
    }

    std::string_view key_;
    std::string_view value_;
    bool only_present_;
    std::string_view prefix_;
    bool found_ = false;
    std::vector<std::string> names_;
};

template <class Groups>
void edit_groups(FieldEditor& editor, Groups& groups) {
    for (auto& group : groups) {
        std::visit([&editor](auto& kind) { fields(editor, kind); }, group.kind);
    }
}

void edit_fields(FieldEditor& editor, Architecture& a) {
    fields(editor, a);
    edit_groups(editor, a.mixers);
    edit_groups(editor, a.ffns);
    edit_groups(editor, a.mtp.mixers);
    edit_groups(editor, a.mtp.ffns);
}

/// Shares `total` in proportion to `weights` (largest remainder, ties to the first).
std::vector<int> proportional(const std::vector<int>& weights, int total) {
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::vector<int> shares;
    std::vector<double> remainders;
    for (const int weight : weights) {
        const double exact = sum > 0 ? total * (weight / sum) : 0;
        shares.push_back(static_cast<int>(exact + 1e-9));
        remainders.push_back(exact - shares.back());
    }
    for (int left = total - std::accumulate(shares.begin(), shares.end(), 0); left > 0; --left) {
        const auto largest = std::max_element(remainders.begin(), remainders.end());
        ++shares[static_cast<std::size_t>(largest - remainders.begin())];
        *largest = -1;
    }
    return shares;
}

/// Scales the counts of `groups` to `total`; groups of at most `fixed_up_to` layers keep theirs when it fits.
template <class Group>
void scale_groups(std::vector<Group>& groups, int total, int fixed_up_to) {
    std::vector<int> weights;
    int fixed = 0;
    for (const Group& group : groups) {
        const bool keep = group.count <= fixed_up_to;
        weights.push_back(keep ? 0 : group.count);
        fixed += keep ? group.count : 0;
    }
    const bool all_fixed = std::all_of(weights.begin(), weights.end(), [](int w) { return w == 0; });
    if (all_fixed || fixed >= total) {
        for (std::size_t i = 0; i < groups.size(); ++i) weights[i] = groups[i].count;
        fixed = 0;
    }
    const std::vector<int> shares = proportional(weights, total - fixed);
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (weights[i] > 0) groups[i].count = shares[i];
    }
    std::erase_if(groups, [](const Group& group) { return group.count == 0; });
}

template <class Groups>
int covered_layers(const Groups& groups) {
    return std::accumulate(groups.begin(), groups.end(), 0,
                           [](int sum, const auto& g) { return sum + g.count; });
}

/// Takes the groups out that stand beside others.
template <class Group>
std::vector<Group> take_beside(std::vector<Group>& groups) {
    std::vector<Group> beside;
    std::copy_if(groups.begin(), groups.end(), std::back_inserter(beside),
                 [](const Group& g) { return g.beside; });
    std::erase_if(groups, [](const Group& g) { return g.beside; });
    return beside;
}

template <class Group>
void put_back(std::vector<Group>& groups, std::vector<Group> beside, auto scaled) {
    for (Group& group : beside) {
        group.count = std::max(scaled(group.count), 1);
        groups.push_back(group);
    }
}

/// Mixers keep their proportions. A list that covers only some layers (blocks, no-op layers) covers the same
/// part.
void set_layers(Architecture& a, int layers) {
    std::vector<MixerGroup> beside_mixers = take_beside(a.mixers);
    std::vector<FfnGroup> beside_ffns = take_beside(a.ffns);
    const int mixers = covered_layers(a.mixers);
    const int ffns = covered_layers(a.ffns);
    const auto scaled = [&a, layers](int count) {
        return static_cast<int>((static_cast<long long>(count) * layers * 2 + a.layers) / (2LL * a.layers));
    };
    const int new_mixers = scaled(mixers);
    const bool blocks =
        mixers + ffns == a.layers && mixers > 0 && ffns > 0;   // each block is a mixer or an ffn
    scale_groups(a.mixers, new_mixers, 0);
    scale_groups(a.ffns, blocks ? layers - new_mixers : scaled(ffns), a.layers / 8);
    put_back(a.mixers, std::move(beside_mixers), scaled);
    put_back(a.ffns, std::move(beside_ffns), scaled);
    a.layers = layers;
}

/// Tables as wide as the hidden state, or as the inputs of all layers, stay so; what a release mixes is no longer known.
void refit(const Architecture& before, Architecture& a) {
    for (LookupTable& t : a.tables) {
        if (before.layer_input > 0 && t.width == 1LL * before.layer_input * before.layers)
            t.width = static_cast<int>(std::min<long long>(1LL * a.layer_input * a.layers, max_width + 1LL));
        else if (t.width == before.hidden)
            t.width = a.hidden;
    }
    a.mixed.clear();
}

}   // namespace

void apply_edit(Architecture& architecture, std::string_view key, std::string_view value) {
    Architecture edited = architecture;
    if (key == "layers") {
        set_layers(edited, parse_integer(key, value, 1, max_layers));
    } else {
        FieldEditor present(key, value, true);
        edit_fields(present, edited);
        if (!present.found()) {
            FieldEditor all(key, value, false);
            edit_fields(all, edited);
            if (!all.found()) fail(key, "no such field", name_hint(key, edit_keys(architecture)));
        }
    }
    refit(architecture, edited);
    if (const std::string problem = problem_of(edited); !problem.empty()) fail(key, problem);
    architecture = std::move(edited);
}

std::vector<std::string> edit_keys(const Architecture& architecture) {
    Architecture copy = architecture;
    FieldEditor editor({}, {}, false);
    edit_fields(editor, copy);
    std::vector<std::string> names = editor.names();
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

}   // namespace moecost
