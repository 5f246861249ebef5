// SPDX-License-Identifier: Apache-2.0
// How requests come: the kinds of load, each with what it needs. A scenario states the load of the whole deployment;
// serving laws get the part of one instance.
#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace moecost {

/// `concurrency` requests in the system at all times: each answer is followed at once by the next request. A run of
/// `requests` in all starts with `concurrency` at once; 0: it has gone on for ever.
struct ClosedLoop {
    double concurrency = 64;
    double requests = 0;
    bool operator==(const ClosedLoop&) const = default;
};
/// `rate` requests per second whatever the server does. `burstiness` is the squared coefficient of variation of the
/// gaps between them (the index of dispersion of their counts): 1 is Poisson, 0 a clock, above 1 they come in bursts.
struct OpenLoop {
    double rate = 1;
    double burstiness = 1;
    bool operator==(const OpenLoop&) const = default;
};
/// All requests are queued at once; 0: the queue never ends.
struct Offline {
    double requests = 0;
    bool operator==(const Offline&) const = default;
};
/// One batch submitted at once that decodes in step; no arrivals.
struct StaticBatch {
    double requests = 1;
    bool operator==(const StaticBatch&) const = default;
};
/// `requests` arrive at once on an idle server under continuous batching.
struct Burst {
    double requests = 1;
    bool operator==(const Burst&) const = default;
};

/// One request of a trace: lengths in tokens; `cached` of the prompt need no computing.
struct TracedRequest {
    double arrival_s = 0;   // since the start of the trace
    double input = 1;
    double output = 1;
    double cached = 0;
    bool operator==(const TracedRequest&) const = default;
};
/// Requests as a trace recorded them, in order of arrival; `speed` 2 plays it in half the time. They are here, or in a
/// file that is read while it is played: then their number, mean rate and burstiness are known of it.
struct Replay {
    std::vector<TracedRequest> requests{};
    double speed = 1;
    double count = 0;        // of the file
    double rate = 0;         // requests/s of the file; 0: they are here
    double burstiness = 1;   // as of OpenLoop
    double one_of = 1;       // an instance gets every that many-th request
    bool operator==(const Replay&) const = default;
};
/// Prompts only, saturated.
struct PrefillOnly {
    bool operator==(const PrefillOnly&) const = default;
};
/// `requests` sequences decoding, no prompts.
struct DecodeOnly {
    double requests = 1;
    bool operator==(const DecodeOnly&) const = default;
};

using Load = std::variant<ClosedLoop, OpenLoop, Offline, StaticBatch, Burst, Replay, PrefillOnly, DecodeOnly>;

/// "closed_loop", "open_loop", "offline", "static_batch", "burst", "replay", "prefill_only", "decode_only".
[[nodiscard]] std::string_view name_of(const Load& load);

/// The number a load is stated by: requests in flight, at once or per second; nothing where it has none.
[[nodiscard]] std::optional<double> size_of(const Load& load);
/// The same kind of load of another size; a load without a size stays as it is.
[[nodiscard]] Load resized(Load load, double size);
/// The part of one of `instances` equal instances behind a load balancer. An endless queue keeps each of them full.
[[nodiscard]] Load per_instance(const Load& load, double instances);

}   // namespace moecost
