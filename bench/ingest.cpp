// Verified ingest: from the bytes of a packet to the memory store, and how much more that is than the signature check
// alone. `alternating` measures both in turns, so that a busy machine slows both: its `ratio` is what counts.
#include <benchmark/benchmark.h>
#include <secp256k1_schnorrsig.h>

#include <memory>

#include "bench/cpu_time.h"
#include "bench/signed_events.h"
#include "core/crypto/verifier.h"
#include "core/event/validation.h"
#include "core/store/memory_store.h"
#include "core/wire/packet.h"

namespace np2p {
namespace {

class BareVerification {
 public:
  BareVerification() : context_(secp256k1_context_create(SECP256K1_CONTEXT_NONE)) {}
  ~BareVerification() { secp256k1_context_destroy(context_); }
  BareVerification(const BareVerification&) = delete;
  BareVerification& operator=(const BareVerification&) = delete;
  bool operator()(const Event& event) const {
    secp256k1_xonly_pubkey key;
    return secp256k1_xonly_pubkey_parse(context_, &key, event.pubkey.data.data()) == 1 &&
           secp256k1_schnorrsig_verify(context_, event.sig.data.data(), event.id.data.data(), 32, &key) == 1;
  }

 private:
  secp256k1_context* context_;
};

class Ingest {
 public:
  explicit Ingest(const std::vector<Event>& events, std::size_t remembered_keys = 256)
      : verifier_(remembered_keys), store_(std::make_unique<MemoryStore>(limits_)) {
    for (const Event& event : events) {
      const EventPtr valid = *ValidationGate::trusted(event);
      frames_.push_back(encode_events({&valid, 1}));
    }
  }
  void empty_the_store() { store_ = std::make_unique<MemoryStore>(limits_); }
  bool operator()(std::size_t i) {
    auto packet = decode_packet(frames_[i].view(), limits_);
    if (!packet.ok()) return false;
    for (Event& claim : packet->events) {
      const auto event = ValidationGate::validate(std::move(claim), limits_, verifier_);
      if (!event.ok() || store_->put(*event) != PutOutcome::stored) return false;
    }
    return true;
  }

 private:
  Limits limits_;
  SecpVerifier verifier_;
  std::vector<Frame> frames_;
  std::unique_ptr<MemoryStore> store_;
};

constexpr std::size_t kEvents = 1000;

void bare_verify(benchmark::State& state) {
  const auto events = bench::signed_events(kEvents);
  const BareVerification verify;
  std::size_t i = 0;
  for (auto _ : state) {
    if (!verify(events[i++ % kEvents])) state.SkipWithError("a good signature was refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(bare_verify);

void ingest(benchmark::State& state) {
  const auto events = bench::signed_events(kEvents);
  Ingest ingest(events);
  std::size_t i = 0;
  for (auto _ : state) {
    if (i == kEvents) {
      state.PauseTiming();
      ingest.empty_the_store();
      i = 0;
      state.ResumeTiming();
    }
    if (!ingest(i++)) state.SkipWithError("a good event was refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ingest);

void alternating(benchmark::State& state) {
  const auto events = bench::signed_events(kEvents);
  const BareVerification verify;
  Ingest ingest(events, static_cast<std::size_t>(state.range(0)));
  double bare = 0;
  double whole = 0;
  constexpr std::size_t kTurn = 50;  // events
  std::size_t first = 0;
  for (auto _ : state) {
    if (first == kEvents) {
      ingest.empty_the_store();
      first = 0;
    }
    const auto start = bench::cpu_seconds();
    for (std::size_t i = first; i < first + kTurn; ++i) {
      if (!verify(events[i])) state.SkipWithError("a good signature was refused");
    }
    const auto middle = bench::cpu_seconds();
    for (std::size_t i = first; i < first + kTurn; ++i) {
      if (!ingest(i)) state.SkipWithError("a good event was refused");
    }
    const auto end = bench::cpu_seconds();
    bare += middle - start;
    whole += end - middle;
    first += kTurn;
  }
  const double each = 1e6 / static_cast<double>(state.iterations() * static_cast<std::int64_t>(kTurn));
  state.counters["bare_us"] = bare * each;
  state.counters["ingest_us"] = whole * each;
  state.counters["ratio"] = whole / bare;
}
BENCHMARK(alternating)->ArgName("remembered_keys")->Arg(0)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace np2p
