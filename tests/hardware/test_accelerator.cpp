// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "../base/input_error.h"
#include "../base/scratch.h"
#include "moecost/base/data.h"
#include "moecost/hardware/accelerator.h"

using namespace moecost;

namespace {

constexpr std::string_view folder = "hwmodels/accelerators";

const std::vector<std::string> calibrated{"a100_sxm_80", "b200_sxm", "b300_sxm", "gb200_nvl72", "gb300_nvl72",
                                          "h100_sxm",    "h200_sxm", "l40s",     "rtx_pro_6000"};

std::vector<Accelerator> all() {
    const DataStore data;
    std::vector<Accelerator> result;
    for (const std::string& name : data.names(folder)) result.push_back(load_accelerator(data, name));
    return result;
}

/// A complete file of one's own, in which a test replaces one line.
std::string own_file(std::string_view line = {}, std::string_view by = {}) {
    std::string text =
        "name = \"X1\"\nvendor = \"Us\"\nyear = 2026\nstatus = \"announced\"\nrelative = \"h100_sxm\"\n"
        "[peak_tflops]\nbf16 = 100\nfp8 = 200\n"
        "[memory]\nusable_gib = 64\nbandwidth_tb_s = 2\n"
        "[compute]\nmultiprocessors = 96\n"
        "[scale_up]\ngb_s_per_direction = 100\ndomain = 4\nlink_latency_us = 1\n"
        "[scale_out]\ngbit_s_per_gpu = 200\nnic_latency_us = 4\n"
        "[power]\ntdp_w = 500\nidle_share = 0.2\n";
    if (!line.empty()) text.replace(text.find(line), line.size(), by);
    return text;
}

std::string failure(std::string_view line, std::string_view by) {
    return message_of([&] { (void)accelerator_from_toml(parse_toml(own_file(line, by), "x1.toml")); });
}

}   // namespace

TEST_CASE("H100 SXM as its datasheet says") {
    const Accelerator a = load_accelerator(DataStore(), "h100_sxm");
    CHECK(a.id == "h100_sxm");
    CHECK(a.vendor == "NVIDIA");
    CHECK(a.year == 2022);
    CHECK(a.status == "shipping");
    CHECK(a.relative.empty());
    CHECK(a.peak_of(MathUnit::bf16).value() == doctest::Approx(989.4e12));
    CHECK(a.peak_of(MathUnit::fp8).value() == doctest::Approx(1978.9e12));
    CHECK(a.peak_of(MathUnit::fp4).value() == 0);
    CHECK(a.memory_bandwidth.value() == doctest::Approx(3.35e12));
    CHECK(a.memory.value() ==
          doctest::Approx(85.03e9).epsilon(1e-3));   // 79.19 GiB: "80 GB" is 80 GiB less ECC pages
    CHECK(a.link_bandwidth.value() == 450e9);
    CHECK(a.nic_bandwidth.value() == 50e9);   // 400 Gbit/s
    CHECK(a.domain == 8);
    CHECK(a.multiprocessors == 132);
    CHECK(a.tdp.value() == 700);
    CHECK(a.supported() == "fp32, bf16, fp8, int8");
}

TEST_CASE("figures of other accelerators, spot checks") {
    const DataStore data;
    struct Row {
        const char* name;
        double bf16, fp8, fp4, tb_s, gib;
    };
    for (const Row& row :
         {Row{"a100_sxm_80", 312, 0, 0, 2.039, 79.25}, Row{"h200_sxm", 989.4, 1978.9, 0, 4.8, 139.81},
          Row{"h20_96", 148, 296, 0, 4.0, 95.6}, Row{"b200_sxm", 2250, 4500, 9000, 7.7, 178.35},
          Row{"b300_sxm", 2250, 4500, 14000, 7.75, 268.6}, Row{"gb200_nvl72", 2500, 5000, 10000, 8.0, 185.0},
          Row{"gb300_nvl72", 2500, 5000, 15000, 8.0, 276.62}, Row{"mi300x", 1307.4, 2614.9, 0, 5.3, 192},
          Row{"mi355x", 2516.6, 5033.2, 10066, 8.0, 287.98}, Row{"l40s", 362, 733, 0, 0.864, 44.4},
          Row{"rtx_4090", 165.2, 330.3, 0, 1.008, 23.55}}) {
        CAPTURE(row.name);
        const Accelerator a = load_accelerator(data, row.name);
        CHECK(a.peak_of(MathUnit::bf16).value() == doctest::Approx(row.bf16 * 1e12));
        CHECK(a.peak_of(MathUnit::fp8).value() == doctest::Approx(row.fp8 * 1e12));
        CHECK(a.peak_of(MathUnit::fp4).value() == doctest::Approx(row.fp4 * 1e12));
        CHECK(a.memory_bandwidth.value() == doctest::Approx(row.tb_s * 1e12));
        CHECK(a.memory.value() == doctest::Approx(row.gib * gib));
    }
}

