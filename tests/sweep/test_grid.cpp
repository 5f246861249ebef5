// SPDX-License-Identifier: Apache-2.0
#include "moecost/sweep/grid.h"

#include <doctest/doctest.h>

#include <cmath>

#include "../base/input_error.h"
#include "grids.h"

using namespace moecost;

namespace {

const std::string base = "[scenario]\nmodel = 'mixtral-8x7b'\ngpu = 'h100_sxm'\n";

Grid with_axes(const std::string& axes) { return grid_of(base + axes); }
std::string error(const std::string& text) {
    return message_of([&] { (void)grid_of(text); });
}
std::string axis_error(const std::string& axes) { return error(base + axes); }

}   // namespace

TEST_CASE("points are the product of the axes; ranges include their ends") {
    const Grid g = with_axes(
        "[[axis]]\nkey='tp'\nvalues=[1,2]\n[[axis]]\nkey='isl'\nrange={from=100,to=300,step=50}\n"
        "[[axis]]\nkey='cached'\nrange={from=0.1,to=0.3,step=0.1}\n"
        "[[axis]]\nkey='concurrency'\nlog_range={from=1,to=100,points=3}\n");
    CHECK(g.points == 2 * 5 * 3 * 3);
    CHECK(g.axes[1].columns[0].texts == std::vector<std::string>{"100", "150", "200", "250", "300"});
    CHECK(g.axes[2].columns[0].texts == std::vector<std::string>{"0.1", "0.2", "0.3"});
    CHECK(g.axes[3].columns[0].texts == std::vector<std::string>{"1", "10", "100"});
    CHECK(g.columns.front().name == "tp");
    CHECK(g.columns.back().name == "provenance");
}

TEST_CASE("keys of a zipped axis move together and edits lose their prefix") {
    const Grid g = with_axes(
        "[[axis]]\nkeys=['gpu','price','set.experts']\n"
        "values=[['h100_sxm','h200_sxm'],[2.5,'$3.2'],[8,16]]\n");
    CHECK(g.points == 2);
    CHECK(g.axes[0].columns[0].kind == AxisKind::name);
    CHECK(g.axes[0].columns[1].kind == AxisKind::number);
    CHECK(g.axes[0].columns[1].numbers == std::vector<double>{2.5, 3.2});
    CHECK(g.axes[0].columns[2].kind == AxisKind::edit);
    CHECK(g.axes[0].columns[2].name == "experts");
}

TEST_CASE("rounded logarithmic ranges drop repeated values") {
    const Grid g = with_axes("[[axis]]\nkey='concurrency'\nlog_range={from=1,to=4,points=9,round=true}\n");
    CHECK(g.axes[0].columns[0].texts == std::vector<std::string>{"1", "2", "3", "4"});
}

TEST_CASE("the fingerprint of a grid ignores comments and layout, not content") {
    const std::string axis = "[[axis]]\nkey='tp'\nvalues=[1,2]\n";
    CHECK(with_axes(axis).hash == grid_of("# note\n" + base + "\n\n" + axis).hash);
    CHECK(with_axes(axis).hash != with_axes("[[axis]]\nkey='tp'\nvalues=[1,4]\n").hash);
}

TEST_CASE("mistakes in a grid name the place and what is allowed") {
    const struct {
        std::string axes;
        const char* part;
    } cases[] = {
        {"", "the grid has no axis"},
        {"[[axis]]\nkey='tp'\nvalues=[]\n", "is empty: the grid has no points"},
        {"[[axis]]\nkey='tq'\nvalues=[1]\n", "is no input"},
        {"[[axis]]\nkey='tp'\nvalues=[1.5]\n", "is not a whole number in 1..65536"},
        {"[[axis]]\nkey='tp'\nvalues=['a']\n", "is not a whole number in 1..65536"},
        {"[[axis]]\nkey='isl'\nrange={from=5,to=1}\n", "is below 'from'"},
        {"[[axis]]\nkey='isl'\nrange={from=1,to=1e9,step=1e-3}\n", "more than 1,000,000 values"},
        {"[[axis]]\nkey='isl'\nlog_range={from=0,to=5,points=3}\n", "is not positive"},
        {"[[axis]]\nkey='isl'\nvalues=[1]\nrange={from=1,to=2}\n", "needs exactly one of"},
        {"[[axis]]\nvalues=[1]\n", "needs key, or keys"},
        {"[[axis]]\nkeys=['tp','pp']\nvalues=[[1,2],[1]]\n", "differ in length"},
        {"[[axis]]\nkey='tp'\nvalues=[1]\n[[axis]]\nkey='tp'\nvalues=[2]\n", "is an axis twice"},
        {"[[axis]]\nkey='rate'\nvalues=[1]\n[[axis]]\nkey='concurrency'\nvalues=[2]\n",
         "is a load, as 'rate'"},
        {"[[axis]]\nkey='offline'\nvalues=[true]\n", "cannot be an axis"},
        {"[[axis]]\nkey='gpu'\nvalues=['h1000']\n", "no accelerator is named 'h1000'"},
        {"[[axis]]\nkey='model'\nvalues=['mixtrel']\n", "no model is named 'mixtrel'"},
        {"[[axis]]\nkey='engine'\nvalues=['vlm']\n", "no engine is named 'vlm'"},
        {"[[axis]]\nkey='weights'\nvalues=['fp9']\n", "'fp9' is not a number format"},
        {"[[axis]]\nkey='gpu.memory_bandwith_tb_s'\nvalues=[3]\n", "no such figure of an accelerator"},
        {"[[axis]]\nkey='gpu.usable_gib'\nvalues=[1e9]\n", "is not in 1..4096"},
        {"[[axis]]\nkey='tp'\nvalues=[1]\nstep=2\n", "unknown key"},
    };
    for (const auto& c : cases)
        CHECK_MESSAGE(axis_error(c.axes).find(c.part) != std::string::npos, axis_error(c.axes));
}

