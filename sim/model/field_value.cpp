// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/field_value.h"

#include <array>
#include <string>

#include "moecost/model/architecture_fields.h"

namespace moecost {
namespace {

/// Archive that looks one field up.
class FieldReader {
  public:
    explicit FieldReader(std::string_view key) : key_(key) {}

    void required(std::string_view key, const int& x, int) { found(key, x); }
    void optional(std::string_view key, const int& x, int, int = 0) { found(key, x); }
    void flag(std::string_view key, const bool& x, bool = false) { found(key, x ? 1 : 0); }
    template <class Enum, std::size_t N>
    void choice(std::string_view key, const Enum& x, const std::array<std::string_view, N>&) {
        found(key, static_cast<double>(x));
    }
    void head_dims(const int& qk, const int& v) {
        found("qk_dim", qk);
        found("v_dim", v);
        found("head_dim", qk);
    }
    void indexer(std::optional<SparseIndexer>& x) {
        if (!x || !key_.starts_with("indexer_")) return;
        const std::string_view whole = key_;
        key_.remove_prefix(8);
        fields(*this, *x);
        key_ = whole;
    }
    [[nodiscard]] std::optional<double> value() const {
        if (!found_) return std::nullopt;
        return value_;
    }

  private:
    void found(std::string_view key, double x) {
        if (key != key_) return;
        found_ = true;
        if (value_ == 0) value_ = x;
    }
    std::string_view key_;
    bool found_ = false;
    double value_ = 0;
};

template <class Groups>
void read_groups(FieldReader& reader, Groups& groups) {
    for (auto& group : groups) {
        std::visit([&reader](auto& kind) { fields(reader, kind); }, group.kind);
    }
}

}   // namespace

std::optional<double> field_value(const Architecture& architecture, std::string_view key) {
    Architecture a = architecture;   // the one list of fields visits what it may change
    FieldReader reader(key);
    fields(reader, a);
    read_groups(reader, a.mixers);
    read_groups(reader, a.ffns);
    read_groups(reader, a.mtp.mixers);
    read_groups(reader, a.mtp.ffns);
    return reader.value();
}

}   // namespace moecost
