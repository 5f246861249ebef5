// SPDX-License-Identifier: Apache-2.0
// Families in grids: axes over sizes and other choices of members.
#include <doctest/doctest.h>

#include "../base/input_error.h"
#include "grids.h"
#include "moecost/model/architecture_toml.h"

using namespace moecost;

namespace {

const std::string base_tp2 = "[scenario]\ngpu = 'h200_sxm'\ntp = 2\n";   // small members have few heads
const std::string base = "[scenario]\ngpu = 'h200_sxm'\ntp = 4\n";
const std::string families = "[[axis]]\nkey='family'\nvalues=['mixtral-like','joint-moe']\n";
const std::string sizes = "[[axis]]\nkey='size'\nvalues=['1B', 7e9]\n";

std::string error(const std::string& text) {
    return message_of([&] {
        const ScratchFolder scratch;
        (void)sweep_into((scratch.path / "out.csv").string(), text);
    });
}

CsvTable swept(const std::string& grid, Manifest* manifest = nullptr) {
    const ScratchFolder scratch;
    const std::string path = (scratch.path / "out.csv").string();
    const SweepSummary s = sweep_into(path, grid);
    if (manifest != nullptr) *manifest = s.manifest;
    return CsvTable(read_file(path), path);
}

}   // namespace

TEST_CASE("each row of a grid of members is what evaluate() says of that member") {
    const CsvTable t = swept(
        "columns=['family','size','experts','top_k','granularity','shared_experts','model',\n"
        "'dense_equivalent','routed_experts','parameters','tpot_s','ttft_s']\n" +
        base_tp2 + families + sizes +
        "[[axis]]\nkey='experts'\nvalues=[1,2,16]\n"
        "[[axis]]\nkeys=['granularity','top-k','shared-experts']\nvalues=[[1,4],[1,1],[0,1]]\n");
    REQUIRE(t.rows() ==
            12 + 8);   // joint-moe has no granularity of 4, but for dense members, which have none
    for (std::size_t row = 0; row < t.rows(); ++row) {
        const auto number = [&](std::string_view column) { return *t.number(row, t.column(column)); };
        Description d;
        d.family = std::string(t.text(row, 0));
        d.gpu = "h200_sxm";
        d.tp = 2;
        d.size = number("size");
        d.experts = static_cast<int>(number("experts"));
        d.top_k = static_cast<int>(number("top_k"));
        d.granularity = static_cast<int>(number("granularity"));
        d.shared_experts = static_cast<int>(number("shared_experts"));
        const FamilyMember m = describe_member(DataStore{}, d);
        const Expected<Estimate> e = evaluate(*describe(DataStore{}, d));
        REQUIRE(e);
        CHECK(t.text(row, t.column("model")) == m.architecture.name);
        CHECK(number("dense_equivalent") == m.dense_equivalent);
        CHECK(number("parameters") == m.total + m.embeddings);
        const double routed = *d.experts == 1 ? 0 : *d.experts * *d.granularity;
        CHECK(number("routed_experts") == routed);
        CHECK(number("tpot_s") == doctest::Approx(e->serving.tpot.value()).epsilon(1e-5));
        CHECK(number("ttft_s") == doctest::Approx(e->serving.ttft.value()).epsilon(1e-5));
    }
}

TEST_CASE("members that do not exist are infeasible points with their reason") {
    Manifest m;
    const CsvTable t =
        swept("keep_infeasible=true\ncolumns=['family','experts','top_k','model','tpot_s']\n" + base_tp2 +
                  "size='7B'\nfamily='mixtral-like'\n[[axis]]\nkey='experts'\nvalues=[2,8]\n"
                  "[[axis]]\nkey='top_k'\nvalues=[2,4]\n",
              &m);
    CHECK(t.rows() == 4);
    REQUIRE(m.infeasible.size() == 1);
    CHECK(m.infeasible[0].what == "a token cannot use more experts than there are");
    CHECK(m.infeasible[0].points == 1);
    CHECK(t.text(1, 2) == "4");
    CHECK(t.text(1, 3).empty());
    CHECK(t.text(1, 5) == "a token cannot use more experts than there are");
}