TEST_CASE("Blackwell Ultra has almost no INT8") {
    const DataStore data;
    for (const char* name : {"b300_sxm", "gb300_nvl72"}) {
        const Accelerator a = load_accelerator(data, name);
        CHECK(a.peak_of(MathUnit::int8) < 0.1 * a.peak_of(MathUnit::bf16));
    }
}

TEST_CASE("tensor peaks follow from units and clock") {
    // Multiprocessors x dense bf16 FLOP per cycle x GHz, figures of the vendors' architecture papers.
    const DataStore data;
    struct Row {
        const char* name;
        double flop_per_cycle, ghz;
    };
    for (const Row& row :
         {Row{"h100_sxm", 4096, 1.830}, Row{"a100_sxm_80", 2048, 1.410}, Row{"v100_sxm2_32", 1024, 1.530},
          Row{"mi300x", 2048, 2.100}, Row{"mi355x", 4096, 2.400}, Row{"rtx_4090", 512, 2.520}}) {
        CAPTURE(row.name);
        const Accelerator a = load_accelerator(data, row.name);
        const double derived = a.multiprocessors * row.flop_per_cycle * row.ghz * 1e9;
        CHECK(a.peak_of(MathUnit::bf16).value() == doctest::Approx(derived).epsilon(0.005));
    }
}

TEST_CASE("names are found in the spelling of the measured tables") {
    const DataStore data;
    struct Row {
        const char *spelling, *id;
    };
    for (const Row& row :
         {Row{"h100-sxm", "h100_sxm"}, Row{"h200-sxm", "h200_sxm"}, Row{"b200-sxm", "b200_sxm"},
          Row{"b300-sxm", "b300_sxm"}, Row{"a100-80gb-sxm", "a100_sxm_80"}, Row{"gb200", "gb200_nvl72"},
          Row{"gb300", "gb300_nvl72"}, Row{"h20", "h20_96"}, Row{"h800", "h800_sxm"}, Row{"l40s", "l40s"},
          Row{"rtx-pro-6000", "rtx_pro_6000"}, Row{"mi300x", "mi300x"}, Row{"mi355x", "mi355x"},
          Row{"H100", "h100_sxm"}}) {
        CHECK(load_accelerator(data, row.spelling).id == row.id);
    }
    CHECK(message_of([&] { (void)load_accelerator(data, "h100_smx"); }) ==
          "no accelerator is named 'h100_smx'");
    CHECK(hint_of([&] { (void)load_accelerator(data, "h100_smx"); }) == "did you mean 'h100_sxm'?");
}

TEST_CASE("every accelerator is physically sane") {
    const std::vector<Accelerator> list = all();
    CHECK(list.size() >= 34);
    for (const Accelerator& a : list) {
        CAPTURE(a.id);
        const double bf16 = a.peak_of(MathUnit::bf16).value();
        const double fp8 = a.peak_of(MathUnit::fp8).value();
        const double fp4 = a.peak_of(MathUnit::fp4).value();
        CHECK(bf16 >= a.peak_of(MathUnit::fp32).value());
        const bool gpu = a.vendor == "NVIDIA" || a.vendor == "AMD";
        if (a.status == "shipping") CHECK(fp8 <= (gpu ? 2.05 : 3.8) * bf16);   // Trainium3: MXFP8 at 3.75
        CHECK(fp4 <= 4.05 * fp8);
        CHECK((fp8 == 0 || fp8 >= bf16));
        CHECK((fp4 == 0 || fp4 >= fp8));
        CHECK(a.memory >= 20_GiB);
        CHECK(a.memory <= 410_GiB);   // MI455X
        CHECK(a.link_bandwidth < a.memory_bandwidth);
        CHECK(a.nic_bandwidth < a.memory_bandwidth);
        CHECK(a.link_latency < a.nic_latency);
        CHECK(a.domain >= 1);
        CHECK(a.multiprocessors >= 50);
        CHECK(a.idle_power_share > 0);
        CHECK(a.idle_power_share < 0.5);
        // Ridge point of dense 16-bit arithmetic: H20 is lowest (37 FLOP per byte), L40S is the highest GPU (419), TPU v6e
        // the highest of all (560).
        const double ridge = bf16 / a.memory_bandwidth.value();
        CHECK(ridge > 30);
        CHECK(ridge < (gpu ? 450 : 570));
        CHECK_FALSE(a.name.empty());
        CHECK_FALSE(a.vendor.empty());
        CHECK_FALSE(a.link.empty());
        CHECK(a.year >= 2018);
    }
}

TEST_CASE("the calibrated accelerators have no relative, all others a calibrated one") {
    const std::set<std::string> known(calibrated.begin(), calibrated.end());
    for (const Accelerator& a : all()) {
        CAPTURE(a.id);
        if (known.count(a.id) == 1)
            CHECK(a.relative.empty());
        else
            CHECK(known.count(a.relative) == 1);
    }
}

