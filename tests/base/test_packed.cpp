// SPDX-License-Identifier: Apache-2.0
#include "moecost/base/packed.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "moecost/base/data.h"

using namespace moecost;

namespace {

bool same(const Value& a, const Value& b);

bool same_content(const Value& a, const Value& b) {
    if (a.content.index() != b.content.index()) return false;
    if (const auto* x = std::get_if<Value::Array>(&a.content)) {
        const auto& y = std::get<Value::Array>(b.content);
        bool equal = x->size() == y.size();
        for (std::size_t i = 0; equal && i < x->size(); ++i) equal = same((*x)[i], y[i]);
        return equal;
    }
    if (const auto* x = std::get_if<Value::Table>(&a.content)) {
        const auto& y = std::get<Value::Table>(b.content);
        bool equal = x->size() == y.size();
        for (std::size_t i = 0; equal && i < x->size(); ++i)
            equal = (*x)[i].first == y[i].first && same((*x)[i].second, y[i].second);
        return equal;
    }
    if (const auto* x = std::get_if<bool>(&a.content)) return *x == std::get<bool>(b.content);
    if (const auto* x = std::get_if<std::int64_t>(&a.content)) return *x == std::get<std::int64_t>(b.content);
    if (const auto* x = std::get_if<double>(&a.content)) return *x == std::get<double>(b.content);
    if (const auto* x = std::get_if<std::string>(&a.content)) return *x == std::get<std::string>(b.content);
    return true;
}

bool same(const Value& a, const Value& b) {
    return a.line == b.line && a.column == b.column && same_content(a, b);
}

}   // namespace

TEST_CASE("every embedded TOML file is packed as what its text says, with lines and columns") {
    int packed = 0;
    for (const EmbeddedFile& file : embedded_files()) {
        CAPTURE(file.path);
        CHECK(file.path.ends_with(".toml") == !file.packed.empty());
        if (file.packed.empty()) continue;
        ++packed;
        CHECK(same(unpack(file.packed, "f").root, parse_toml(file.text, "f").root));
    }
    CHECK(packed > 100);
}

TEST_CASE("values of every kind survive packing, of any size and sign") {
    const Document d = parse_toml(
        "a = -9223372036854775807\nb = 1.5e-300\nc = true\nd = \"\"\ne = [1, [2.5], \"x\"]\n[t]\nf = {g = "
        "false}\n",
        "f");
    const Document back = unpack(pack(d), "other");
    CHECK(back.file == "other");
    CHECK(same(back.root, d.root));
    const Document text = parse_toml("a = \"" + std::string(300, 'x') + "\"", "f");
    CHECK(same(unpack(pack(text), "f").root, text.root));
}

TEST_CASE("packed bytes that end too early are refused, wherever they end") {
    const std::string bytes = pack(parse_toml("a = [1, 2.5, \"text\", true]\nb = {c = 1}", "f"));
    for (std::size_t n = 0; n < bytes.size(); ++n)
        CHECK_THROWS_AS((void)unpack(std::string_view(bytes).substr(0, n), "f"), std::out_of_range);
}
