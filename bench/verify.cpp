// What a signature costs: bare libsecp256k1 (parse the key, verify), our Verifier around it, signing, and the id that
// has to be computed before either.
#include <benchmark/benchmark.h>
#include <secp256k1_schnorrsig.h>

#include "bench/signed_events.h"
#include "core/crypto/verifier.h"
#include "core/event/canonical.h"

namespace np2p {
namespace {

void bare_libsecp256k1(benchmark::State& state) {
  const auto events = bench::signed_events(500);
  secp256k1_context* context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  std::size_t i = 0;
  for (auto _ : state) {
    const Event& event = events[i++ % events.size()];
    secp256k1_xonly_pubkey key;
    int good = secp256k1_xonly_pubkey_parse(context, &key, event.pubkey.data.data());
    good &= secp256k1_schnorrsig_verify(context, event.sig.data.data(), event.id.data.data(), 32, &key);
    if (good != 1) state.SkipWithError("a good signature was refused");
  }
  state.SetItemsProcessed(state.iterations());
  secp256k1_context_destroy(context);
}
BENCHMARK(bare_libsecp256k1);

void verifier(benchmark::State& state) {
  const auto events = bench::signed_events(500);
  SecpVerifier verifier(static_cast<std::size_t>(state.range(0)));
  std::size_t i = 0;
  for (auto _ : state) {
    const Event& event = events[i++ % events.size()];
    if (!verifier.verify(event.id, event.pubkey, event.sig)) state.SkipWithError("a good signature was refused");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(verifier)->ArgName("remembered_keys")->Arg(0)->Arg(256);

void sign(benchmark::State& state) {
  const auto events = bench::signed_events(500);
  const Signer signer = Signer::from_seed(1, 1);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(signer.sign_hash(events[i++ % events.size()].id));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(sign);

void event_id(benchmark::State& state) {
  const auto events = bench::signed_events(500);
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(compute_id(events[i++ % events.size()]));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(event_id);

}  // namespace
}  // namespace np2p