TEST_CASE("every figure has a source and a date") {
    const DataStore data;
    for (const std::string& name : data.names(folder)) {
        const Document d = data.open(folder, name, "accelerator");
        const Reader sources = Reader(d).table("sources");
        for (const char* key : {"peak_tflops", "memory", "compute", "scale_up", "scale_out", "power"}) {
            CAPTURE(name);
            CAPTURE(key);
            CHECK(sources.text(key).find("20") != std::string::npos);   // a year
        }
    }
}

TEST_CASE("no alias names two accelerators or hides an id") {
    const DataStore data;
    const auto names = data.names(folder);
    std::set<std::string> seen(names.begin(), names.end());
    for (const std::string& name : names) {
        const Document d = data.open(folder, name, "accelerator");
        if (!Reader(d).has("aliases")) continue;
        for (std::string alias : Reader(d).texts("aliases")) {
            for (char& c : alias) c = c == '-' ? '_' : c;
            CAPTURE(alias);
            CHECK(seen.insert(alias).second);
        }
    }
}

TEST_CASE("an accelerator of one's own is read from a path and takes its file's name") {
    const ScratchFolder scratch;
    const Accelerator a = load_accelerator(DataStore(), scratch.write("x1.toml", own_file()));
    CHECK(a.id == "x1");
    CHECK(a.name == "X1");
    CHECK(a.status == "announced");
    CHECK(a.relative == "h100_sxm");
    CHECK(a.nic_bandwidth.value() == 25e9);
    CHECK(a.link_latency.value() == doctest::Approx(1e-6));
    CHECK(a.peak_of(MathUnit::fp32).value() == 0);
    CHECK(a.supported() == "bf16, fp8");
}

TEST_CASE("bad figures are refused in one line with place and range") {
    CHECK(failure("bf16 = 100", "bf16 = 0") == "x1.toml:7:8: key 'peak_tflops.bf16': 0 is not in 0.1..1e+06");
    CHECK(failure("bf16 = 100", "bf16 = -1") ==
          "x1.toml:7:8: key 'peak_tflops.bf16': -1 is not in 0.1..1e+06");
    CHECK(failure("bf16 = 100", "bf16 = nan") ==
          "x1.toml:7:8: key 'peak_tflops.bf16': nan is not in 0.1..1e+06");
    CHECK(failure("bf16 = 100", "bf16 = inf").find("inf is not in") != std::string::npos);
    CHECK(failure("bf16 = 100", "bf16 = \"100\"") ==
          "x1.toml:7:8: key 'peak_tflops.bf16': expected a number, found a text");
    CHECK(failure("bf16 = 100\n", "") ==
          "x1.toml:6:1: key 'peak_tflops.bf16': missing: the dense 16-bit peak is needed");
    CHECK(failure("bf16 = 100", "bf16 = 100\nfp16 = 3") ==
          "x1.toml:8:8: key 'peak_tflops.fp16': unknown key");
    CHECK(failure("usable_gib = 64", "usable_gib = 64e9") ==
          "x1.toml:10:14: key 'memory.usable_gib': 6.4e+10 is not in 1..4096");
    CHECK(failure("usable_gib = 64", "usable_gb = 64") ==
          "x1.toml:10:13: key 'memory.usable_gb': unknown key");
    CHECK(failure("bandwidth_tb_s = 2", "bandwidth_tb_s = 0").find("0 is not in 0.01..1000") !=
          std::string::npos);
    CHECK(failure("multiprocessors = 96", "multiprocessors = 9.5").ends_with("9.5 is not a whole number"));
    CHECK(failure("domain = 4", "domain = 0") ==
          "x1.toml:16:10: key 'scale_up.domain': 0 is not in 1..65536");
    CHECK(failure("gbit_s_per_gpu = 200", "gbit_s_per_gpu = 0").find("0 is not in") != std::string::npos);
    CHECK(failure("nic_latency_us = 4", "nic_latency_us = 0").find("0 is not in") != std::string::npos);
    CHECK(failure("tdp_w = 500", "tdp_w = 0.5").find("0.5 is not in 10..") != std::string::npos);
    CHECK(failure("idle_share = 0.2", "idle_share = 20") ==
          "x1.toml:23:14: key 'power.idle_share': 20 is not in 0..1");
    CHECK(failure("status = \"announced\"", "status = \"soon\"") ==
          "x1.toml:4:10: key 'status': is neither 'shipping' nor 'announced'");
    CHECK(failure("vendor = \"Us\"", "vender = \"Us\"") == "x1.toml:2:10: key 'vender': unknown key");
    CHECK(failure("[compute]\nmultiprocessors = 96\n", "") == "x1.toml:1:1: key 'compute': missing");
    CHECK(failure("[memory]", "[[memory]]").find("expected a table, found a list") != std::string::npos);
    CHECK(failure("vendor = \"Us\"", "aliases = [1]").find("expected a list of texts") != std::string::npos);
    CHECK(failure("idle_share = 0.2", "idle_share = 0.2\n[sources]\npower = \"\"").ends_with("is empty"));
}
