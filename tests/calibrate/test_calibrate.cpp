// SPDX-License-Identifier: Apache-2.0
// From a folder of tables to an estimate, and everything that can be wrong with the folder.
#include "moecost/calibrate/calibrate.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "../base/scratch.h"
#include "moecost/base/gzip.h"
#include "moecost/hardware/profile/profile_toml.h"
#include "moecost/moecost.h"
#include "synthetic.h"

using namespace moecost;

namespace {

void write_tables(const ScratchFolder& folder, const std::string& gpu) {
    std::string gemms = synthetic::csv_of(synthetic::gemm(), gpu);
    const std::string fp8 = synthetic::csv_of(synthetic::gemm("fp8"), gpu);
    gemms.append(fp8.substr(fp8.find('\n') + 1));
    folder.write("gemm.csv", gemms);
    for (const synthetic::Table& t : synthetic::every_table()) {
        if (t.series.op == KernelOp::gemm) continue;
        folder.write(std::string(name_of(t.series.op)).append(".csv"), synthetic::csv_of(t, gpu));
    }
}

CalibrateOptions options_for(const ScratchFolder& folder) {
    CalibrateOptions o;
    o.folder = folder.path.string();
    o.engine = "microbench";
    o.threads = 2;
    return o;
}

/// Message and hint.
std::string failure(const CalibrateOptions& o) {
    try {
        (void)calibrate(DataStore(), o);
    } catch (const InputError& e) {
        return std::string(e.what()).append("\n").append(e.hint());
    }
    return {};
}

constexpr std::string_view header = "gpu,engine,dtype,m,n,k,latency_us\n";
constexpr std::string_view device =
    R"({"name": "X1 accelerator", "gpu": "x1", "multiprocessors": 132, "memory_bytes": 150e9, "l2_bytes": 50e6,
        "date": "2026-10-01", "facts": {"driver": "1"}})";

Estimate estimate_of(const std::string& gpu, const std::string& model) {
    Description d;
    d.gpu = gpu;
    d.model = model;
    d.tp = 2;
    d.isl = 1000;
    d.osl = 200;
    d.usd_per_gpu_hour = 2;
    const auto estimate = evaluate(*describe(DataStore(), d));
    REQUIRE(static_cast<bool>(estimate));
    return *estimate;
}

}   // namespace

TEST_CASE("tables in, profile out, estimate runs: a GPU of the catalogue") {
    const ScratchFolder folder;
    write_tables(folder, "h200-sxm");
    const Calibration c = calibrate(DataStore(), options_for(folder));
    CHECK(c.target.in_catalogue);
    CHECK(c.target.nearest == "h200_sxm");
    CHECK(c.missing.empty());
    const std::string file = folder.write(
        "my-gpu.toml", toml_of(c.target.gpu, c.target.sources, c.assembly.profile, "2026-10-01"));
    const Accelerator gpu = load_accelerator(DataStore(), file);
    CHECK(gpu.profile == file);
    const Profile read = profile_from_toml(parse_toml(read_file(file), file), {});
    CHECK(read.accelerator == "h200_sxm");
    CHECK(read.engine == "vllm");
    // The constants the rows were made with, through the file.
    REQUIRE(read.kernels->decode_attention.size() == 2);
    CHECK(read.kernels->decode_attention[0].memory == doctest::Approx(0.85).epsilon(0.02));
    CHECK(read.kernels->all_reduce.size() == 1);
    CHECK(read.kernels->decode_attention[0].fit.table == "microbench 0");
    CHECK(read.kernels->decode_attention[1].fit.note.find("borrowed from h200_sxm-vllm") == 0);
    const double own = estimate_of(file, "mixtral-8x7b").serving.output_tokens_per_s.value();
    const double shipped = estimate_of("h200_sxm", "mixtral-8x7b").serving.output_tokens_per_s.value();
    CHECK(own > 0.5 * shipped);
    CHECK(own < 2 * shipped);
    CHECK(own != shipped);
}

