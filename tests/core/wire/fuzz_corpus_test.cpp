// The fuzz targets as plain tests: every file of their corpora, and a few thousand mutations of each, the same in every
// run. Found crashers are added to the corpus and so stay tests for ever.
#include <gtest/gtest.h>

#include "tests/fuzz/corpus.h"
#include "tests/fuzz/negentropy_target.h"
#include "tests/fuzz/stream_target.h"
#include "tests/fuzz/targets.h"

namespace np2p {
namespace {

TEST(FuzzCorpus, Packet) {
  fuzz::run("packet", [](ByteView bytes) { fuzz::packet_decode(bytes); });
}

TEST(FuzzCorpus, EventJson) {
  fuzz::run("event_json", [](ByteView bytes) { fuzz::event_json_parse(bytes); });
}

TEST(FuzzCorpus, FilterJson) {
  fuzz::run("filter_json", [](ByteView bytes) { fuzz::filter_json_parse(bytes); });
}

TEST(FuzzCorpus, ClientMessage) {
  fuzz::run("client_message", [](ByteView bytes) { fuzz::client_message_parse(bytes); });
}

TEST(FuzzCorpus, Negentropy) {
  fuzz::run("negentropy", [](ByteView bytes) { fuzz::negentropy_message(bytes); });
}

TEST(FuzzCorpus, StreamMessages) {
  fuzz::run("stream_messages", [](ByteView bytes) { fuzz::stream_message(bytes); });
}

}  // namespace
}  // namespace np2p
