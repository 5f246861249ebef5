// SPDX-License-Identifier: Apache-2.0
// A sweep over the ranks of mpirun: rank 0 hands out blocks one at a time, so that fast ranks do more, and writes the
// results in order. When a rank dies, mpirun ends the job; the journal of rank 0 makes the output resumable.
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "sweep/sweep.h"

namespace moecost::cli {
namespace {

constexpr int work_tag = 1;     // rank 0 to a rank: the number of a block
constexpr int stop_tag = 2;     // rank 0 to a rank
constexpr int result_tag = 3;   // a rank to rank 0
constexpr auto pause = std::chrono::microseconds(100);

void put(std::string& s, std::uint64_t n) { s.append(reinterpret_cast<const char*>(&n), sizeof n); }

void put(std::string& s, std::string_view text) {
    put(s, std::uint64_t{text.size()});
    s.append(text);
}

void put(std::string& s, const std::vector<std::uint64_t>& list) {
    put(s, std::uint64_t{list.size()});
    for (const std::uint64_t n : list) put(s, n);
}

/// All ranks run the same program on like machines: numbers travel as they lie in memory.
std::string packed(const BlockResult& r) {
    std::string s;
    put(s, r.block);
    put(s, r.counts.points);
    put(s, r.counts.rows);
    put(s, r.counts.filtered);
    put(s, r.counts.constrained);
    put(s, std::uint64_t{r.counts.infeasible.size()});
    for (const auto& [reason, points] : r.counts.infeasible) {
        put(s, std::string_view(reason));
        put(s, points);
    }
    put(s, std::uint64_t{r.candidates.size()});
    s.append(reinterpret_cast<const char*>(r.candidates.data()),
             r.candidates.size() * sizeof(FrontierMember));
    put(s, std::string_view(r.bytes));
    return s;
}

class Unpacker {
  public:
    explicit Unpacker(std::string_view text) : rest_(text) {}
    std::uint64_t number() {
        std::uint64_t n = 0;
        std::memcpy(&n, take(sizeof n).data(), sizeof n);
        return n;
    }
    std::string_view take(std::size_t bytes) {
        if (bytes > rest_.size()) throw SystemError("a rank sent half a result");
        const std::string_view text = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return text;
    }
    std::string text() { return std::string(take(number())); }
    std::vector<std::uint64_t> list() {
        std::vector<std::uint64_t> result;
        for (std::uint64_t n = number(); n > 0; --n) result.push_back(number());
        return result;
    }

  private:
    std::string_view rest_;
};

BlockResult unpacked(std::string_view message) {
    Unpacker u(message);
    BlockResult r;
    r.block = u.number();
    r.counts.points = u.number();
    r.counts.rows = u.number();
    r.counts.filtered = u.list();
    r.counts.constrained = u.list();
    for (std::uint64_t n = u.number(); n > 0; --n) {
        std::string reason = u.text();
        r.counts.infeasible[std::move(reason)] = u.number();
    }
    r.candidates.resize(u.number());
    const std::string_view members = u.take(r.candidates.size() * sizeof(FrontierMember));
    if (!r.candidates.empty()) std::memcpy(r.candidates.data(), members.data(), members.size());
    r.bytes = u.text();
    return r;
}

/// A result that has arrived, or an empty text.
std::string receive_result(int& rank) {
    int arrived = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, result_tag, MPI_COMM_WORLD, &arrived, &status);
    if (arrived == 0) return {};
    int size = 0;
    MPI_Get_count(&status, MPI_BYTE, &size);
    std::string message(static_cast<std::size_t>(size), '\0');
    rank = status.MPI_SOURCE;
    MPI_Recv(message.data(), size, MPI_BYTE, rank, result_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return message;
}

/// Which ranks have work; whatever happens, their results are taken before the job ends.
class Crew {
  public:
    explicit Crew(int ranks) {
        for (int rank = 1; rank < ranks; ++rank) idle_.push_back(rank);
    }
    ~Crew() {
        while (busy_ > 0) (void)next_result();
    }
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    [[nodiscard]] bool has_idle() const { return !idle_.empty(); }
    [[nodiscard]] int busy() const { return busy_; }
    void send(std::uint64_t block) {
        MPI_Send(&block, 1, MPI_UINT64_T, idle_.back(), work_tag, MPI_COMM_WORLD);
        idle_.pop_back();
        ++busy_;
    }
    /// Waits; polling spares the core that an MPI wait would spin on.
    std::string next_result() {
        int rank = 0;
        std::string message;
        while ((message = receive_result(rank)).empty()) std::this_thread::sleep_for(pause);
        idle_.insert(idle_.begin(), rank);
        --busy_;
        return message;
    }

  private:
    std::vector<int> idle_;
    int busy_ = 0;
};

}   // namespace

Ranks::Ranks() {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &count_);
}

Ranks::~Ranks() {
    for (int rank = 1; rank_ == 0 && rank < count_; ++rank) {
        MPI_Send(nullptr, 0, MPI_BYTE, rank, stop_tag, MPI_COMM_WORLD);
    }
    MPI_Finalize();
}

SweepSummary Ranks::coordinate(const DataStore& data, const Grid& grid, const SweepOptions& options) {
    if (count_ == 1) return moecost::run_sweep(data, grid, options);
    SweepOptions wide = options;   // the window follows the number of workers
    wide.threads = static_cast<unsigned>(count_ - 1);
    Sweep sweep(data, grid, wide);
    {
        Crew crew(count_);
        for (;;) {
            while (crew.has_idle()) {
                const auto block = sweep.try_claim();
                if (!block) break;
                crew.send(*block);
            }
            if (crew.busy() == 0) break;
            sweep.accept(unpacked(crew.next_result()));
        }
    }
    return sweep.finish();
}

void Ranks::evaluate_blocks(const DataStore& data, const Grid& grid, const RowStyle& style) {
    const Prototypes prototypes(data, grid);
    BlockWorker worker(grid, prototypes, style);
    BlockResult result;
    for (;;) {
        MPI_Status status;
        int arrived = 0;
        while (arrived == 0) {
            MPI_Iprobe(0, MPI_ANY_TAG, MPI_COMM_WORLD, &arrived, &status);
            if (arrived == 0) std::this_thread::sleep_for(pause);
        }
        std::uint64_t block = 0;
        MPI_Recv(&block, 1, MPI_UINT64_T, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
        if (status.MPI_TAG == stop_tag) return;
        worker.run(block, result);
        const std::string message = packed(result);
        MPI_Send(message.data(), static_cast<int>(message.size()), MPI_BYTE, 0, result_tag, MPI_COMM_WORLD);
    }
}

}   // namespace moecost::cli