TEST_CASE("a GPU that no catalogue knows takes its figures from device.json and the best rows") {
    const ScratchFolder folder;
    write_tables(folder, "x1");
    folder.write("device.json", device);
    folder.write(
        "stream.csv",
        "gpu,op,size,latency_us\nx1,read,1000000,0.1\nx1,read,4500000000,1000\nx1,write,4000000000,900\n");
    const Calibration c = calibrate(DataStore(), options_for(folder));
    CHECK_FALSE(c.target.in_catalogue);
    CHECK(c.target.nearest == "h200_sxm");
    const Accelerator& gpu = c.target.gpu;
    CHECK(gpu.name == "X1 accelerator");
    CHECK(gpu.multiprocessors == 132);
    CHECK(gpu.memory_bandwidth.value() == doctest::Approx(4.5e12));
    // 80 % of an H200, less waves and floor, is what the best GEMM reaches
    CHECK(gpu.peak_of(MathUnit::bf16).value() > 0.6 * 989.4e12);
    CHECK(gpu.peak_of(MathUnit::bf16).value() < 0.85 * 989.4e12);
    CHECK(gpu.peak_of(MathUnit::fp4).value() == 0);
    CHECK(c.assembly.profile.serving.source.find("borrowed from h200_sxm-vllm: ") == 0);
    const std::string file =
        folder.write("x.toml", toml_of(gpu, c.target.sources, c.assembly.profile, "2026-10-01"));
    CHECK(estimate_of(file, "deepseek-v2-lite").serving.output_tokens_per_s.value() > 0);
}

TEST_CASE("a profile reads back as it was written, for every shipped one") {
    const DataStore data;
    for (const auto& [name, accelerator, engine] : profile_names(data)) {
        const Profile p = profile_from_toml(data.open(profile_folder, name, "engine profile"), {});
        const std::string text = toml_of(p, "2026");
        CAPTURE(name);
        CHECK(p.accelerator == accelerator);
        CHECK(p.engine == engine);
        CHECK(toml_of(profile_from_toml(parse_toml(text, p.id), {}), "2026") == text);
    }
}

TEST_CASE("the number of threads leaves no trace") {
    const ScratchFolder folder;
    folder.write("gemm.csv", synthetic::csv_of(synthetic::gemm(), "h200-sxm"));
    folder.write("allreduce.csv", synthetic::csv_of(synthetic::all_reduce(), "h200-sxm"));
    CalibrateOptions o = options_for(folder);
    o.threads = 1;
    const std::string one = toml_of(calibrate(DataStore(), o).assembly.profile, "2026");
    o.threads = 3;
    CHECK(toml_of(calibrate(DataStore(), o).assembly.profile, "2026") == one);
}

TEST_CASE("without a folder, a table or rows of the engine") {
    const ScratchFolder folder;
    CalibrateOptions o = options_for(folder);
    CHECK(failure(o).find("holds no kernel timing table") != std::string::npos);
    o.folder += "/absent";
    CHECK(failure(o).find("no such folder") != std::string::npos);
    folder.write("gemm.csv", std::string(header) + "h200-sxm,vllm,bfloat16,1,256,256,9\n");
    o = options_for(folder);
    CHECK(failure(o).find("no row is of accelerator 'auto' and engine 'microbench'") != std::string::npos);
    CHECK(failure(o).find("h200-sxm (vllm)") != std::string::npos);
    o.engine = "vllm";
    o.gpu = "h100_sxm";
    CHECK(failure(o).find("no row is of accelerator 'h100_sxm' and engine 'vllm'") != std::string::npos);
}

TEST_CASE("several accelerators need a choice") {
    const ScratchFolder folder;
    folder.write("gemm.csv", std::string(header) +
                                 "a,microbench,bfloat16,1,256,256,9\nb,microbench,bfloat16,1,256,256,9\n");
    CHECK(failure(options_for(folder)).find("rows of 2 accelerators: a, b") != std::string::npos);
}

TEST_CASE("a table with a wrong column or field names it") {
    const ScratchFolder folder;
    const auto message = [&](std::string_view text) {
        folder.write("gemm.csv", text);
        return failure(options_for(folder));
    };
    const std::string missing = message("gpu,engine,dtype,m,n,latency_us\nx,microbench,bfloat16,1,256,9\n");
    CHECK(missing.find("gemm.csv:1: key 'k': column is missing") != std::string::npos);
    CHECK(missing.find("needed: gpu, engine, dtype, m, n, k, latency_us") != std::string::npos);
    const auto row = [&](std::string_view fields) { return message(std::string(header).append(fields)); };
    CHECK(row("x,microbench,bfloat16,1,256,256,fast\n")
              .find("gemm.csv:2: key 'latency_us': 'fast' is not a positive number") != std::string::npos);
    CHECK(row("x,microbench,bfloat16,1,256,256,0\n").find("'0' is not a positive number") !=
          std::string::npos);
    CHECK(row("x,microbench,bfloat16,1,256,256,-3\n").find("'-3' is not a positive number") !=
          std::string::npos);
    CHECK(row("x,microbench,bfloat16,1,256,256,nan\n").find("'nan' is not a positive number") !=
          std::string::npos);
    CHECK(row("x,microbench,bfloat16,,256,256,9\n").find("key 'm': '' is not a positive number") !=
          std::string::npos);
    CHECK(row("x,microbench,bfloat16,1,256\n").find("5 fields where the header has 7") != std::string::npos);
    CHECK(row("\"x,microbench\n").find("quoted field is not closed") != std::string::npos);
    CHECK(message("").find("empty: a header row is needed") != std::string::npos);
}

