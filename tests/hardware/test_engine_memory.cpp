// SPDX-License-Identifier: Apache-2.0
// Memory tables of rules files: what rows inherit, which version holds, and mistakes by line and key.
#include <doctest/doctest.h>

#include <string>

#include "../base/input_error.h"
#include "moecost/base/data.h"
#include "moecost/base/quantity.h"
#include "moecost/hardware/engine_memory.h"

using namespace moecost;

namespace {

const std::string head =
    "[memory]\nfraction_of = \"total\"\ncovers = [\"cache\"]\ngraphs = \"outside\"\nformula = \"f\"\n"
    "version = \"2.5\"\nsource = \"s\"\n";

EngineMemory read(const std::string& rows) {
    std::vector<std::string> generations;
    const Document document = parse_toml(head + rows, "x.toml");
    return engine_memory_from_toml(Reader(document), generations);
}

std::string failure(const std::string& rows) {
    return message_of([&] { (void)read(rows); });
}

std::string row(const std::string& since, const std::string& keys) {
    return "[[memory_terms]]\nreleased = \"2026\"\nsource = \"s\"\nsince = \"" + since + "\"\n" + keys;
}

}   // namespace

TEST_CASE("a row of terms keeps what it leaves out from the row before") {
    const EngineMemory m = read(row("2.1", "other_one_gib = 2\nlogit_bytes = 7\n") +
                                row("2.4", "other_one_gib = 3\n") + row("2.10", "logit_bytes = 9\n"));
    REQUIRE(m.terms.size() == 3);
    CHECK(terms_of(m)->other_one.value() == 3 * gib);   // version 2.5 of the head
    CHECK(terms_of(m)->logit_bytes == 7);
    CHECK(terms_of(m, {2, 9})->logit_bytes == 7);
    CHECK(terms_of(m, {2, 10})->logit_bytes == 9);   // ten is more than four
    CHECK(terms_of(m, {1, 0})->other_one.value() == 2 * gib);
    CHECK(terms_of(read("")) == nullptr);
}

TEST_CASE("mistakes in memory tables name their line and key") {
    CHECK(failure(row("2.1", "")) == "no InputError");
    CHECK(failure(row("2.1", "") + row("2.1", "")).find("since': is not later than the row before") !=
          std::string::npos);
    CHECK(
        failure(row("latest", "")).find("x.toml:11:9: key 'memory_terms[0].since': 'latest' is no version") !=
        std::string::npos);
    CHECK(failure(row("2.1", "logit_byte = 1\n")).find("unknown key") != std::string::npos);
    CHECK(failure(row("2.1", "other_one_gib = -1\n")).find("other_one_gib") != std::string::npos);
    CHECK(failure("[[padding]]\ncomponent = \"head\"\n").find("is not routed_experts") != std::string::npos);
}