TEST_CASE("mistakes in filters, constraints, columns and frontiers") {
    const std::string axis = base + "[[axis]]\nkey='tp'\nvalues=[1]\n";
    CHECK(error("filter='tpot <= 1'\n" + axis).find("write") == std::string::npos);
    CHECK(error("filter='tpot <= 1'\n" + axis).find("'tpot' is a result") != std::string::npos);
    CHECK(error("filter='gpu == 1'\n" + axis).find("unknown name 'gpu'") != std::string::npos);
    CHECK(error("filter=['tp ==']\n" + axis).find("grid.toml:1:") == 0);
    CHECK(error("columns=['tpp']\n" + axis).find("no column is named 'tpp'") != std::string::npos);
    CHECK(error("columns=['tp','tp']\n" + axis).find("is named twice") != std::string::npos);
    CHECK(error("frontier={minimise=['tpot']}\n" + axis).find("2 to 4 objectives") != std::string::npos);
    CHECK(error("frontier={minimise=['tpot','gpu']}\n" + axis).find("is no figure of a point") !=
          std::string::npos);
    CHECK(error("frontier={lowest=['tpot']}\n" + axis).find("unknown key") != std::string::npos);
    CHECK(error("axes=[]\n" + axis).find("unknown key") != std::string::npos);
    CHECK(error("scenario=3\n[[axis]]\nkey='tp'\nvalues=[1]\n").find("expected a table") !=
          std::string::npos);
}

TEST_CASE("a grid of 10^15 points is refused with its size and a hint") {
    std::string axes;
    for (const char* key : {"isl", "osl", "chunk"}) {
        axes.append("[[axis]]\nkey='").append(key).append("'\nrange={from=1,to=100000}\n");
    }
    CHECK(axis_error(axes).find("the grid has 1,000,000,000,000,000 points, more than 10^12") !=
          std::string::npos);
    CHECK(hint_of([&] { (void)with_axes(axes); }).find("fewer values") != std::string::npos);
}

TEST_CASE("accelerators of an axis are priced at one kind of rent unless a price is stated") {
    const std::string axis = "[[axis]]\nkey = \"gpu\"\nvalues = [\"h100\", \"mi355x\"]\n";
    const std::string model = "[scenario]\nmodel = \"gpt-oss-120b\"\n";
    const auto basis = [&](const std::string& text) {
        return read_grid(DataStore{}, parse_toml(text, "grid.toml")).prices.basis;
    };
    CHECK(basis(model + axis) == "neocloud_reserved");
    CHECK(basis(model + "price = 2\n" + axis).empty());
    CHECK(basis(model + axis + "[[axis]]\nkey = \"price\"\nvalues = [1, 2]\n").empty());
    CHECK(basis(model + "[[axis]]\nkey = \"gpu\"\nvalues = [\"h100\"]\n").empty());
}

TEST_CASE("a basis of prices that no accelerator has is a mistake of the axis") {
    const std::string text =
        "[scenario]\nmodel = \"gpt-oss-120b\"\ngpu = \"h100\"\n[[axis]]\nkey = \"price\"\nvalues = [2, "
        "\"foo\"]\n";
    CHECK_THROWS_WITH_AS((void)read_grid(DataStore{}, parse_toml(text, "grid.toml")),
                         doctest::Contains("'foo' is no price basis of any accelerator"), InputError);
}