TEST_CASE("suspect rows may hold anything and are not used") {
    const ScratchFolder folder;
    folder.write("gemm.csv",
                 "gpu,engine,dtype,m,n,k,latency_us,suspect\nx,microbench,bfloat16,1,256,256,,1\n");
    const Measurements m = read_measurements(folder.path.string(), {}, 1);
    REQUIRE(m.series.size() == 1);
    CHECK(m.series[0].rows.empty());
    CHECK(m.series[0].dropped.at("marked suspect") == 1);
}

TEST_CASE("a gzip file that ends too early is no table") {
    const ScratchFolder folder;
    const std::string whole = gzip_member(synthetic::csv_of(synthetic::all_reduce(), "h200-sxm"));
    folder.write("allreduce.csv.gz", whole);
    CHECK(read_measurements(folder.path.string(), {}, 1).series.size() == 1);
    folder.write("allreduce.csv.gz", std::string_view(whole).substr(0, whole.size() / 2));
    CHECK(failure(options_for(folder)).find("damaged gzip data") != std::string::npos);
}

TEST_CASE("an unknown GPU without device.json, or without rows that show its peaks") {
    const ScratchFolder folder;
    folder.write("allreduce.csv", synthetic::csv_of(synthetic::all_reduce(), "x1"));
    CHECK(failure(options_for(folder)).find("the accelerator 'x1' is not in the catalogue and there is no") !=
          std::string::npos);
    folder.write("device.json", device);
    CHECK(failure(options_for(folder)).find("no bfloat16 row shows the peak") != std::string::npos);
    folder.write("device.json", R"({"name": "X1", "multiprocessors": 0, "memory_bytes": 150e9})");
    CHECK(failure(options_for(folder)).find("device.json") != std::string::npos);
}

// The tables of the published timings, where they are present: errors within half a point of the prototype's.
TEST_CASE("held-out errors on published kernel timings") {
    const std::filesystem::path tables = std::filesystem::path(MOECOST_SHARED) / "measured/kernels";
    if (!std::filesystem::exists(tables)) {
        MESSAGE("skipped: no published kernel timings beside the repository");
        return;
    }
    const ScratchFolder folder;
    for (const char* name : {"mla_decode", "mla_prefill", "allreduce", "moe"}) {
        const std::string file = std::string(name).append(".csv.gz");
        std::filesystem::create_symlink(tables / file, folder.path / file);
    }
    CalibrateOptions o = options_for(folder);
    o.gpu = "h200_sxm";
    o.engine = "trtllm";
    const Calibration c = calibrate(DataStore(), o);
    struct Published {
        KernelOp op;
        std::string_view engine, dtype, cache, kernel;
        double median;   // percent, as published with the tables
    };
    constexpr Published published[] = {
        {KernelOp::mla_decode, "trtllm", "", "bfloat16", "default", 7.0},
        {KernelOp::mla_decode, "trtllm", "", "fp8", "default", 7.5},
        {KernelOp::mla_prefill, "trtllm", "", "bfloat16", "default", 9.4},
        {KernelOp::mla_prefill, "trtllm", "", "fp8", "default", 7.5},
        {KernelOp::all_reduce, "vllm", "", "", "", 2.4},
        {KernelOp::all_reduce, "sglang", "", "", "", 4.2},
        {KernelOp::all_reduce, "trtllm", "", "", "", 3.7},
        {KernelOp::moe, "trtllm", "bfloat16", "", "moe_torch_flow_cutlass", 4.3},
        {KernelOp::moe, "trtllm", "fp8", "", "moe_torch_flow_cutlass", 4.3},
        {KernelOp::moe, "trtllm", "fp8_block", "", "moe_torch_flow_cutlass", 3.6},
        {KernelOp::moe, "vllm", "fp8_block", "", "vllm_fp8moe_flashinfer_cutlass_flashinferexperts", 5.4},
        {KernelOp::moe, "sglang", "fp8_block", "", "sglang_fused_moe_triton", 5.1}};
    for (const Published& p : published) {
        const auto fit = std::find_if(c.fits.begin(), c.fits.end(), [&](const KernelFit& f) {
            const KernelSeries& s = f.series;
            return f.fitted() && s.op == p.op && s.engine == p.engine && s.dtype == p.dtype &&
                   s.cache == p.cache && s.kernel == p.kernel;
        });
        CAPTURE(p.engine);
        CAPTURE(p.kernel);
        CAPTURE(p.cache);
        REQUIRE(fit != c.fits.end());
        CHECK(100 * fit->median < p.median + 0.5);
    }
}
