// Encoding and decoding one event: the packet between servers, JSON, canonical bytes; and a page of 100 as an answer.
#include <benchmark/benchmark.h>

#include "bench/signed_events.h"
#include "core/event/canonical.h"
#include "core/event/json.h"
#include "core/event/validation.h"
#include "core/wire/packet.h"

namespace np2p {
namespace {

std::vector<EventPtr> trusted(const std::vector<Event>& events) {
  std::vector<EventPtr> pointers;
  for (const Event& event : events) pointers.push_back(*ValidationGate::trusted(event));
  return pointers;
}

void finish(benchmark::State& state, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void packet_encode(benchmark::State& state) {
  const auto events = trusted(bench::signed_events(500));
  std::size_t i = 0;
  std::size_t bytes = 0;
  for (auto _ : state) bytes += encode_events({&events[i++ % events.size()], 1}).size();
  finish(state, bytes);
}
BENCHMARK(packet_encode);

void packet_decode(benchmark::State& state) {
  const Limits limits;
  std::vector<Frame> frames;
  for (const EventPtr& event : trusted(bench::signed_events(500))) frames.push_back(encode_events({&event, 1}));
  std::size_t i = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const Frame& frame = frames[i++ % frames.size()];
    const auto packet = decode_packet(frame.view(), limits);
    if (!packet.ok()) state.SkipWithError("a good packet was refused");
    bytes += frame.size();
  }
  finish(state, bytes);
}
BENCHMARK(packet_decode);

void canonical(benchmark::State& state) {
  const auto events = bench::signed_events(500);
  std::size_t i = 0;
  std::size_t bytes = 0;
  for (auto _ : state) bytes += canonical_bytes(events[i++ % events.size()]).size();
  finish(state, bytes);
}
BENCHMARK(canonical);

void json_write(benchmark::State& state) {
  const auto events = bench::signed_events(500);
  std::size_t i = 0;
  std::size_t bytes = 0;
  for (auto _ : state) bytes += event_json(events[i++ % events.size()]).size();
  finish(state, bytes);
}
BENCHMARK(json_write);

void json_parse(benchmark::State& state) {
  const Limits limits;
  std::vector<std::string> texts;
  for (const Event& event : bench::signed_events(500)) texts.push_back(event_json(event));
  std::size_t i = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    const std::string& text = texts[i++ % texts.size()];
    const auto event = parse_event_json(text, limits);
    if (!event.ok()) state.SkipWithError("a good event was refused");
    bytes += text.size();
  }
  finish(state, bytes);
}
BENCHMARK(json_parse);

void answer_of_100(benchmark::State& state) {
  const auto events = trusted(bench::signed_events(100));
  std::size_t bytes = 0;
  for (auto _ : state) bytes += encode_answer(events, true).size();
  finish(state, bytes);
}
BENCHMARK(answer_of_100);

}  // namespace
}  // namespace np2p
