// What must hold for any bytes as one of our own messages between nodes, or as a part of a stream: what decodes means
// the same after another round. The body of the libFuzzer target stream_messages_fuzz.cpp;
// tests/core/wire/fuzz_corpus_test.cpp runs it, too.
#pragma once

#include "core/base/assert.h"
#include "core/wire/extension.h"
#include "core/wire/stream.h"

namespace np2p::fuzz {

inline void stream_message(ByteView bytes) {
  const Limits limits;
  if (const auto part = decode_stream_part(bytes, limits); part.ok()) {
    NP2P_ASSERT(part->covers <= part->head.seq && part->head.base <= part->head.seq);
    const auto again = decode_stream_part(encode_stream_part(*part).view(), limits);
    NP2P_ASSERT(again.ok() && *again == *part);
  } else {
    NP2P_ASSERT(!part.error().reason.empty());
  }
  const auto message = decode_extension(bytes, limits);
  if (!message.ok()) {
    NP2P_ASSERT(!message.error().reason.empty());
    return;
  }
  const auto again = decode_extension(encode_extension(*message).view(), limits);
  NP2P_ASSERT(again.ok() && *again == *message);
}

}  // namespace np2p::fuzz