TEST_CASE("filters see what was asked for, and edits act on members") {
    Manifest m;
    const CsvTable t = swept(
        "filter=['routed_experts % ep == 0', 'size < 5e9 or experts == 2', 'layers > 1']\n"
        "columns=['size','experts','vocabulary','parameters','weights_bytes']\n" +
            base + "family='qwen-like'\nep=4\n[scenario.set]\nlayers=12\n" + sizes +
            "[[axis]]\nkey='experts'\nvalues=[2,16]\n[[axis]]\nkey='granularity'\nvalues=[1,2]\n"
            "[[axis]]\nkey='set.vocabulary'\nvalues=[1000,2000]\n",
        &m);
    CHECK(m.filtered[0].points == 4);   // 2 experts over 4 GPUs
    CHECK(m.filtered[1].points == 4);
    REQUIRE(t.rows() == 8);
    Description d;
    d.family = "qwen-like";
    d.size = 1e9;
    d.experts = 2;
    d.granularity = 2;
    Architecture a = describe_member(DataStore{}, d).architecture;
    apply_edit(a, "layers", "12");
    apply_edit(a, "vocabulary", "1000");
    CHECK(*t.number(0, 3) == count(a).total);
    CHECK(*t.number(0, 4) == doctest::Approx(2 * count(a).total).epsilon(1e-5));
}

TEST_CASE("more members than the table keeps are built as they come, with the same bytes for any order") {
    const std::string grid =
        base +
        "family='deepseek-like'\n[[axis]]\nkey='size'\n"
        "log_range={from=1e9,to=1e10,points=1025}\n[[axis]]\nkey='experts'\nvalues=[2,4,8,16]\n"
        "[[axis]]\nkey='granularity'\nvalues=[1,2,4,8]\n";
    const ScratchFolder scratch;
    const auto path = [&](const std::string& name) { return (scratch.path / name).string(); };
    const std::string with_columns = "columns=['size','experts','granularity','dense_equivalent']\n" + grid;
    CHECK(sweep_into(path("one.csv"), with_columns, 1).manifest.points == 16400);
    (void)sweep_into(path("two.csv"), with_columns, 2);
    CHECK(read_file(path("one.csv")) == read_file(path("two.csv")));
    const CsvTable t(read_file(path("one.csv")), "one.csv");
    REQUIRE(t.rows() > 1000);
    for (std::size_t row = 0; row < t.rows(); row += 131)
        CHECK(*t.number(row, 3) == doctest::Approx(*t.number(row, 0)).epsilon(0.01));
}

TEST_CASE("mistakes with families in grids name the place and what is allowed") {
    const struct {
        std::string text;
        const char* part;
    } cases[] = {
        {base + "model='mixtral-8x7b'\n" + sizes, "'size': is a choice of a family, but the grid has none"},
        {base + "[[axis]]\nkey='top_k'\nvalues=[1]\n" + families, "the members have no size"},
        {base + families, "no size of the member is given"},
        {base + "model='mixtral-8x7b'\n" + families + sizes, "a model is given too"},
        {base + "[[axis]]\nkey='family'\nvalues=['mixtral-lik']\n" + sizes,
         "no family is named 'mixtral-lik'"},
        {base + families + "[[axis]]\nkey='size'\nvalues=['7X']\n", "'7X' is not a number of parameters"},
        {base + families + "[[axis]]\nkey='size'\nvalues=[-7]\n", "'-7' is not a number of parameters"},
        {base + families + sizes + "[[axis]]\nkey='experts'\nvalues=[0]\n",
         "'0' is not a whole number in 1.."},
        {base + families + sizes + "[[axis]]\nkey='granularity'\nvalues=[1.5]\n",
         "'1.5' is not a whole number"},
        {base + families + sizes +
             "[[axis]]\nkey='experts'\nvalues=[8]\n[[axis]]\nkey='set.experts'\nvalues=[8]\n",
         "is an axis twice"},
        {"filter='expert == 3'\n" + base + families + sizes, "unknown name 'expert'"},
    };
    for (const auto& c : cases) CHECK_MESSAGE(error(c.text).find(c.part) != std::string::npos, error(c.text));
}
